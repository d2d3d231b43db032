"""The page where pictures are picked and forgotten."""
