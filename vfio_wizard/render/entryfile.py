"""Files of boot menu entries, edited in the words of their command lines and nowhere else."""

from __future__ import annotations

import re

from vfio_wizard.model.kargs import Kargs
from vfio_wizard.render.edit import Change, EditError, edited_command_line, edited_line, keep_root, newline_of

WITHOUT = "without passthrough"
"""What a second entry, which stays as it was, has in its title."""

_OPTIONS = re.compile(r"(?m)^([ \t]*options[ \t]+)([^\r\n]*)")


def entry_words(text: str) -> Kargs:
    """The words of all options lines of an entry of the boot loader specification."""
    return Kargs.parse(" ".join(match[2] for match in _OPTIONS.finditer(text)))


def starts_linux(text: str) -> bool:
    """Whether an entry starts a kernel with a command line."""
    return re.search(r"(?m)^[ \t]*linux[ \t]", text) is not None


def edited_entry(text: str, change: Change) -> str:
    """A type 1 entry with other options. Raises EditError."""
    before = entry_words(text)
    if any("$" in word for word in before.words):
        message = "its options hold a variable"
        raise EditError(message)
    text = _OPTIONS.sub(lambda match: match[1] + edited_line(match[2], Change((), change.remove)), text)
    still = change.still(entry_words(text).words)
    lines = list(_OPTIONS.finditer(text))
    if still.add and lines:
        last = lines[-1]
        line = edited_line(last[2], Change(still.add)) if last[2].strip() else " ".join(still.add)
        text = text[: last.start(2)] + line + text[last.end(2) :]
    elif still.add:
        text = _ended(text) + f"options {' '.join(still.add)}{newline_of(text)}"
    keep_root(before, entry_words(text))
    return text


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + newline_of(text)


def entry_without(text: str) -> str:
    """A copy of an entry for the boot menu, titled apart and sorted behind all others."""
    kept = [line for line in text.splitlines(keepends=True) if not re.match(r"[ \t]*sort-key[ \t]", line)]
    copy, count = re.subn(
        r"(?m)^([ \t]*title[ \t]+[^\r\n]*?)[ \t]*(\r?)$", rf"\1 ({WITHOUT})\2", "".join(kept)
    )
    return copy if count else f"title Linux ({WITHOUT}){newline_of(text)}{copy}"


# --- rEFInd -----------------------------------------------------------------------------------------

_PAIR = re.compile(r'(?m)^([ \t]*"(?:[^"\r\n]|"")*"[ \t]+")((?:[^"\r\n]|"")*)(")')


def edited_refind(text: str, change: Change) -> str:
    """refind_linux.conf with other options in its first line; a second line keeps the old ones.

    Raises EditError.
    """
    pairs = list(_PAIR.finditer(text))
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not pairs or not lines or not lines[0].lstrip().startswith('"') or pairs[0][0] not in lines[0]:
        message = "its first line has no two quoted texts"
        raise EditError(message)
    first = pairs[0]
    old = first[2].replace('""', '"')
    new = edited_command_line(old, change).replace('"', '""')
    text = text[: first.start(2)] + new + text[first.end(2) :]
    if any(Kargs.parse(one[2]).words and WITHOUT in one[1] for one in pairs[1:]):
        return text
    return _ended(text) + f'"Boot {WITHOUT}" "{first[2]}"{newline_of(text)}'


# --- Limine -----------------------------------------------------------------------------------------

_CMDLINE = re.compile(r"(?mi)^([ \t]*(?:kernel_)?cmdline[ \t]*:[ \t]*)([^\r\n]*)")
_PROTOCOL = re.compile(r"(?mi)^[ \t]*protocol[ \t]*:[ \t]*(\S+)")


def edited_limine(text: str, change: Change) -> str:
    """limine.conf with other words in the entries that start Linux, and one entry that stays as it was.

    Raises EditError.
    """
    head, blocks = _blocks(text)
    if not any(_is_linux(block) for block in blocks):
        message = "no entry in it starts Linux"
        raise EditError(message)
    new = [
        block if WITHOUT in block.splitlines()[0] or not _is_linux(block) else _edited_block(block, change)
        for block in blocks
    ]
    if new == blocks:
        return text
    text = head + "".join(new)
    if any(WITHOUT in block.splitlines()[0] for block in blocks):
        return text
    plain = next(block for block in blocks if _is_linux(block))
    return _ended(text) + _limine_copy(plain)


def _blocks(text: str) -> tuple[str, list[str]]:
    """What stands before the first heading, and each heading with what is below it."""
    starts = [match.start() for match in re.finditer(r"(?m)^[ \t]*/", text)]
    ends = [*starts[1:], len(text)][: len(starts)]
    return text[: starts[0]] if starts else text, [text[a:b] for a, b in zip(starts, ends, strict=True)]


def _is_linux(block: str) -> bool:
    protocol = _PROTOCOL.search(block)
    return protocol is not None and protocol[1].lower() == "linux"


def _edited_block(block: str, change: Change) -> str:
    lines = list(_CMDLINE.finditer(block))
    if len(lines) != 1 or "${" in lines[0][2]:
        message = f"the entry {block.splitlines()[0].strip()} has not one plain command line"
        raise EditError(message)
    line = edited_command_line(lines[0][2], change)
    return block[: lines[0].start(2)] + line + block[lines[0].end(2) :]


def _limine_copy(block: str) -> str:
    heading, _, rest = block.partition("\n")
    name = heading.strip().lstrip("/+").strip()
    end = newline_of(block)
    body = rest if not rest or rest.endswith("\n") else rest + end
    return f"{end}/{name} ({WITHOUT}){end}{body}"
