"""Importance and change of weights, filters, and weight interpolation."""
