"""The way in: texts and a situation to one review."""

from __future__ import annotations

from collections.abc import Callable

from vfio_wizard.lint.grub import judge_grub
from vfio_wizard.lint.ids import Listed
from vfio_wizard.lint.kinds import Kind, kind_of
from vfio_wizard.lint.lines import judge_cmdline, judge_entry, judge_refind
from vfio_wizard.lint.lists import judge_dracut, judge_mkinitcpio, judge_module_lines
from vfio_wizard.lint.mistake import Mistake, Notes, NotJudged, Severity
from vfio_wizard.lint.modprobe import judge_modprobe
from vfio_wizard.lint.qemuconf import judge_qemu_conf
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import START, Text, whole
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.record import NamedTuple

LARGEST = 256 << 10
"""Characters of one file; configuration is far below that."""


class Reviewed(NamedTuple):
    """One file and what it was taken for."""

    name: str
    kind: Kind


class Review(NamedTuple):
    """All that was found, in the order of files and lines."""

    files: tuple[Reviewed, ...]
    mistakes: tuple[Mistake, ...]
    gaps: tuple[NotJudged, ...]

    def count(self, severity: Severity) -> int:
        """How many mistakes of one severity."""
        return sum(1 for one in self.mistakes if one.severity is severity)


class Given(NamedTuple):
    """One text with its name; the kind only where somebody told it."""

    name: str
    text: str
    kind: Kind | None = None


def review(given: list[Given], situation: Situation) -> Review:
    """Judge every text, those that say which ids there are before those that only list modules.

    Raises UsageError for a text that is too large, of no known kind, or Nix without a parser.
    """
    files = [_reviewed(one) for one in given]
    every = [Notes(one.name) for one in given]
    ids = _judge_all(given, files, every, situation)
    for one, file, notes in zip(given, files, every, strict=True):
        if file.kind in _LISTS:
            _LISTS[file.kind](whole(one.text), notes, situation, ids)
    mistakes = [mistake for notes in every for mistake in sorted(_unique(notes), key=lambda one: one.place)]
    gaps = [gap for notes in every for gap in sorted(dict.fromkeys(notes.gaps), key=lambda one: one.place)]
    return Review(tuple(files), tuple(mistakes), tuple(gaps))


def _reviewed(given: Given) -> Reviewed:
    if len(given.text) > LARGEST:
        message = (
            f"{given.name} is larger than configuration ever is ({LARGEST >> 10} KiB); nothing was reviewed"
        )
        raise UsageError(message)
    kind = given.kind or kind_of(given.name, given.text)
    if kind is None:
        kinds = ", ".join(Kind)
        message = f"{given.name} is no configuration that is known here; reviewed are: {kinds}"
        raise UsageError(message)
    return Reviewed(given.name, kind)


def _unique(notes: Notes) -> list[Mistake]:
    """Once each: a value that is used in two places is evaluated twice."""
    return list(dict.fromkeys(notes.mistakes))


def _judge_all(
    given: list[Given], files: list[Reviewed], every: list[Notes], situation: Situation
) -> tuple[Listed, ...]:
    ids: list[Listed] = []
    modules = []
    for one, file, notes in zip(given, files, every, strict=True):
        if file.kind is Kind.NIX:
            from vfio_wizard.lint.nix.module import judge_nix  # noqa: PLC0415 - the others need no parser

            modules.append(judge_nix(one.text, notes, situation))
        elif file.kind is Kind.MODPROBE:
            _file_name(one, notes)
            ids += judge_modprobe(whole(one.text), notes, situation, is_file=True).ids
        elif file.kind in _WITH_IDS:
            ids += _WITH_IDS[file.kind](whole(one.text), notes, situation)
        elif file.kind not in _LISTS:
            _OTHERS[file.kind](whole(one.text), notes, situation)
    if modules:
        from vfio_wizard.lint.nix.module import judge_together  # noqa: PLC0415 - as above

        judge_together(modules)
        ids += [listed for one in modules for listed in one.ids]
    return tuple(ids)


def _file_name(given: Given, notes: Notes) -> None:
    folder, _, base = given.name.replace("\\", "/").rpartition("/")
    if folder.endswith("modprobe.d") and not base.endswith(".conf"):
        notes.add(
            "lint.modprobe.file-name",
            (START, base),
            "modprobe reads only files whose names end in .conf",
            f"{base}.conf",
            replacement=f"{base}.conf",
        )


def _domain(text: Text, notes: Notes, situation: Situation) -> None:
    from vfio_wizard.lint.domain import judge_domain  # noqa: PLC0415 - only XML needs it

    judge_domain(text, notes, situation)


_WITH_IDS: dict[Kind, Callable[[Text, Notes, Situation], tuple[Listed, ...]]] = {
    Kind.GRUB: judge_grub,
    Kind.CMDLINE: judge_cmdline,
    Kind.ENTRY: judge_entry,
    Kind.REFIND: judge_refind,
}
_OTHERS: dict[Kind, Callable[[Text, Notes, Situation], None]] = {
    Kind.DRACUT: judge_dracut,
    Kind.DOMAIN: _domain,
    Kind.QEMU_CONF: lambda text, notes, _: judge_qemu_conf(text, notes, wants_namespaces=False),
}
_LISTS: dict[Kind, Callable[[Text, Notes, Situation, tuple[Listed, ...]], None]] = {
    Kind.MKINITCPIO: judge_mkinitcpio,
    Kind.MODULES: judge_module_lines,
}
