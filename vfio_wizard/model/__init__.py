"""Floor 0: what a machine is, in types. No input, no output, no knowledge of models."""
