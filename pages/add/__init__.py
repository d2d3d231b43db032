"""The page where a person adds a classifier or an image set."""
