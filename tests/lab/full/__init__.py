"""Installed systems with their own boot loaders: changed, rebooted, proven, taken back."""
