"""Floor 3: facts in, findings out; pure."""
