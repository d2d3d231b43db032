"""What every room may use: home, sharing, devices, batches, budgets."""
