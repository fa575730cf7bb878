"""Errors that are messages: what, where, and the next step. Only the command line catches them."""

from __future__ import annotations


class WizardError(Exception):
    """Base of every refusal that a user sees as one line."""

    exit_code = 1


class UsageError(WizardError):
    """Wrong options, an unknown address, a source that cannot be read."""

    exit_code = 2


class NotLiveError(WizardError):
    """Somebody asked to change a machine that is only a record."""
