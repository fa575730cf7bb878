"""Every single step of a change and of its undo, made to fail; see docs/safety.md."""
