"""What the system said, in words."""

from __future__ import annotations


def system_words(error: OSError) -> str:
    """The reason and, where it is told, the file."""
    reason = (error.strerror or str(error)).lower()
    return f"{reason} ({error.filename})" if error.filename else reason
