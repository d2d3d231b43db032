"""What people see: one folder per page, and what two or more pages share."""
