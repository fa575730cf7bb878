"""A host that writes down what is asked of it, and answers what the record will answer later.

What is private is replaced before the answer is given, so that a run on the capture finds exactly
what the run that made it found.
"""

from __future__ import annotations

from typing import Any

from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.system.allowed import FILTERED, KERNEL, LOG_WORDS, LOGS, Matcher
from vfio_wizard.system.capture import NOT_CAPTURED
from vfio_wizard.system.host import TEXT_LIMIT, Command, FileStat, Host, chosen_lines
from vfio_wizard.system.people import hosts_of, people_of
from vfio_wizard.system.redact import Redactor
from vfio_wizard.system.reduced import reduced

Section = dict[str, Any]


class RecordingHost:
    """Wraps a host; answers through the allow-list and the redaction, and keeps every answer."""

    def __init__(self, inner: Host, *, strict: bool = False) -> None:
        """``strict`` raises for a path that is not on the allow-list, which is for tests."""
        self._inner = inner
        self._strict = strict
        self._matcher = Matcher()
        self._people = people_of(inner)
        self._redactor = Redactor(self._people.users, hosts_of(inner))
        self.sections: dict[str, Section] = {
            name: {}
            for name in (
                "binary",
                "commands",
                "directories",
                "files",
                "gaps",
                "heads",
                "lines",
                "links",
                "stats",
            )
        }
        self.absent: dict[str, set[str]] = {}

    @property
    def live(self) -> bool:
        """Never: probes must not look at what only a live host shows."""
        return False

    @property
    def label(self) -> str:
        """Of the host behind it."""
        return self._inner.label

    @property
    def kind(self) -> str:
        """``capture``, which is what will answer later."""
        return "capture"

    def text(self, path: str, limit: int = TEXT_LIMIT) -> str | Unread:
        """The content of an allowed file, redacted."""
        treatment = self._treatment(path)
        if treatment is None:
            return untold(path, NOT_CAPTURED)
        seen = self._inner.text(self._redactor.real(path), limit)
        if isinstance(seen, Unread):
            return self._gap("text", path, seen)
        told = self._treated(treatment, seen)
        self.sections["files"][path] = told
        return told

    def head(self, path: str, limit: int) -> str | Unread:
        """The first bytes of an allowed file, redacted; a cut last line is left out."""
        treatment = self._treatment(path)
        if treatment is None:
            return untold(path, NOT_CAPTURED)
        seen = self._inner.head(self._redactor.real(path), limit)
        if isinstance(seen, Unread):
            return self._gap("head", path, seen)
        is_whole = seen.endswith("\n") or len(seen.encode()) < limit
        told = self._treated(treatment, seen if is_whole else seen[: seen.rfind("\n") + 1])
        self.sections["heads"].setdefault(path, {})[str(limit)] = told
        return told

    def lines(
        self, path: str, starts: tuple[str, ...], holds: tuple[str, ...] = ()
    ) -> tuple[str, ...] | Unread:
        """The chosen lines of an allowed file, redacted; earlier questions to the file are kept."""
        treatment = self._treatment(path)
        if treatment is None:
            return untold(path, NOT_CAPTURED)
        earlier = self.sections["lines"].get(path, {"starts": [], "holds": []})
        all_starts = tuple(dict.fromkeys((*earlier["starts"], *starts)))
        all_holds = tuple(dict.fromkeys((*earlier["holds"], *holds)))
        seen = self._inner.lines(self._redactor.real(path), all_starts, all_holds)
        if isinstance(seen, Unread):
            return self._gap("lines", path, seen)
        told = self._treated(treatment, "\n".join(seen)).split("\n") if seen else []
        self.sections["lines"][path] = {"starts": list(all_starts), "holds": list(all_holds), "lines": told}
        return chosen_lines("\n".join(told), starts, holds) if told else ()

    def data(self, path: str, limit: int = TEXT_LIMIT) -> bytes | Unread:
        """The first bytes of one of the few binary files that may be kept."""
        row = self._matcher.binary(path)
        if row is None:
            self._refuse(path)
            return untold(path, NOT_CAPTURED)
        most = min(limit, row.limit)
        seen = self._inner.data(self._redactor.real(path), most)
        if isinstance(seen, Unread):
            return self._gap("data", path, seen)
        told = self._efi_text(seen) if row.is_efi_text else seen
        known = self.sections["binary"].get(path)
        if known is None or len(known[0]) < len(told):
            self.sections["binary"][path] = (told, len(seen) < most)
        return told

    def link(self, path: str) -> str | Unread:
        """Where an allowed link leads, redacted."""
        treatment = self._treatment(path)
        if treatment is None:
            return untold(path, NOT_CAPTURED)
        seen = self._inner.link(self._redactor.real(path))
        if isinstance(seen, Unread):
            return self._gap("link", path, seen)
        told = self._redacted(treatment, seen)
        self.sections["links"][path] = told
        return told

    def names(self, path: str) -> tuple[str, ...] | Unread:
        """The names in an allowed directory, redacted."""
        treatment = self._treatment(path)
        if treatment is None:
            return untold(path, NOT_CAPTURED)
        seen = self._inner.names(self._redactor.real(path))
        if isinstance(seen, Unread):
            return self._gap("names", path, seen)
        kept = FILTERED.get(path)
        names = seen if kept is None else [name for name in seen if kept.fullmatch(name)]
        told = tuple(sorted([self._redacted(treatment, name) for name in names]))
        self.sections["directories"][path] = list(told)
        return told

    def stat(self, path: str) -> FileStat | Unread:
        """What an allowed path is."""
        if self._treatment(path) is None:
            return untold(path, NOT_CAPTURED)
        seen = self._inner.stat(self._redactor.real(path))
        if isinstance(seen, Unread):
            return self._gap("stat", path, seen)
        self.sections["stats"][path] = seen
        return seen

    def run(self, command: Command) -> str | Unread:
        """The output of a command, redacted; of a kernel log only the lines that matter."""
        key = " ".join(command.argv)
        seen = self._inner.run(command._replace(argv=tuple(map(self._redactor.real, command.argv))))
        if isinstance(seen, Unread):
            if seen.gap is Gap.UNTOLD:
                return untold(key, NOT_CAPTURED)
            told = Unread(key, seen.gap, self._redactor.prose(seen.detail))
            self.sections["gaps"][f"run {key}"] = told
            return told
        kept = _log_lines(seen) if command.argv[0] in LOGS else seen
        self.sections["commands"][key] = output = self._redactor.prose(kept)
        return output

    def _treatment(self, path: str) -> str | None:
        treatment = self._matcher.treatment(path)
        if treatment is None:
            self._refuse(path)
        return treatment

    def _refuse(self, path: str) -> None:
        if self._strict:
            message = f"{path} is not on the allow-list of captures (vfio_wizard/system/allowed.py)"
            raise WizardError(message)

    def _treated(self, treatment: str, text: str) -> str:
        return self._redacted(treatment, reduced(treatment, text, self._people, self._redactor))

    def _redacted(self, treatment: str, text: str) -> str:
        return self._redactor.kernel(text) if treatment == KERNEL else self._redactor.prose(text)

    def _efi_text(self, content: bytes) -> bytes:
        try:
            text = content[4:].decode("utf-16-le")
        except UnicodeDecodeError:
            return content[:4]
        return content[:4] + self._redactor.prose(text).encode("utf-16-le")

    def _gap(self, verb: str, path: str, seen: Unread) -> Unread:
        if seen.gap is Gap.UNTOLD:
            return untold(path, NOT_CAPTURED)
        if seen.gap is Gap.ABSENT:
            directory, _, name = path.rpartition("/")
            self.absent.setdefault(directory, set()).add(name)
            return Unread(path, Gap.ABSENT)
        told = Unread(path, seen.gap, self._redactor.prose(seen.detail))
        self.sections["gaps"][f"{verb} {path}"] = told
        return told


def _log_lines(log: str) -> str:
    return "\n".join(line for line in log.split("\n") if any(word in line.lower() for word in LOG_WORDS))
