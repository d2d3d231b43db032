"""How much is looked at: budgets that depend on the size of the pictures."""

SMALL = 64
"""Pixels: classifiers with inputs up to this side see whole pictures, and many pictures cost them little."""
