"""The shipped classifiers and their training recipes."""
