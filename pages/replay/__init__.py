"""The page that replays a run step by step."""
