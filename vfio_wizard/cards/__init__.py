"""Floor 2: GPUs as users think of them, made from facts; pure."""
