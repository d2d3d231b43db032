"""The page of weight importance and weight change."""
