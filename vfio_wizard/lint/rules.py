"""All rules, by id: how bad, what it says, and where that can be checked."""

from __future__ import annotations

from vfio_wizard.lint.mistake import Severity
from vfio_wizard.model.record import NamedTuple


class Rule(NamedTuple):
    """One rule; ids are never reused."""

    id: str
    severity: Severity
    title: str
    source: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

_VFIO_PCI = "linux 6.12:drivers/vfio/pci/vfio_pci.c"
_CMDLINE = "linux 6.12:lib/cmdline.c next_arg"
_KMOD = "kmod: man/modprobe.d.5"
_LIBVIRT = "libvirt: docs/formatdomain.rst"
_NIX_LIBVIRTD = "nixos/modules/virtualisation/libvirtd.nix"
_GRUB = "GRUB 2.06: util/grub-mkconfig.in, util/grub.d/10_linux.in"
_UNITS = "linux: Documentation/driver-api/vfio.rst"

_ALL: tuple[Rule, ...] = (
    Rule("lint.domain.absent", _E, "A hostdev names an address that the host has not got", _LIBVIRT),
    Rule(
        "lint.domain.address",
        _E,
        "A source address is written in a way that libvirt reads differently",
        "libvirt: src/conf/device_conf.c virPCIDeviceAddressParseXML",
    ),
    Rule(
        "lint.domain.balloon",
        _N,
        "A memory balloon beside passed-through devices",
        "LookingGlass: doc/install_libvirt.rst",
    ),
    Rule("lint.domain.bridge", _E, "A bridge is passed through", _UNITS),
    Rule(
        "lint.domain.doctype", _E, "The XML declares a document type or entities", "libvirt domains have none"
    ),
    Rule("lint.domain.half-card", _W, "Not all functions of a card are passed through", _UNITS),
    Rule(
        "lint.domain.hidden",
        _N,
        "Hides the hypervisor, which NVIDIA's driver has not minded since 465",
        "pop-os/nvidia-graphics-drivers#93",
    ),
    Rule("lint.domain.iothread", _E, "Pins or uses an I/O thread that is not there", _LIBVIRT),
    Rule("lint.domain.locked", _W, "Locks all memory without a limit", _LIBVIRT),
    Rule(
        "lint.domain.newer-libvirt", _N, "Needs a libvirt that many systems have not got", "libvirt: NEWS.rst"
    ),
    Rule("lint.domain.secure-boot", _E, "Secure boot without SMM", _LIBVIRT),
    Rule("lint.domain.shmem-size", _E, "Shared memory that is no power of two, or below 1 MiB", _LIBVIRT),
    Rule("lint.domain.spinlocks", _E, "Fewer than 4095 spinlock retries", _LIBVIRT),
    Rule("lint.domain.syntax", _E, "No well-formed XML", "XML 1.0"),
    Rule("lint.domain.twice", _E, "The same host device twice", _LIBVIRT),
    Rule("lint.domain.vendor-id", _E, "A Hyper-V vendor_id of more than 12 characters", _LIBVIRT),
    Rule("lint.grub.dropped", _W, "An assignment that drops what was assigned before", _GRUB),
    Rule("lint.grub.everywhere", _N, "Passthrough parameters in the recovery entry, too", _GRUB),
    Rule("lint.grub.quotes", _E, "A quote that is never closed, or no quote to the shell", _GRUB),
    Rule("lint.grub.unquoted", _E, "A value with blanks and no quotes", _GRUB),
    Rule("lint.ids.absent", _W, "The host has no device of this id", _VFIO_PCI),
    Rule("lint.ids.address", _E, "A PCI address where an id belongs", _VFIO_PCI),
    Rule("lint.ids.bridge", _E, "The id of a bridge", _UNITS),
    Rule("lint.ids.cut", _E, "A blank ends the list of ids early", _CMDLINE),
    Rule("lint.ids.drive", _N, "The id of a drive: takes every drive of that model", _VFIO_PCI),
    Rule("lint.ids.half-card", _N, "Not all functions of a card are listed", _UNITS),
    Rule("lint.ids.host-needs", _E, "The id of a device that the host itself runs from", _VFIO_PCI),
    Rule("lint.ids.malformed", _E, "No vendor:device", _VFIO_PCI),
    Rule("lint.ids.only-display", _E, "The ids take every display that the host has", _VFIO_PCI),
    Rule("lint.ids.prefix-twice", _E, "The parameter's name inside its own value", _VFIO_PCI),
    Rule("lint.ids.repeated", _N, "The same id twice", _VFIO_PCI),
    Rule("lint.ids.twins", _W, "An id that several cards have", _VFIO_PCI),
    Rule(
        "lint.ids.two-lists",
        _E,
        "Two lists of ids, of which only the last counts",
        "linux 6.12:kernel/params.c param_set_copystring; kmod: libkmod-module.c kmod_module_get_options",
    ),
    Rule(
        "lint.list.dracut-blanks",
        _W,
        "Names that run together with those before or behind",
        "dracut-ng: man/dracut.conf.5",
    ),
    Rule("lint.list.dropped", _W, "An assignment that drops earlier modules", "dracut-ng: man/dracut.conf.5"),
    Rule(
        "lint.list.no-modconf", _W, "modprobe.d does not reach the initramfs", "mkinitcpio: man/mkinitcpio.8"
    ),
    Rule(
        "lint.list.not-forced",
        _W,
        "vfio-pci is in the image, but nothing loads it early",
        "dracut-ng: man/dracut.conf.5",
    ),
    Rule("lint.modprobe.command", _E, "A command that modprobe does not know: the line is ignored", _KMOD),
    Rule("lint.modprobe.file-name", _E, "A file that modprobe does not read", _KMOD),
    Rule("lint.modprobe.misspelt", _W, "A module name that looks misspelt", _KMOD),
    Rule("lint.modprobe.no-softdep", _N, "Ids, but nothing that makes vfio-pci come first", _KMOD),
    Rule("lint.modprobe.option", _W, "An option that the module has not got", _VFIO_PCI),
    Rule("lint.modprobe.softdep", _E, "A softdep without pre: or post:", _KMOD),
    Rule("lint.module.blacklist-audio", _W, "All HD audio of the host goes with the card's", _KMOD),
    Rule(
        "lint.module.gone", _W, "A module that newer kernels have not got", "linux 6.12:drivers/vfio/Makefile"
    ),
    Rule(
        "lint.module.order",
        _W,
        "A graphics driver stands before vfio_pci",
        "nixos/modules/system/boot/stage-1-init.sh; mkinitcpio: man/mkinitcpio.conf.5",
    ),
    Rule(
        "lint.module.several",
        _E,
        "Several module names in one string",
        "nixos/modules/system/boot/kernel.nix",
    ),
    Rule(
        "lint.nix.hooks",
        _E,
        "A file below /etc/libvirt, which NixOS' libvirt never reads",
        f"{_NIX_LIBVIRTD}: sysconfdir is /var/lib",
    ),
    Rule(
        "lint.nix.kernel-packages",
        _W,
        "A module built for another kernel than the one that boots",
        "nixos/modules/system/boot/kernel.nix",
    ),
    Rule(
        "lint.nix.kernel-set",
        _W,
        "A set of kernel packages that this release has not got",
        "pkgs/top-level/linux-kernels.nix",
    ),
    Rule(
        "lint.nix.modprobe-unread",
        _E,
        "Module options that do not reach the initrd of this release",
        "NixOS/nixpkgs#157839, #191491",
    ),
    Rule("lint.nix.namespaces", _W, "verbatimConfig without namespaces = []", _NIX_LIBVIRTD),
    Rule("lint.nix.no-such-option", _E, "An option that does not exist", _NIX_LIBVIRTD),
    Rule("lint.nix.not-yet", _E, "An option that this release has not got yet", _NIX_LIBVIRTD),
    Rule(
        "lint.nix.patch-key",
        _E,
        "A key of boot.kernelPatches for another release",
        "NixOS/nixpkgs#431115, #436219",
    ),
    Rule("lint.nix.removed", _E, "An option that was removed", "nixpkgs module files"),
    Rule("lint.nix.renamed", _W, "An option that was renamed", "nixpkgs module files"),
    Rule("lint.nix.saved-guest", _N, "Guests with a real card cannot be saved", _NIX_LIBVIRTD),
    Rule("lint.nix.stage-1", _E, "A script that the systemd stage 1 refuses", "NixOS/nixpkgs#435781"),
    Rule(
        "lint.nix.store-path",
        _W,
        "A literal path of /nix/store",
        "it changes with every update, and nothing keeps it",
    ),
    Rule("lint.nix.syntax", _E, "No Nix", "the grammar of Nix"),
    Rule(
        "lint.nix.too-late",
        _W,
        "vfio-pci is loaded only after the graphics drivers",
        "nixos/modules/system/boot/kernel.nix, stage-1.nix",
    ),
    Rule(
        "lint.nix.type",
        _E,
        "A value of another type than the option wants",
        "nixos/modules/system/boot/kernel.nix",
    ),
    Rule("lint.parameter.misspelt", _E, "A parameter of VFIO that does not exist", _VFIO_PCI),
    Rule(
        "lint.parameter.module-name",
        _W,
        "A module's name where a parameter belongs",
        "linux 6.12:kernel/params.c",
    ),
    Rule("lint.parameter.needless", _N, "Says only what the kernel does anyway", "the table of parameters"),
    Rule(
        "lint.parameter.not-a-value", _W, "A value that the parameter has not got", "the table of parameters"
    ),
    Rule("lint.parameter.not-here", _W, "Does nothing on this host", "the table of parameters"),
    Rule("lint.parameter.outdated", _W, "Was right on older kernels only", "the table of parameters"),
    Rule("lint.parameter.repeated", _N, "The same parameter twice", "linux 6.12:kernel/params.c"),
    Rule("lint.parameter.risk", _W, "Gives protection away", "linux: Documentation/driver-api/vfio.rst"),
    Rule("lint.parameter.several", _E, "Several parameters in one string", "NixOS/nixpkgs#133625"),
    Rule("lint.parameter.unknown", _W, "A parameter that does not exist", "the table of parameters"),
    Rule(
        "lint.qemu.acl-defaults",
        _W,
        "cgroup_device_acl without what QEMU needs by default",
        "libvirt: src/qemu/qemu.conf.in",
    ),
    Rule("lint.qemu.gone-device", _N, "A device node that no longer exists", "QEMU: kqemu went with 0.12"),
)

RULES: dict[str, Rule] = {rule.id: rule for rule in _ALL}
"""Sorted by id."""
