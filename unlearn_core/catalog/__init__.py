"""What can be picked: classifiers, image sets, and ways to pick a forget set."""
