"""What a person sees while a change is made: known noise counted, and the way back at the end."""

from __future__ import annotations

from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

NOISE: tuple[tuple[str, str], ...] = (
    ("W: Possible missing firmware", "files of firmware that this machine may not need"),
    ("Possible missing firmware", "files of firmware that this machine may not need"),
    ("dracut-install: Failed to find module", "modules that this kernel does not have"),
    ("==> WARNING: Possibly missing firmware", "files of firmware that this machine may not need"),
    ("dracut[I]: *** Including module", "parts that dracut puts in"),
    ("dracut: *** Including module", "parts that dracut puts in"),
    ("  -> Running build hook", "parts that mkinitcpio puts in"),
)
"""How lines begin that come by the hundred and say nothing about the change."""


class Noise:
    """Counts known noise of one command, and lets everything else through."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def passed(self, line: str) -> str | None:
        """The line as it may be printed; None for one that is only counted."""
        for start, what in NOISE:
            if line.startswith(start):
                self.counts[what] = self.counts.get(what, 0) + 1
                return None
        return clean(line) if line.strip() else None

    def summary(self) -> tuple[str, ...]:
        """One line for each kind, and a clean slate."""
        lines = tuple(f"{count} lines about {what}" for what, count in self.counts.items())
        self.counts = {}
        return lines


def ending(ways_back: tuple[str, ...], number: int, width: int) -> str:
    """The last screen: what to do next, and how to get back from wherever it ends."""
    lines = ["", "DONE: nothing changes until the next boot.", "", "NEXT"]
    lines += wrap("reboot, then: vfio-wizard verify", width, "  1. ", "     ")
    lines += ["", "IF IT DOES NOT BOOT AS IT SHOULD"]
    for way in ways_back or (_BY_THE_MENU,):
        lines += wrap(clean(way), width, "  - ", "    ")
    lines += ["", "TO TAKE IT BACK"]
    lines += wrap("sudo vfio-wizard undo", width, "  - ", "    ")
    script = f"/var/lib/vfio-wizard/transactions/{number:04d}/undo.sh"
    lines += wrap(
        f"from a rescue system, with the root (and /boot) mounted on /mnt: sh /mnt{script}, "
        "or vfio-wizard undo --root /mnt",
        width,
        "  - ",
        "    ",
    )
    return "\n".join(lines) + "\n"


_BY_THE_MENU = (
    "In the boot menu press e, and take the words with vfio-pci off the line that begins with linux or "
    "options; that holds for one start."
)
