"""The page that plays a run step by step."""
