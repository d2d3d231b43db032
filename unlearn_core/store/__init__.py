"""Stored runs: requests, rows, folders, snapshots, limits."""
