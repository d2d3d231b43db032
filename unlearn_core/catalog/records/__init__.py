"""Records of custom classifiers and added image sets; without torch."""
