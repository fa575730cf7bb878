"""Lists of kernel modules, wherever they are written."""

from __future__ import annotations

from vfio_wizard.knowledge.parameters import STALE_MODULES
from vfio_wizard.lint.ids import Listed
from vfio_wizard.lint.mistake import Notes, Severity
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import HOLE, Text

DRIVERS: dict[str, tuple[str, ...]] = {
    "1002": ("amdgpu", "radeon"),
    "10de": ("nvidia", "nouveau", "nvidia_modeset", "nvidia_drm", "nvidia_uvm", "nova_core"),
    "8086": ("i915", "xe"),
}
"""Graphics drivers by the vendor whose cards they take."""

AUDIO = "snd_hda_intel"


def same(name: str) -> str:
    """A module's name with underscores, as the kernel compares it."""
    return name.replace("-", "_")


def judge_gone(
    names: list[Text],
    notes: Notes,
    situation: Situation,
    *,
    fails: str = "",
    severity: Severity | None = None,
) -> None:
    """Modules that newer kernels have not got; ``fails`` says what that breaks here."""
    for name in names:
        for row in STALE_MODULES:
            if same(name.value) == row.name and situation.kernel_has(row.since):
                notes.add(
                    "lint.module.gone",
                    name,
                    f"from Linux {row.since[0]}.{row.since[1]} on there is no such module:"
                    f" {fails or row.why}",
                    "leave it out",
                    replacement="",
                    source=row.source,
                    severity=severity,
                )


def judge_order(names: list[Text], ids: tuple[Listed, ...], notes: Notes) -> None:
    """A driver of the guest's card before vfio_pci, in a list that is loaded in its order."""
    vendors = {one.id.vendor for one in ids}
    drivers = {driver for vendor in vendors for driver in DRIVERS.get(vendor, ())}
    order = [same(name.value) for name in names]
    if "vfio_pci" not in order:
        return
    for name in names[: order.index("vfio_pci")]:
        if same(name.value) in drivers:
            notes.add(
                "lint.module.order",
                name,
                "this list is loaded in its order, so this driver takes the guest's card before"
                " vfio_pci is there",
                "vfio_pci before it",
            )


def judge_blacklist(name: Text, notes: Notes) -> None:
    """A blacklist entry that takes more than one card's function."""
    if same(name.value) == AUDIO:
        notes.add(
            "lint.module.blacklist-audio",
            name,
            "the host's own sound has the same driver and goes too; binding the card's audio needs"
            " no blacklist",
            "the audio function's id in the list of ids, and: softdep snd_hda_intel pre: vfio-pci",
        )


def judge_several(name: Text, option: str, notes: Notes) -> bool:
    """Several names in one string; True where that is so."""
    words = name.words()
    if len(words) < 2 or HOLE in name.value:
        return False
    notes.add(
        "lint.module.several",
        name,
        f"{option} takes one name a string; this one names no module, so nothing happens",
        " ".join(f'"{word.value}"' for word in words),
        replacement=" ".join(f'"{word.value}"' for word in words),
    )
    return True
