"""What is kept of runs: requests, rows, folders, snapshots, limits."""
