"""The page that lists what is kept."""
