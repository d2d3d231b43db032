"""The page where a person adds a classifier or pictures."""
