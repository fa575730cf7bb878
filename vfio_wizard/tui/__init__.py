"""Floor 8: the interactive wizard. Screens show and ask; every decision is made further down."""
