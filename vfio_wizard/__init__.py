"""GPU passthrough on Linux: look, explain, propose, change, prove, take back."""

__version__ = "0.1.0"
