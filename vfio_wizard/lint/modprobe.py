"""Lines of modprobe.d, also those inside other files (boot.extraModprobeConfig)."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.knowledge.claims import claimants
from vfio_wizard.lint.ids import Listed, judge_ids, read_ids
from vfio_wizard.lint.mistake import Notes
from vfio_wizard.lint.modules import judge_blacklist, judge_gone, same
from vfio_wizard.lint.parameters import judge_option, two_lists
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import HOLE, Text, joined
from vfio_wizard.model.pci import PciClass
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread

COMMANDS = ("alias", "blacklist", "install", "options", "remove", "softdep", "weakdep")
KNOWN_MODULES = (
    "amdgpu",
    "drm",
    "i2c_nvidia_gpu",
    "i915",
    "kvm",
    "kvm_amd",
    "kvm_intel",
    "nouveau",
    "nvidia",
    "nvidia_drm",
    "nvidia_modeset",
    "nvidia_uvm",
    "nvidiafb",
    "nvidia_wmi_ec_backlight",
    "pci_stub",
    "radeon",
    "radeonfb",
    "snd_hda_codec",
    "snd_hda_codec_hdmi",
    "snd_hda_core",
    "snd_hda_intel",
    "snd_intel_dspcfg",
    "ucsi_ccg",
    "vfio",
    "vfio_iommu_type1",
    "vfio_mdev",
    "vfio_pci",
    "vfio_pci_core",
    "vfio_virqfd",
    "xe",
    "xhci_hcd",
    "xhci_pci",
)
"""Names near which another one looks misspelt."""
_ENOUGH = 200
"""Mistakes in one file after which no likely spelling is looked for, which takes time."""
_CARD_VENDORS = ("1002", "10de")
"""Vendors whose ids belong to graphics cards even where no class tells; Intel makes everything."""


class Lines(NamedTuple):
    """What the lines of one file give to vfio-pci and to the order of modules."""

    ids: tuple[Listed, ...]
    has_options: bool


def judge_modprobe(text: Text, notes: Notes, situation: Situation, *, is_file: bool) -> Lines:
    """Every line, and what they are together; ``is_file`` where nothing else can order the modules."""
    lists: list[Text] = []
    ids: list[Listed] = []
    first: set[str] = set()
    options = False
    for words in _commands(text):
        command, module = words[0], words[1] if len(words) > 1 else None
        if command.value not in COMMANDS:
            _unknown(command, notes)
        elif module is None:
            notes.add("lint.modprobe.command", command, "the line ends here; modprobe ignores it")
        elif HOLE not in module.value:
            _spelling(module, command.value, notes)
            judge_gone([module], notes, situation)
            if command.value == "options":
                options = True
                ids += _options(same(module.value), words[2:], lists, notes, situation)
            elif command.value == "softdep":
                first |= _softdep(module, words[2:], notes)
            elif command.value == "blacklist":
                judge_blacklist(module, notes)
                first.add(same(module.value))
    two_lists(lists, notes)
    judge_ids(tuple(ids), notes, situation)
    if is_file and ids and lists:
        _no_softdep(lists[-1], tuple(ids), first, notes, situation)
    return Lines(tuple(ids), options)


def _commands(text: Text) -> Iterator[list[Text]]:
    """The words of each line; lines that end in a backslash are joined with the next."""
    parts: list[Text] = []
    for line in text.lines():
        if line.value.endswith("\\"):
            parts.append(line.cut(0, len(line.value) - 1))
            continue
        whole = joined([*parts, line])
        parts = []
        if (words := whole.words()) and not words[0].value.startswith("#"):
            yield words
    if parts and (words := joined(parts).words()) and not words[0].value.startswith("#"):
        yield words


def _unknown(command: Text, notes: Notes) -> None:
    if HOLE in command.value:
        notes.gap(command.place, command.value, "the line's command comes from elsewhere")
        return
    near = _near(command.value.lower(), COMMANDS) if len(notes.mistakes) < _ENOUGH else None
    notes.add(
        "lint.modprobe.command",
        command,
        "modprobe.d has no such command, so the line is ignored",
        near or f"one of {', '.join(COMMANDS)}",
        replacement=near,
    )


def _near(word: str, known: tuple[str, ...], cutoff: float = 0.8) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only what is unknown pays for it

    found = get_close_matches(word[:64], known, 1, cutoff)
    return found[0] if found else None


def _spelling(module: Text, command: str, notes: Notes) -> None:
    name = same(module.value)
    if name in KNOWN_MODULES or command in ("alias", "remove") or len(notes.mistakes) > _ENOUGH:
        return
    near = _near(name, KNOWN_MODULES, 0.85)
    if near is not None and abs(len(near) - len(name)) <= 1:
        notes.add(
            "lint.modprobe.misspelt",
            module,
            f"no module of this name is known; {near} is, and the line does nothing for it",
            near,
            replacement=near,
        )


def _options(
    module: str, words: list[Text], lists: list[Text], notes: Notes, situation: Situation
) -> list[Listed]:
    found: list[Listed] = []
    for number, word in enumerate(words):
        name, equals, _ = word.value.partition("=")
        if equals and name == "ids" and module in ("vfio_pci", "pci_stub"):
            value = word.cut(len(name) + 1, len(word.value))
            if module == "vfio_pci":
                lists.append(word)
                found += read_ids(value, notes, situation)
            if word.value.endswith(",") and number + 1 < len(words):
                following = words[number + 1].value
                notes.add(
                    "lint.ids.cut",
                    word,
                    f"a blank ends the option here, so that {following} is none of its ids",
                    "no blanks between the ids",
                    replacement=word.value + following,
                )
        elif number and words[number - 1].value.endswith(",") and ":" in word.value and not equals:
            continue  # told as the cut-off rest of the list already
        else:
            judge_option(module, word, notes, situation)
    return found


def _softdep(module: Text, words: list[Text], notes: Notes) -> set[str]:
    """The module, where its softdep loads vfio-pci first."""
    if not any(word.value in ("pre:", "post:") for word in words):
        notes.add(
            "lint.modprobe.softdep",
            module,
            "without pre: or post: the line says nothing",
            f"softdep {module.value} pre: vfio-pci",
        )
        return set()
    before = True
    for word in words:
        if word.value.endswith(":"):
            before = word.value == "pre:"
        elif before and same(word.value) == "vfio_pci":
            return {same(module.value)}
    return set()


def _no_softdep(
    last: Text, ids: tuple[Listed, ...], first: set[str], notes: Notes, situation: Situation
) -> None:
    wanted = tuple(driver for driver in _drivers(ids, situation) if driver not in first)
    graphics = [driver for driver in wanted if driver != "snd_hda_intel"]
    if first or not graphics:
        return
    lines = "; ".join(f"softdep {driver} pre: vfio-pci" for driver in wanted)
    notes.add(
        "lint.modprobe.no-softdep",
        last,
        f"nothing here makes modprobe load vfio-pci before {', '.join(wanted)}; unless the initramfs"
        " loads it first,"
        " they take the card",
        lines,
    )


def _drivers(ids: tuple[Listed, ...], situation: Situation) -> tuple[str, ...]:
    """Modules that would claim what the ids name, graphics first."""
    found: dict[str, None] = {}
    for one in ids:
        for function in situation.with_id(one.id):
            if isinstance(function.cls, PciClass) and not isinstance(function.id, Unread):
                found |= dict.fromkeys(claimants(*function.id, function.cls.base, function.cls.sub))
        if not situation.functions and one.id.vendor in _CARD_VENDORS:
            found |= dict.fromkeys(claimants(*one.id, 0x03, 0x00))
    return tuple(found)
