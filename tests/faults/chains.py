"""One machine for each boot chain: what stands on it, and the stand-ins for its tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.builders import SysfsTree
from tests.faults import tools
from tests.faults.machine import CARD, desktop
from tests.faults.pen import Pen, Strike
from tests.faults.tools import FakeRunner, Tool
from tests.unit.render.roots import ROOTS, Root
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.prepare import prepare
from vfio_wizard.apply.runner import Runner
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


class Chain(Protocol):
    """A way in which kernels get started."""

    @property
    def name(self) -> str:
        """For the table."""

    def build(self, place: Path) -> Work:
        """The machine, and the work that the program would do on it."""

    def runner(self, place: Path, strike: Strike) -> Runner:
        """The tools of the machine."""


class Desktop(NamedTuple):
    """The machine of this folder, whose tools write images that can be looked into."""

    name: str
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

    def build(self, place: Path) -> Work:
        """See Chain."""
        self.machine(place)
        return prepare(planned(place)[1], RootDisk(str(place)), {})

    def runner(self, place: Path, strike: Strike) -> Runner:
        """See Chain."""
        return FakeRunner(place, strike, self.tools)


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


class Struck(Root):
    """A root of another folder's tests, whose tools can be struck at each write."""

    def __init__(self, place: Path, made: Root, strike: Strike) -> None:  # the machine is there already
        self.place = place
        self.release = made.release
        self.tools = made.tools
        self.zfs = made.zfs
        self.runs = []
        self.pen = Pen(place, strike)

    def put(self, path: str, text: str = "") -> Root:
        self.pen.write(path, text)
        return self

    def build_images(self) -> None:
        """Each image beside the old one, then renamed over it."""
        for name in self.pen.names("boot"):
            if name.startswith(("initrd.img-", "initramfs-", "booster-")) and not name.endswith(".new"):
                told = "".join(text for _, text in sorted(tools.modprobe_files(self.pen).items()))
                self.pen.whole(f"boot/{name}", f"image of {name} with {told}" * 50, f"boot/{name}.new")


_BUILDERS = frozenset(
    ("update-initramfs", "dracut", "mkinitcpio", "regenerate_images", "limine-mkinitcpio", "sdbootutil")
)


class StruckRunner:
    """The tools of a root as a runner."""

    def __init__(self, root: Struck, strike: Strike) -> None:
        self.root = root
        self.strike = strike

    def has(self, program: str) -> bool:
        return program.rpartition("/")[2] in self.root.tools.keys() | _USERS.keys()

    def run(self, argv: tuple[str, ...], line: Callable[[str], None]) -> int:
        line(f"pretending {' '.join(argv)}")
        self.strike(f"runs {argv[0]}")
        name = argv[0].rpartition("/")[2]
        if name in _USERS:
            return _USERS[name](self.root.pen, argv)
        self.root.run(argv)
        if name in _BUILDERS:
            self.root.build_images()
        self.strike(f"ends {argv[0]}")
        return 0


class Distribution:
    """A root of a distribution as the tests of the dialects make it, with images added."""

    def __init__(self, make: Callable[[Path], Root]) -> None:
        self.name = make.__name__.replace("_", " ")
        self._make = make
        self._made: Root | None = None

    def build(self, place: Path) -> Work:
        """See Chain."""
        made = self._made = self._make(place)
        if not any(name.startswith(("initr", "booster")) for name in Pen(place).names("boot")):
            made.put("boot/initramfs-linux.img", "old image" * 100)
        facts = gather(made.host)
        plan = make_plan(facts, Selection((PciAddress.parse("0000:01:00.0"),)))
        assert not plan.refusals
        rendered = for_host(plan, read_originals(made.host, facts), tool_version="test")
        assert rendered.artifacts or rendered.commands
        return prepare(rendered, RootDisk(str(place)), {})

    def runner(self, place: Path, strike: Strike) -> Runner:
        """See Chain."""
        assert self._made is not None
        return StruckRunner(Struck(place, self._made, strike), strike)


NOT_FILES = frozenset(("silverblue", "void_zfsbootmenu"))
"""What they change is a deployment or a property: their own tools keep and take back the old one."""

CHAINS: tuple[Chain, ...] = (
    Desktop(
        "debian 12 desktop",
        _debian,
        {"update-initramfs": tools.update_initramfs, "update-grub": tools.update_grub, **_USERS},
        (("update-initramfs",), ("update-grub",)),
    ),
    *(Distribution(make) for make in ROOTS if make.__name__ not in NOT_FILES),
)
