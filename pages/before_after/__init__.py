"""The page that compares the predictions before and after a run."""
