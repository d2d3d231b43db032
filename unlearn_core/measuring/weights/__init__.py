"""Importance and change of weights, filters, and weights between before and after."""
