"""Making a plan so, undoably: the only floor that changes a machine."""
