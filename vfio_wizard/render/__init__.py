"""Floor 5: a plan in, files out; pure. One module per dialect."""
