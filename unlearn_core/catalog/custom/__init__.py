"""Classifiers that a user brings: read once, checked, and kept as plain tensors."""
