"""Reproduces every number that the README quotes: `python -m benchmarks.NAME --json`."""
