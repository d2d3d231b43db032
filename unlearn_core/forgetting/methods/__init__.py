"""One unlearning method per file."""
