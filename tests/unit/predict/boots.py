"""A machine with one card, one kernel and one image; each test changes what it is about."""

from __future__ import annotations

from typing import Any

from tests.facts_builder import RELEASE, at, good_machine, make_function, modprobe
from vfio_wizard.model.facts import HostFacts, InstalledKernel, ModprobeConfig, ModprobeLine
from vfio_wizard.model.image import AFTER_UDEV, EarlyLoad, ImageScript, InitramfsImage
from vfio_wizard.model.modules import (
    DriverctlLine,
    KernelModules,
    NamedLoad,
    NextBoot,
    OverrideText,
    RootConfiguration,
)
from vfio_wizard.model.pci import PciAddress, PciFunction, PciId
from vfio_wizard.model.unread import Unread
from vfio_wizard.predict.outcome import FunctionPrediction, KernelPrediction
from vfio_wizard.predict.predict import predict

CARD, SOUND, ONBOARD, PORT = "0000:01:00.0", "0000:01:00.1", "0000:00:1b.0", "0000:00:03.0"
IDS = "options vfio-pci ids=1002:5159,8086:293e"
SOFTDEPS = ("softdep radeon pre: vfio-pci", "softdep snd_hda_intel pre: vfio-pci")
IMAGE = "boot/initrd.img"
ALIASES = {
    CARD: ("radeon", "radeonfb"),
    SOUND: ("snd_hda_intel",),
    ONBOARD: ("snd_hda_intel",),
    PORT: (),
}
DEPENDS: dict[str, tuple[str, ...]] = {
    "radeon": ("drm", "ttm"),
    "radeonfb": (),
    "drm": (),
    "ttm": (),
    "snd_hda_intel": ("snd",),
    "snd": (),
    "vfio_pci": ("vfio",),
    "vfio": (),
    "vfio_iommu_type1": ("vfio",),
    "pci_stub": (),
    "dummy": (),
}
ALL = frozenset(DEPENDS)
NO_FB = "blacklist radeonfb"


def functions(**told: Any) -> tuple[PciFunction, ...]:
    """Card and sound by default on the host's drivers, each in a group."""
    card = {"driver": "radeon", "group": 5, "driver_override": None} | told
    return (
        _function(PORT, "1b36:000c", 0x060400, {"driver": "pcieport", "group": 2, "driver_override": None}),
        _function(
            ONBOARD, "8086:2668", 0x040300, {"driver": "snd_hda_intel", "group": 3, "driver_override": None}
        ),
        _function(CARD, "1002:5159", 0x030000, card),
        _function(SOUND, "8086:293e", 0x040300, card | {"driver": _sound(card["driver"])}),
    )


def _sound(driver: Any) -> Any:
    return "snd_hda_intel" if driver == "radeon" else driver


def _function(address: str, number: str, cls: int, told: dict[str, Any]) -> PciFunction:
    vendor, device = (int(part, 16) for part in number.split(":"))
    modalias = f"pci:v{vendor:08X}d{device:08X}sv00001AF4sd00001100bc{cls >> 16:02X}sc00i00"
    return make_function(address, number, cls, modalias=modalias, subsystem=PciId("1af4", "1100"), **told)


def host(*lines: str, words: str = "quiet", **told: Any) -> HostFacts:
    """The machine; ``lines`` are the root's modprobe.d."""
    fields: dict[str, Any] = {
        "pci": functions(),
        "configured": words,
        "cmdline": "quiet",
        "modprobe": modprobe(NO_FB, *lines),
        "kernels": (InstalledKernel(RELEASE, True, frozenset(), {}, True, IMAGE),),
        "loaded": frozenset(("radeon", "snd_hda_intel")),
    }
    return good_machine(**(fields | told))


def image(*lines: str, early: tuple[str, ...] = (), when: str = AFTER_UDEV, **told: Any) -> InitramfsImage:
    """An image of initramfs-tools without any driver; ``lines`` are its own modprobe.d."""
    fields: dict[str, Any] = {
        "path": IMAGE,
        "size": 1,
        "made_by": "initramfs-tools",
        "compression": ("zstd",),
        "kernels": (RELEASE,),
        "modules": frozenset(("vfio_pci", "vfio", "pci_stub")),
        "builtin": frozenset[str](),
        "modprobe": ModprobeConfig(
            tuple(line._replace(origin=f"{IMAGE}:{line.origin}") for line in modprobe(NO_FB, *lines).lines)
        ),
        "early": tuple(
            EarlyLoad(name, "", f"{IMAGE}:conf/modules:{number}", when)
            for number, name in enumerate(early, 1)
        ),
        "has_udev": True,
        "systemd": False,
        "scripts": (),
        "cmdline": None,
        "mtime": 0,
    }
    return InitramfsImage(**(fields | told))


def script(path: str, text: str) -> ImageScript:
    """A script in the image."""
    return ImageScript(path, text)


def boot(
    *,
    loads: tuple[str, ...] = (),
    overrides: tuple[OverrideText, ...] = (),
    driverctl: tuple[tuple[str, str], ...] = (),
    **tables: Any,
) -> NextBoot:
    """Module tables and the root's files."""
    fields: dict[str, Any] = {
        "release": RELEASE,
        "origin": f"lib/modules/{RELEASE}",
        "matches": {at(address): modules for address, modules in ALIASES.items()},
        "builtin": (),
        "depends": DEPENDS,
        "softdeps": (ModprobeLine("modules.softdep:1", "softdep", "vfio", "post: vfio_iommu_type1"),),
    }
    root = RootConfiguration(
        tuple(NamedLoad(name, f"etc/modules-load.d/a.conf:{at_}") for at_, name in enumerate(loads, 1)),
        overrides,
        tuple(DriverctlLine(at(one), driver, f"etc/driverctl.d/pci-{one}") for one, driver in driverctl),
        (),
    )
    modules = {"radeon": "radeon", "snd_hda_intel": "snd_hda_intel", "vfio-pci": "vfio_pci"}
    return NextBoot((KernelModules(**(fields | tables)),), root, modules)


def whole(
    facts: HostFacts, seen: InitramfsImage | Unread | None, tables: NextBoot | None = None
) -> KernelPrediction:
    """The prediction for the one kernel."""
    return predict(facts, {RELEASE: seen}, tables or boot())[0]


def told(
    facts: HostFacts,
    seen: InitramfsImage | Unread | None,
    tables: NextBoot | None = None,
    address: str = CARD,
) -> FunctionPrediction:
    """The prediction for one function."""
    wanted: PciAddress = at(address)
    return next(one for one in whole(facts, seen, tables).functions if one.address == wanted)


def drivers(
    facts: HostFacts, seen: InitramfsImage | Unread | None, tables: NextBoot | None = None
) -> tuple[str | None, str | None]:
    """The drivers of card and sound."""
    return told(facts, seen, tables).driver, told(facts, seen, tables, SOUND).driver
