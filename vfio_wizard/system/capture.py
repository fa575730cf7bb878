"""Captures: one sorted JSON object with what was asked of a host, and the host that replays it.

Form ``vfio-wizard/capture/1``. A text of several lines is a list of lines, so that a difference
between two captures can be read. Sections:

* ``files``, ``heads`` (by number of bytes), ``links``, ``directories``, ``stats``, ``binary``,
  ``commands``: what was answered, by path or command line;
* ``lines``: the lines that were chosen from big files, and by which of the ``questions``;
* ``absent``: by directory, the names that were looked for and are not there;
* ``gaps``: by verb and path, why there was no other answer (``denied``, ``malformed: too long``).

What is in none of them was not asked, and the answer to it is that the capture does not tell.
"""

from __future__ import annotations

import json

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import TEXT_LIMIT, Command, FileStat, Host, chosen_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

SCHEMA = "vfio-wizard/capture/1"
NOT_CAPTURED = "the capture does not hold it"

MOST_CHARACTERS = 64 << 20
_MOST_CONTAINERS = 200_000
_MOST_VALUES = 2_000_000
"""Bounds on what a parser may be made to build from a hostile file of allowed size."""

_BEGINNING = 200
_FIRST_SECTIONS = ('"absent": {', '"binary": {', '"commands": {', '"directories": {')

_GAPS = {gap.value: gap for gap in (Gap.DENIED, Gap.MALFORMED, Gap.ABSENT)}
_Lines = tuple[tuple[str, ...], tuple[str, ...], str]
"""Starts and holds that were asked for, and the chosen lines as one text."""


def looks_like_capture(text: str) -> bool:
    """Whether a text calls itself a capture, of whatever version, or begins like one that was cut off."""
    start = text[:_BEGINNING].lstrip()
    if not start.startswith("{"):
        return False
    return '"vfio-wizard/capture/' in text or start[1:].lstrip().startswith(_FIRST_SECTIONS)


def parse_capture(text: str, label: str) -> dict[str, Any]:
    """The JSON object of a capture, its size and schema checked. Raises UsageError."""
    if len(text) > MOST_CHARACTERS:
        _refuse(label, f"it is larger than {MOST_CHARACTERS >> 20} MiB")
    if text.count("[") + text.count("{") > _MOST_CONTAINERS or text.count(",") > _MOST_VALUES:
        _refuse(label, "it holds more values than any machine has")
    try:
        document = json.loads(text)
        if "\\ud" in text.lower():
            document = _without_lone_surrogates(document)
    except RecursionError:
        _refuse(label, "it is nested too deeply")
    except ValueError as error:
        _refuse(label, f"it is damaged or cut off ({_first_line(error)})")
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        _refuse(label, "it names no schema")
    if document["schema"] != SCHEMA:
        _refuse(label, f"its schema is {document['schema'][:60]!r} and not {SCHEMA!r}")
    return document


def _without_lone_surrogates(document: object) -> Any:
    """Half a surrogate pair is allowed in JSON, and no terminal and no file could take it."""
    return json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))


def capture_text(host: Host, gather: Callable[[Host], object], note: str = "") -> str:
    """What ``gather`` asks of a host, redacted, as the text of a capture: sorted, one value a line.

    Raises WizardError when something private is left in it.
    """
    from vfio_wizard.system.record import capture, document_text  # noqa: PLC0415 - many patterns to compile

    return document_text(capture(host, gather, note))


def _refuse(label: str, why: str) -> NoReturn:
    message = f"{label} is not a capture that can be used: {why}; make one with vfio-wizard capture -o FILE"
    raise UsageError(message)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:100]


class CaptureHost:
    """A machine as a capture tells of it. Serves from memory: no path in it is ever opened."""

    def __init__(self, document: dict[str, Any], label: str = "capture") -> None:
        """Checks the form of every section of a document. Raises UsageError."""
        self._label = label
        read = _Sections(document, label)
        self._files = read.texts("files")
        self._heads = read.heads()
        self._lines = read.lines()
        self._links = read.words("links")
        self._directories = read.lists("directories")
        self._stats = read.stats()
        self._binary = read.binary()
        self._absent = {directory: frozenset(names) for directory, names in read.lists("absent").items()}
        self._gaps = read.gaps()
        self._commands = read.texts("commands")

    @classmethod
    def parse(cls, text: str, label: str) -> CaptureHost:
        """The host that the text of a capture describes; messages call it ``label``. Raises UsageError."""
        return cls(parse_capture(text, label), label)

    @property
    def live(self) -> bool:
        """Never."""
        return False

    @property
    def label(self) -> str:
        """The name of the capture."""
        return self._label

    @property
    def kind(self) -> str:
        """``capture``."""
        return "capture"

    def text(self, path: str, limit: int = TEXT_LIMIT) -> str | Unread:
        """The recorded content."""
        text = self._files.get(path)
        if text is None:
            return self._gap("text", path)
        if len(text) > limit or (len(text) * 4 > limit and len(text.encode("utf-8", "replace")) > limit):
            return Unread(path, Gap.MALFORMED, f"longer than {limit} bytes")
        return text

    def head(self, path: str, limit: int) -> str | Unread:
        """The recorded beginning; it may have been recorded for a question about more of it."""
        heads = self._heads.get(path, {})
        if limit in heads:
            return heads[limit]
        longer = min((known for known in heads if known > limit), default=None)
        if longer is not None:
            return heads[longer].encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
        return self._gap("head", path)

    def lines(
        self, path: str, starts: tuple[str, ...], holds: tuple[str, ...] = ()
    ) -> tuple[str, ...] | Unread:
        """The recorded lines, when all that is asked for was asked for then."""
        known = self._lines.get(path)
        if known is None:
            return self._gap("lines", path)
        asked_starts, asked_holds, text = known
        covered = all(one.startswith(asked_starts) for one in starts)
        covered = covered and all(any(asked in one for asked in asked_holds) for one in holds)
        if not covered:
            return Unread(path, Gap.UNTOLD, NOT_CAPTURED)
        return chosen_lines(text, starts, holds) if text else ()

    def data(self, path: str, limit: int = TEXT_LIMIT) -> bytes | Unread:
        """The recorded bytes, when they are as many as are asked for, or all."""
        known = self._binary.get(path)
        if known is None:
            return self._gap("data", path)
        content, is_complete = known
        if limit > len(content) and not is_complete:
            return Unread(path, Gap.UNTOLD, NOT_CAPTURED)
        return content[:limit]

    def link(self, path: str) -> str | Unread:
        """The recorded target."""
        target = self._links.get(path)
        return self._gap("link", path) if target is None else target

    def names(self, path: str) -> tuple[str, ...] | Unread:
        """The recorded names."""
        names = self._directories.get(path)
        return self._gap("names", path) if names is None else names

    def stat(self, path: str) -> FileStat | Unread:
        """The recorded kind and owner."""
        seen = self._stats.get(path)
        return self._gap("stat", path) if seen is None else seen

    def run(self, command: Command) -> str | Unread:
        """The recorded output."""
        shown = " ".join(command.argv)
        output = self._commands.get(shown)
        return self._gap("run", shown) if output is None else output

    def _gap(self, verb: str, path: str) -> Unread:
        gap, detail = self._gaps.get(f"{verb} {path}", (None, ""))
        if gap is not None:
            return Unread(path, gap, detail)
        directory, _, name = path.rpartition("/")
        if verb != "run" and name in self._absent.get(directory, ()):
            return Unread(path, Gap.ABSENT)
        return Unread(path, Gap.UNTOLD, NOT_CAPTURED)


class _Sections:
    """Reads the sections of a document, each in the one form that it may have."""

    def __init__(self, document: dict[str, Any], label: str) -> None:
        self._document = document
        self._label = label

    def _section(self, name: str) -> dict[str, Any]:
        section = self._document.get(name, {})
        if not isinstance(section, dict):
            self._wrong(name, "")
        return section

    def _wrong(self, section: str, key: str) -> NoReturn:
        _refuse(self._label, f"{section}{': ' if key else ''}{key[:80]} has a form that it must not have")

    def texts(self, name: str) -> dict[str, str]:
        section = self._section(name)
        return {
            key: value if type(value) is str else self._joined(name, key, value)
            for key, value in section.items()
        }

    def _joined(self, name: str, key: str, value: object) -> str:
        if not isinstance(value, list) or not all(type(line) is str for line in value):
            self._wrong(name, key)
        return "\n".join(value)

    def words(self, name: str) -> dict[str, str]:
        section = self._section(name)
        for key, value in section.items():
            if type(value) is not str:
                self._wrong(name, key)
        return section

    def lists(self, name: str) -> dict[str, tuple[str, ...]]:
        section = self._section(name)
        for key, value in section.items():
            if type(value) is not list or not all(type(one) is str for one in value):
                self._wrong(name, key)
        return {key: tuple(sorted(value)) for key, value in section.items()}

    def heads(self) -> dict[str, dict[int, str]]:
        found: dict[str, dict[int, str]] = {}
        for path, by_limit in self._section("heads").items():
            if not isinstance(by_limit, dict) or not all(
                key.isdecimal() and len(key) < 10 for key in by_limit
            ):
                self._wrong("heads", path)
            found[path] = {int(key): self._text("heads", path, value) for key, value in by_limit.items()}
        return found

    def _text(self, name: str, key: str, value: object) -> str:
        return value if isinstance(value, str) else self._joined(name, key, value)

    def lines(self) -> dict[str, _Lines]:
        questions = self._questions()
        found: dict[str, _Lines] = {}
        for path, entry in self._section("lines").items():
            question = entry.get("question") if isinstance(entry, dict) else None
            if not isinstance(question, str) or question not in questions:
                self._wrong("lines", path)
            starts, holds = questions[question]
            found[path] = (starts, holds, self._text("lines", path, entry.get("lines")))
        return found

    def _questions(self) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        for name, entry in self._section("questions").items():
            if not isinstance(entry, dict):
                self._wrong("questions", name)
            found[name] = (self._strings(name, entry.get("starts")), self._strings(name, entry.get("holds")))
        return found

    def _strings(self, name: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(type(one) is str for one in value):
            self._wrong("questions", name)
        return tuple(value)

    def stats(self) -> dict[str, FileStat]:
        return {path: self._stat(path, value) for path, value in self.words("stats").items()}

    def _stat(self, path: str, value: str) -> FileStat:
        fields = value.split(" ")
        if len(fields) != 6:
            self._wrong("stats", path)
        try:
            kind, mode, owner, group, size, mtime = fields
            return FileStat(kind, int(mode, 8), int(owner), int(group), int(size), int(mtime))
        except ValueError:
            self._wrong("stats", path)

    def binary(self) -> dict[str, tuple[bytes, bool]]:
        import binascii  # noqa: PLC0415 - few captures hold bytes

        found: dict[str, tuple[bytes, bool]] = {}
        for path, entry in self._section("binary").items():
            if not isinstance(entry, dict) or type(entry.get("complete")) is not bool:
                self._wrong("binary", path)
            try:
                found[path] = (binascii.a2b_base64(entry["base64"], strict_mode=True), entry["complete"])
            except (KeyError, TypeError, ValueError):
                self._wrong("binary", path)
        return found

    def gaps(self) -> dict[str, tuple[Gap, str]]:
        found: dict[str, tuple[Gap, str]] = {}
        for key, value in self.words("gaps").items():
            word, _, detail = value.partition(": ")
            if word not in _GAPS:
                self._wrong("gaps", key)
            found[key] = (_GAPS[word], detail)
        return found
