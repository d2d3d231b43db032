"""What is kept of a classifier or image set that a person added: plain records, no torch."""
