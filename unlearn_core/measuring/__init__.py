"""What changed: predictions, attributions, representations, weights."""
