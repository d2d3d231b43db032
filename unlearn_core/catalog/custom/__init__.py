"""Custom classifiers: loaded once, checked, and stored as plain tensors."""
