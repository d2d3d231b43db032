"""The catalog: classifiers, image sets, and ways to pick a forget set."""
