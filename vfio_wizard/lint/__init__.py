"""Reviews configuration that people already have: text in, mistakes with their places out. No I/O."""
