"""Floor 1: every byte read from a machine, and every command run on one."""
