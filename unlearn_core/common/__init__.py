"""Shared by all packages: home, sharing, devices, batches, budgets."""
