"""What every edit of a file that others own has in common: it is exact, or it is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vfio_wizard.model.kargs import Kargs


class EditError(Exception):
    """An edit that could go wrong; the text says why, for a person who then does it by hand."""


class Change:
    """Words to put on a command line and words to take off it, in order."""

    def __init__(self, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """``add`` and ``remove`` are whole words as the kernel reads them."""
        self.remove = tuple(dict.fromkeys(remove))
        line = Kargs(())
        for word in add:
            line = line if word in self.remove else line.append_if_missing(word)
        self.add = line.words

    def __bool__(self) -> bool:
        """Whether anything is to be done at all."""
        return bool(self.add or self.remove)

    def of(self, line: Kargs) -> Kargs:
        """A command line after the change."""
        for word in self.remove:
            line = line.delete_if_present(word)
        for word in self.add:
            line = line.append_if_missing(word)
        return line

    def still(self, words: Sequence[str]) -> Change:
        """The part of it that a line with these words still needs."""
        line = Kargs(tuple(words))
        return Change(
            (one for one in self.add if not line.has(one)),
            (one for one in self.remove if line.has(one)),
        )


_ROOTS = (
    "root=", "rootfstype=", "rootflags=", "rd.luks", "luks.", "rd.lvm", "rd.md", "zfs=", "boot=zfs",
    "cryptdevice=", "cryptkey=", "systemd.gpt_auto", "bcachefs", "btrfs.", "init=", "ostree=",
)  # fmt: skip


def root_words(line: Kargs) -> tuple[str, ...]:
    """The words without which a kernel may not find its root file system."""
    return tuple(word for word in line.kernel_words if word.startswith(_ROOTS))


def names_a_root(line: Kargs) -> bool:
    """Whether a line says where the root is; a file made from a part of a line would not boot."""
    starts = ("root=", "zfs=", "boot=zfs", "cryptdevice=", "rd.luks", "systemd.gpt_auto", "ostree=")
    return any(word.startswith(starts) for word in line.kernel_words)


def keep_root(before: Kargs, after: Kargs) -> None:
    """Refuse a line that lacks what led to the root before. Raises EditError."""
    kept = set(after.kernel_words)
    lost = [word for word in root_words(before) if word not in kept]
    if lost:
        message = f"the new line would lack {' '.join(lost)}, without which the system may not start"
        raise EditError(message)


# --- a command line as text -----------------------------------------------------------------------

_BLANKS = " \t\r\n\v\f"


def edited_line(text: str, change: Change) -> str:
    """A text of kernel words with the change made: only the words in question come and go.

    Lines that begin with a hash are comments. Raises EditError when there is no line to add to.
    """
    for word in change.remove:
        text = _without(text, word)
    spans = _spans(text)
    line = Kargs(tuple(text[start:end] for start, end in spans))
    added = [word for word in change.add if not line.has(word)]
    if added:
        text = _with(text, spans, added)
        if any(not line_words(text).has(word) for word in added):
            message = "a quotation mark in it is never closed, and would swallow what is added"
            raise EditError(message)
    return text


def line_words(text: str) -> Kargs:
    """The words of such a text, comments left out."""
    return Kargs(tuple(text[start:end] for start, end in _spans(text)))


def _spans(text: str) -> list[tuple[int, int]]:
    """Where each word stands; a double quote protects blanks, as for the kernel."""
    found: list[tuple[int, int]] = []
    at = 0
    for raw in text.splitlines(keepends=True):
        if not raw.lstrip().startswith("#"):
            found += [(at + start, at + end) for start, end in _words_of(raw)]
        at += len(raw)
    return found


def _words_of(raw: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start, quoted = -1, False
    for at, char in enumerate(raw):
        if char == '"':
            quoted = not quoted
        if char in _BLANKS and not (quoted and char in " \t"):
            if start >= 0:
                found.append((start, at))
            start, quoted = -1, False
        elif start < 0:
            start = at
    return [*found, (start, len(raw))] if start >= 0 else found


def _without(text: str, word: str) -> str:
    spans = _spans(text)
    end_of_kernel = next((at for at, (a, b) in enumerate(spans) if text[a:b] == "--"), len(spans))
    for start, end in reversed(spans[:end_of_kernel]):
        if Kargs((text[start:end],)).has(word):
            text = _cut(text, start, end)
    return text


def _cut(text: str, start: int, end: int) -> str:
    """One word out, with the blanks before it, or those behind it at the beginning of a line."""
    head = len(text[:start].rstrip(" \t"))
    if head and text[head - 1] not in "\r\n":
        return text[:head] + text[end:]
    tail = end + len(text[end:]) - len(text[end:].lstrip(" \t"))
    return text[:start] + text[tail:]


def _with(text: str, spans: list[tuple[int, int]], added: Sequence[str]) -> str:
    words = [text[start:end] for start, end in spans]
    if "--" in words:
        place = spans[words.index("--")][0]
        return f"{text[:place]}{' '.join(added)} {text[place:]}"
    if not spans:
        message = "it has no command line that could be added to"
        raise EditError(message)
    place = spans[-1][1]
    return f"{text[:place]} {' '.join(added)}{text[place:]}"


def edited_command_line(text: str, change: Change, before: Kargs | None = None) -> str:
    """The same for a file that holds the whole line: whatever led to the root must still be there.

    ``before`` is the line that boots now. Raises EditError.
    """
    old = line_words(text)
    new = edited_line(text, change)
    keep_root(old, line_words(new))
    if before is not None:
        keep_root(before, line_words(new))
    return new


# --- ends of lines --------------------------------------------------------------------------------


def newline_of(text: str) -> str:
    """How the lines of a text end: CRLF only where the first one does."""
    return "\r\n" if re.match(r"[^\n]*\r\n", text) else "\n"


def appended(text: str, block: str) -> str:
    """A text with lines behind it, in its own way of ending lines; its last line is ended first."""
    end = newline_of(text)
    gap = "" if not text or text.endswith("\n") else end
    return text + gap + block.replace("\n", end)
