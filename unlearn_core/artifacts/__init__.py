"""The formats of what is kept: each file reads and writes one. Arrays and plain types, no torch."""
