"""Captum attributions: the algorithms, where each is valid, how far it can be trusted."""
