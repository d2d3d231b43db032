"""What comes with the project, and how it was trained."""
