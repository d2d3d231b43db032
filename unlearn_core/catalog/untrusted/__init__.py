"""All reading of files that strangers made."""
