"""Kernel parameters, wherever they are written."""

from __future__ import annotations

from collections.abc import Callable

from vfio_wizard.knowledge.parameters import RELEVANT_NAMES, STALE, UNSAFE, Stale, When
from vfio_wizard.lint.ids import Listed, read_ids
from vfio_wizard.lint.mistake import Notes
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import HOLE, Text
from vfio_wizard.model.unread import Unread

ACS_SOURCE = "the patch as carried in CachyOS/kernel-patches 6.17; linux: Documentation/driver-api/vfio.rst"

VFIO_OPTIONS: dict[str, tuple[str, ...]] = {
    "vfio_pci": ("ids", "nointxmask", "disable_vga", "disable_idle_d3", "enable_sriov", "disable_denylist"),
    "vfio_iommu_type1": ("allow_unsafe_interrupts", "disable_hugepages", "dma_entry_limit"),
    "vfio": ("enable_unsafe_noiommu_mode",),
}
"""What these modules take (linux 6.12: drivers/vfio); names with underscores."""


def judge_words(words: list[Text], notes: Notes, situation: Situation) -> tuple[Listed, ...]:
    """Every word of one command line; gives back the ids that it hands to vfio-pci."""
    before_init = words[: next((at for at, word in enumerate(words) if word.value == "--"), len(words))]
    listed: list[Listed] = []
    lists: list[Text] = []
    for number, word in enumerate(before_init):
        name, equals, _ = word.value.partition("=")
        if equals and _same(name) == "vfio_pci.ids":
            value = word.cut(len(name) + 1, len(word.value))
            lists.append(word)
            listed += read_ids(value, notes, situation)
            if word.value.endswith(",") and number + 1 < len(before_init):
                _cut(word, before_init[number + 1], notes)
        elif HOLE not in name:
            judge_word(word, notes, situation)
    two_lists(lists, notes)
    _repeated([word for word in before_init if not _is_no_value(word)], notes)
    return tuple(listed)


def _cut(word: Text, following: Text, notes: Notes) -> None:
    notes.add(
        "lint.ids.cut",
        word,
        f"a blank ends the parameter here, so that {following.value} is none of its ids",
        "no blanks between the ids",
        replacement=word.value + following.value if ":" in following.value else None,
    )


def two_lists(lists: list[Text], notes: Notes) -> None:
    """Several lists in one place: the kernel keeps the last string only."""
    for earlier in lists[:-1]:
        if earlier.value != lists[-1].value:
            notes.add(
                "lint.ids.two-lists",
                earlier,
                f"the parameter is one string, and each list overwrites the one before: only that of line"
                f" {lists[-1].place.line} counts",
                "one list with all ids",
            )


def judge_word(word: Text, notes: Notes, situation: Situation) -> None:
    """One parameter by the tables of stale, unsafe and misspelt ones."""
    hits = [row for row in STALE if _names(row, word.value) and _holds(row, situation)]
    if hits:
        # The row that says most: one that names the value before one that names the parameter.
        row = min(hits, key=lambda row: (row.harmless, row.value is None))
        _stale(word, row, notes)
    _risk(word, notes)
    _misspelt(word, notes)


def _is_no_value(word: Text) -> bool:
    return any(row.when is When.ALWAYS and row.value and _names(row, word.value) for row in STALE)


def _names(row: Stale, word: str) -> bool:
    name, equals, value = word.partition("=")
    if _same(name) != row.name:
        return False
    if row.value is None:
        return True
    return not equals if row.value == "" else row.value in value.strip('"').split(",")


def _holds(row: Stale, situation: Situation) -> bool:
    """Whether a row holds, as far as the situation tells; what needs a fact that is missing does not."""
    condition = _CONDITIONS.get(row.when)
    return situation.kernel_has(row.since) and condition is not None and condition(situation)


def _not_suse(situation: Situation) -> bool:
    found = None if situation.facts is None else situation.facts.boot.distribution
    return found is None or isinstance(found, Unread) or not found.id.startswith("opensuse")


def _remapping_on(situation: Situation) -> bool:
    return situation.facts is not None and situation.facts.iommu.interrupt_remapping is True


def _default_on(situation: Situation) -> bool:
    config = None if situation.facts is None else situation.facts.kernel.config
    return isinstance(config, dict) and config.get("INTEL_IOMMU_DEFAULT_ON") == "y"


_CONDITIONS: dict[When, Callable[[Situation], bool]] = {
    When.ALWAYS: lambda _: True,
    When.AMD: lambda situation: situation.cpu == "amd",
    When.INTEL: lambda situation: situation.cpu == "intel",
    When.NOT_SUSE: _not_suse,
    When.REMAPPING_ON: _remapping_on,
    When.INTEL_DEFAULT_ON: _default_on,
}


def _stale(word: Text, row: Stale, notes: Notes) -> None:
    kernels = f"; so from Linux {row.since[0]}.{row.since[1]} on" if row.since else ""
    right = row.instead or "leave it out"
    notes.add(
        _rule(row),
        word,
        row.why + kernels,
        right,
        replacement=_replacement(word, row),
        source=row.source,
    )


def _replacement(word: Text, row: Stale) -> str | None:
    """The word without its stale part: empty where nothing stays."""
    if row.instead:
        return row.instead if " " not in row.instead else None
    name, _, value = word.value.partition("=")
    if row.value and "," in value:
        return f"{name}={','.join(one for one in value.split(',') if one != row.value)}"
    return ""


def _rule(row: Stale) -> str:
    if row.harmless:
        return "lint.parameter.needless"
    if row.when is not When.ALWAYS:
        return "lint.parameter.unknown" if row.when is When.NOT_SUSE else "lint.parameter.not-here"
    if row.since is not None:
        return "lint.parameter.outdated"
    if row.value == "":
        return "lint.parameter.module-name"
    return "lint.parameter.unknown" if row.value is None else "lint.parameter.not-a-value"


def _risk(word: Text, notes: Notes) -> None:
    name, _, value = word.value.partition("=")
    if _same(name) == "pcie_acs_override":
        notes.add(
            "lint.parameter.risk",
            word,
            "calls groups separate which the hardware may not keep apart, on kernels that carry the"
            " patch; a guest"
            " may then reach its neighbours' memory",
            "another slot, pci=config_acs=, or the whole group; keep it only for guests that you trust",
            source=ACS_SOURCE,
        )
    for unsafe, bad, why, source in UNSAFE:
        if _same(name) == unsafe and value.startswith((bad, *(("Y", "y") if bad == "1" else ()))):
            notes.add(
                "lint.parameter.risk",
                word,
                why,
                "leave it out where the kernel log speaks of enabled IRQ remapping",
                source=source,
            )


def _misspelt(word: Text, notes: Notes) -> None:
    name, equals, _ = word.value.partition("=")
    module, dot, option = _same(name).partition(".")
    if not (equals and "vfio" in module):
        return
    is_ids = option == "ids" if dot else module in ("vfio_pci_ids", "vfio_ids", "vfio_pci:ids")
    known = VFIO_OPTIONS.get(module, () if is_ids else (option,)) if dot or is_ids else (option,)
    if option in known:
        return
    likely = next((one for one in known if one.startswith(option[:2])), None)
    right = f"{module.replace('_', '-')}.{likely}=" if likely else "vfio-pci.ids="
    notes.add(
        "lint.parameter.misspelt", word, "no module of VFIO has this parameter; the kernel ignores it", right
    )


def _repeated(words: list[Text], notes: Notes) -> None:
    """Names of the IOMMU's parameters that come twice: both count, so they belong in one."""
    first: dict[str, Text] = {}
    for word in words:
        name, _, value = word.value.partition("=")
        if _same(name) not in ("intel_iommu", "amd_iommu", "iommu", "pcie_acs_override"):
            continue
        if (earlier := first.get(_same(name))) is None:
            first[_same(name)] = word
            continue
        same = earlier.value == word.value
        notes.add(
            "lint.parameter.repeated",
            word,
            "it stands here already"
            if same
            else f"it stands here already as {earlier.value}, and both count",
            "once is enough" if same else f"{earlier.value},{value}",
            replacement="" if same else None,
        )


def is_relevant(word: str) -> bool:
    """Whether a parameter is about passthrough."""
    name = _same(word.partition("=")[0])
    return any(one in name for one in RELEVANT_NAMES)


def judge_option(module: str, option: Text, notes: Notes, situation: Situation) -> None:
    """One ``name=value`` of an ``options`` line, by the same tables as ``module.name=value``."""
    name, equals, _ = option.value.partition("=")
    known = VFIO_OPTIONS.get(module)
    if known is not None and _same(name) not in known and HOLE not in name:
        notes.add(
            "lint.modprobe.option",
            option,
            f"{module} takes {', '.join(known)}; the kernel ignores the rest",
            None if equals else "name=value without blanks",
        )
    full = Text(f"{module}.{option.value}", option.marks)
    shadow = Notes(notes.file)
    judge_word(full, shadow, situation)
    for one in shadow.mistakes:
        if one.rule != "lint.parameter.misspelt":
            notes.mistakes.append(one._replace(place=option.place, seen=option.value, replacement=None))


def _same(name: str) -> str:
    return name.strip('"').replace("-", "_")
