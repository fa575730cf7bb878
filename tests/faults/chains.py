"""One machine for each boot chain: what stands on it, and the stand-ins for its tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.builders import SysfsTree
from tests.faults import tools
from tests.faults.machine import CARD, desktop
from tests.faults.tools import FakeRunner, Tool
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.prepare import prepare
from vfio_wizard.apply.work import Work
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.plan import Plan
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.registry import for_host
from vfio_wizard.system.host import RootHost


class Chain(NamedTuple):
    """A way in which kernels get started."""

    name: str
    loader: str
    generator: str
    furnish: Callable[[SysfsTree], None]
    tools: dict[str, Tool]
    first: tuple[tuple[str, ...], ...]
    """Commands that the installation has run."""

    def machine(self, root: Path) -> SysfsTree:
        """The machine before the change."""
        tree = desktop(root)
        self.furnish(tree)
        runner = FakeRunner(root, tools=self.tools)
        for argv in self.first:
            assert runner.run(argv, lambda _line: None) == 0
        return tree

    def build(self, root: Path) -> Work:
        """The machine, and the work that the program would do on it."""
        self.machine(root)
        return prepare(planned(root)[1], RootDisk(str(root)), {})


def planned(root: Path) -> tuple[Plan, Rendered]:
    """What the program plans for the machine."""
    host = RootHost(str(root), is_record=True)
    facts = gather(host)
    plan = make_plan(facts, Selection((PciAddress.parse(CARD),), users=("ann",)))
    assert not plan.refusals
    return plan, for_host(plan, read_originals(host, facts), tool_version="test")


def _distribution(tree: SysfsTree, name: str, *programs: str) -> SysfsTree:
    tree.file("etc/os-release", f"ID={name}\nNAME={name}\n")
    for program in programs:
        tree.file(f"usr/sbin/{program}", "#!/bin/sh\n")
    return tree


_GRUB = """# If you change this file, run 'update-grub'.
GRUB_DEFAULT=0
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX=""
"""


def _debian(tree: SysfsTree) -> None:
    _distribution(
        tree,
        "debian",
        "update-grub",
        "grub-mkconfig",
        "update-initramfs",
        "mkinitramfs",
        "usermod",
        "gpasswd",
    )
    tree.file(
        "usr/sbin/grub-mkconfig",
        '#!/bin/sh\nfor x in ${sysconfdir}/default/grub.d/*.cfg ; do\n. "$x"\ndone\n',
    )
    tree.file("usr/share/initramfs-tools/hook-functions", "").file(
        "etc/kernel/postinst.d/initramfs-tools", "#!/bin/sh\n"
    )
    tree.file("etc/default/grub", _GRUB).file("etc/initramfs-tools/modules", "# List of modules\n")
    tree.file("etc/modprobe.d/blacklist.conf", "blacklist pcspkr\n")


_USERS: dict[str, Tool] = {"usermod": tools.usermod, "gpasswd": tools.gpasswd}

CHAINS: tuple[Chain, ...] = (
    Chain(
        "Debian 12",
        "grub-mkconfig",
        "initramfs-tools",
        _debian,
        {"update-initramfs": tools.update_initramfs, "update-grub": tools.update_grub, **_USERS},
        (("update-initramfs",), ("update-grub",)),
    ),
)
