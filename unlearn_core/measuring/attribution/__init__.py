"""Attributions with Captum: algorithms, the classifiers they are valid for, and the quality of maps."""
