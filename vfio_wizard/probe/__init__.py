"""Floor 2: a host in, facts out. One module per subsystem; text about a machine in ``text``."""
