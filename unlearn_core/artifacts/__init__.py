"""File formats: each module reads and writes one. Arrays and plain types, no torch."""
