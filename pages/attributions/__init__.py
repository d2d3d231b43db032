"""The page that shows what the classifier looks at."""
