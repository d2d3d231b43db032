"""What a worker does for one request: pick, forget, measure, report."""
