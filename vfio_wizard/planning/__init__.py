"""Floor 4: facts and a selection in, a plan out; pure."""
