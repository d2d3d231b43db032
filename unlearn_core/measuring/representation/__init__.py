"""Features: drift, and maps of an image set."""
