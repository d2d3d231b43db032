"""Representations: features, their drift, and maps of an image set."""
