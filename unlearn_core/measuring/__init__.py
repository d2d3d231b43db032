"""Measurements of a run: predictions, attributions, representations, weights."""
