"""Nix modules: parsed by a real grammar, their literal parts evaluated, the rest said not to be judged."""
