"""Looks for the signs of the boot-chain tables on a host, each place at most once."""

from __future__ import annotations

from vfio_wizard.knowledge.bootchain import ESPS, WAY_BACK, Proof, Sign
from vfio_wizard.model.facts import Distribution
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.probe.kernel import MODULE_PARENTS
from vfio_wizard.system.host import Host

Evidence = tuple[str, str]
"""A path and what was seen there."""

_MACHINE_ID = 32
"""Hexadecimal digits of a machine id, with which systemd's entry names begin."""


class Signs:
    """One host, and what was seen of it so far."""

    def __init__(
        self,
        host: Host,
        cmdline: Kargs | Unread,
        distribution: Distribution | Unread,
        loader_info: str | None | Unread = None,
    ) -> None:
        """The facts that signs of the kinds ``word``, ``os`` and ``info`` are about are given."""
        self.host = host
        self.cmdline = cmdline
        self.distribution = distribution
        self.loader_info = loader_info
        self._there: dict[str, bool] = {}
        self._names: dict[str, tuple[str, ...] | Unread] = {}
        self._texts: dict[str, str | Unread] = {}

    def first(self, proofs: tuple[Proof, ...]) -> tuple[str, tuple[Evidence, ...]] | None:
        """The first row that is proven, with what proves it."""
        for proof in proofs:
            seen = self.proven(proof)
            if seen is not None:
                return proof.name, seen
        return None

    def proven(self, proof: Proof) -> tuple[Evidence, ...] | None:
        """What was seen of all signs of a proof; None as soon as one is missing."""
        found: list[Evidence] = []
        for sign in proof.signs:
            seen = self.seen(sign)
            if seen is None:
                return None
            if seen[1]:
                found.append(seen)
        return tuple(found)

    def seen(self, sign: Sign) -> Evidence | None:
        """Where a sign was seen; an empty second part for what is proven by its absence."""
        match sign.kind:
            case "path":
                return self._path(sign)
            case "absent":
                return None if self._path(sign) else (sign.where[0], "")
            case "glob":
                return self._glob(sign)
            case "line":
                return self._line(sign)
            case "no-line":
                return None if self._line(sign) else (sign.where[0], "")
            case _:
                return self._told(sign)

    def _told(self, sign: Sign) -> Evidence | None:
        match sign.kind:
            case "word" | "word-with" | "no-word":
                return self._word(sign)
            case "info":
                text = known(self.loader_info, None) or ""
                return (sign.where[0], text) if text.lower().startswith(sign.what) else None
            case "os":
                return self._os(sign.what)
            case _:
                return self._entries(versioned=sign.what == "versioned")

    def is_there(self, path: str) -> bool:
        """Whether a path is there; one that cannot be asked for is not."""
        if path not in self._there:
            self._there[path] = not isinstance(self.host.stat(path), Unread)
        return self._there[path]

    def names(self, path: str) -> tuple[str, ...] | Unread:
        """The names in a folder."""
        if path not in self._names:
            self._names[path] = self.host.names(path)
        return self._names[path]

    def text(self, path: str) -> str | Unread:
        """The text of a file."""
        if path not in self._texts:
            self._texts[path] = self.host.text(path)
        return self._texts[path]

    def matching(self, pattern: str) -> tuple[str, ...]:
        """The paths of a folder that match a last part with one asterisk."""
        directory, _, last = pattern.rpartition("/")
        start, _, end = last.partition("*")
        return tuple(
            f"{directory}/{name}"
            for name in known(self.names(directory), ())
            if name.startswith(start) and name.endswith(end) and len(name) >= len(start) + len(end)
        )

    def entry_files(self) -> tuple[str, ...] | Unread:
        """The boot loader entries on the first partition that has some; DENIED when one is closed.

        The entry that was copied as a way back is none by which the system starts.
        """
        gaps: list[Unread] = []
        for esp in ESPS:
            directory = f"{esp}/loader/entries"
            names = self.names(directory)
            if isinstance(names, Unread):
                gaps.append(names)
                continue
            found = tuple(
                f"{directory}/{name}"
                for name in names
                if name.endswith(".conf") and not name.startswith(WAY_BACK)
            )
            if found:
                return found
        gaps.append(Unread(f"{ESPS[0]}/loader/entries", Gap.ABSENT))
        return next((gap for gap in gaps if gap.gap is Gap.DENIED), gaps[0])

    def _path(self, sign: Sign) -> Evidence | None:
        return next(((path, "is there") for path in sign.where if self.is_there(path)), None)

    def _glob(self, sign: Sign) -> Evidence | None:
        for directory in sign.where:
            found = self._contains(directory, sign.what)
            if found:
                return found, "is there"
        return None

    def _contains(self, directory: str, pattern: str) -> str | None:
        """A name with the parts around the asterisks, in order."""
        parts = pattern.split("*")
        names = known(self.names(directory), ())
        return next((f"{directory}/{name}" for name in names if _has_parts(name, parts)), None)

    def _line(self, sign: Sign) -> Evidence | None:
        for where in sign.where:
            for path in self.matching(where) if "*" in where else (where,):
                line = _matching_line(sign, known(self.text(path), ""))
                if line is not None:
                    return path, line
        return None

    def _word(self, sign: Sign) -> Evidence | None:
        words = () if isinstance(self.cmdline, Unread) else self.cmdline.words
        start = sign.what if sign.kind != "word-with" else sign.where[0]
        inside = sign.what.lower() if sign.kind == "word-with" else ""
        found = next((one for one in words if one.startswith(start) and inside in one.lower()), None)
        if sign.kind == "no-word":
            return None if found else ("proc/cmdline", "")
        return ("proc/cmdline", found) if found else None

    def _os(self, wanted: str) -> Evidence | None:
        if isinstance(self.distribution, Unread):
            return None
        ids = (self.distribution.id, *self.distribution.like)
        return ("etc/os-release", f"ID={self.distribution.id}") if wanted in ids else None

    def _entries(self, versioned: bool) -> Evidence | None:
        for path in known(self.entry_files(), ()):
            if self._is_versioned(path.rpartition("/")[2]) is versioned:
                return path, "an entry named after its kernel" if versioned else "an entry of another name"
        return None

    def _is_versioned(self, name: str) -> bool:
        """kernel-install names entries token-release.conf, with +tries where boots are counted."""
        stem = name.removesuffix(".conf")
        counted, plus, tries = stem.rpartition("+")
        if plus and not tries.strip("0123456789-"):
            stem = counted
        token, dash, _ = stem.partition("-")
        if dash and len(token) == _MACHINE_ID and not token.strip("0123456789abcdef"):
            return True
        return any(stem.endswith(f"-{release}") for release in self._releases())

    def _releases(self) -> tuple[str, ...]:
        for parent in MODULE_PARENTS[:2]:
            names = self.names(parent)
            if not isinstance(names, Unread):
                return names
        return ()


def _has_parts(name: str, parts: list[str]) -> bool:
    """Whether a name begins with the first part, ends with the last, and has the others between, in order."""
    first, *between, last = parts if len(parts) > 1 else [*parts, ""]
    if len(parts) == 1:
        return name == first
    if not (name.startswith(first) and name.endswith(last) and len(name) >= len(first) + len(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for part in between:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return "\n" not in name


def _matching_line(sign: Sign, text: str) -> str | None:
    """The first line that begins as a sign says, without the blanks around it."""
    lines = [line for line in text.splitlines() if sign.holds in line] if sign.holds in text else []
    if not lines:
        return None
    import re  # noqa: PLC0415 - few hosts have a file with such a line

    return next((line.strip() for line in lines if re.match(sign.what, line)), None)
