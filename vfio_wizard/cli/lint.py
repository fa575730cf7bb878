"""``lint``: reviews passthrough configuration that is already there."""

from __future__ import annotations

import sys

from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import look, print_json, wants_colour, width
from vfio_wizard.knowledge.nixos import RELEASES, Release, release
from vfio_wizard.lint.kinds import Kind
from vfio_wizard.lint.mistake import Severity
from vfio_wizard.lint.review import LARGEST, review
from vfio_wizard.lint.review import Given as Text
from vfio_wizard.lint.situation import Situation
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.unread import Unread
from vfio_wizard.model.version import KernelVersion, kernel_version


def run(given: Given) -> int:
    """Review the files; 1 with at least one error."""
    if given.flag("rules"):
        return _rules(given)
    texts = [_read(path) for path in given.list("files")]
    texts += [Text("--cmdline", line, Kind.CMDLINE) for line in given.list("cmdline")]
    if not texts:
        message = (
            "lint needs a file, - for standard input, or --cmdline TEXT; --rules lists what it looks for"
        )
        raise UsageError(message)
    situation = _situation(given)
    found = review(texts, situation)
    if given.flag("json"):
        from vfio_wizard.report.lint_json import lint_json  # noqa: PLC0415

        print_json(lint_json(found, situation))
    else:
        from vfio_wizard.report.lint_text import lint_text  # noqa: PLC0415

        sys.stdout.write(lint_text(found, situation, width=width(), colour=wants_colour()))
    return Exit.BLOCKED if found.count(Severity.ERROR) else Exit.OK


def _rules(given: Given) -> int:
    if given.flag("json"):
        from vfio_wizard.report.lint_json import rules_json  # noqa: PLC0415

        print_json(rules_json())
    else:
        from vfio_wizard.report.lint_text import rules_text  # noqa: PLC0415

        sys.stdout.write(rules_text(width()))
    return Exit.OK


def _read(path: str) -> Text:
    """One file, not beyond what a configuration may be. Raises UsageError where it cannot be read."""
    try:
        data = sys.stdin.buffer.read(LARGEST + 1) if path == "-" else _regular(path)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise UsageError(message) from None
    if b"\0" in data[:4096]:
        message = f"{path} is no text"
        raise UsageError(message)
    return Text("standard input" if path == "-" else path, data.decode("utf-8", "replace"))


def _regular(path: str) -> bytes:
    import os  # noqa: PLC0415 - one line of it

    # A fifo would wait for a writer; a device has no end.
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib is dearer than this command
        if os.path.isdir(path):  # noqa: PTH112 - as above
            message = f"{path} is a directory; name the files in it"
            raise UsageError(message)
        if os.path.exists(path):  # noqa: PTH110 - as above
            message = f"{path} is no regular file; give its text on standard input, as -"
            raise UsageError(message)
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        return file.read(LARGEST + 1)


def _situation(given: Given) -> Situation:
    """What the options say; a host tells its kernel and release where no option does."""
    facts = look(given.text("host"), holders=False).facts if given.text("host") else None
    return Situation(
        kernel=_kernel(given.text("kernel")) or _kernel_of(facts),
        release=_release(given.text("nixos_release")) or _release_of(facts),
        facts=facts,
    )


def _kernel(text: str | None) -> KernelVersion | None:
    if text is None:
        return None
    found = kernel_version(text)
    if found is None:
        message = f"--kernel: {text!r} is no version; write it as in 6.12 or 6.12.9-amd64"
        raise UsageError(message)
    return found


def _kernel_of(facts: HostFacts | None) -> KernelVersion | None:
    if facts is None or isinstance(facts.kernel.release, Unread):
        return None
    return kernel_version(facts.kernel.release)


def _release(text: str | None) -> Release | None:
    if text is None:
        return None
    found = release(text)
    if found is None:
        known = ", ".join(str(one) for one in RELEASES)
        message = f"--nixos-release: {text!r} is none of {known}"
        raise UsageError(message)
    return found


def _release_of(facts: HostFacts | None) -> Release | None:
    found = None if facts is None else facts.boot.distribution
    if found is None or isinstance(found, Unread) or found.id != "nixos":
        return None
    return release(found.version or "")
