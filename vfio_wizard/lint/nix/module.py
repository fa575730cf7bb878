"""A Nix module as a whole: every setting that passthrough guides write, and how they fit together."""

from __future__ import annotations

from vfio_wizard.knowledge.nixos import (
    R2505,
    STAGE_1_MODPROBE_SINCE,
    SYSTEMD_STAGE_1_DEFAULT_SINCE,
    default_kernel,
    has_kernel_set,
)
from vfio_wizard.knowledge.nixos_changes import SPACES_REFUSED_SINCE
from vfio_wizard.lint.ids import Listed, judge_ids
from vfio_wizard.lint.mistake import Notes, Severity
from vfio_wizard.lint.modprobe import judge_modprobe
from vfio_wizard.lint.modules import DRIVERS, judge_blacklist, judge_gone, judge_order, judge_several, same
from vfio_wizard.lint.nix.library import place_of
from vfio_wizard.lint.nix.options import judge_options, release_of
from vfio_wizard.lint.nix.settings import Setting, items, settings, strings
from vfio_wizard.lint.nix.tree import Source
from vfio_wizard.lint.nix.values import Plain, String, Unknown
from vfio_wizard.lint.parameters import judge_words
from vfio_wizard.lint.qemuconf import judge_qemu_conf
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import HOLE, Text
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.version import KernelVersion

EARLY = "boot.initrd.kernelModules"
AVAILABLE = "boot.initrd.availableKernelModules"
LATE = "boot.kernelModules"
PARAMETERS = "boot.kernelParams"
BLACKLIST = "boot.blacklistedKernelModules"
MODPROBE = "boot.extraModprobeConfig"
VERBATIM = ("virtualisation.libvirtd.qemu.verbatimConfig", "virtualisation.libvirtd.qemuVerbatimConfig")
_LISTS = (EARLY, AVAILABLE, LATE, PARAMETERS, BLACKLIST)
_KERNEL_SETS = ("pkgs.linuxPackages", "linuxPackages", "pkgs.linuxKernel.packages.", "linuxKernel.packages.")


class Told(NamedTuple):
    """What one file adds to the picture of all files."""

    notes: Notes
    early: frozenset[str]
    late: tuple[Text, ...]
    """Words vfio_pci in lists that come too late, or that nothing loads."""
    ids: tuple[Listed, ...]
    has_ids: bool
    """Whether ids are given at all, also such as the file does not tell."""
    ordered: bool
    """Whether a softdep or script puts vfio-pci first, or the early list is not known in full."""
    blacklisted: frozenset[str]


def judge_nix(text: str, notes: Notes, situation: Situation) -> Told:
    """One file; what needs several is judged by ``judge_together`` afterwards."""
    source = Source(text)
    _syntax(source, notes)
    _store_paths(source, notes)
    found = settings(source)
    if situation.release is None and (release := release_of(text)) is not None:
        situation = situation._replace(release=release)
    situation = situation._replace(kernel=_kernel(found, situation))
    judge_options(found, notes, situation)
    _kernel_packages(found, notes, situation)
    return _Module(found, notes, situation).judge()


def _syntax(source: Source, notes: Notes) -> None:
    wrong = source.first_error()
    if wrong is not None:
        line = source.slice(wrong.start_byte, min(wrong.start_byte + 60, len(source.data))).split("\n")[0]
        missing = f"{wrong.type} is missing" if wrong.is_missing else "the grammar ends here"
        notes.add(
            "lint.nix.syntax",
            (source.place(wrong.start_byte), line or missing),
            f"{missing}; what follows may be misread",
        )


def _store_paths(source: Source, notes: Notes) -> None:
    for node in source.walk():
        if node.type not in ("string_fragment", "path_expression") or node.has_error:
            continue
        text = source.text(node, 2000)
        start = text.find("/nix/store/")
        if start < 0:
            continue
        name = text[start:].split()[0].strip("\"',;")
        is_firmware = "ovmf" in name.lower()
        notes.add(
            "lint.nix.store-path",
            (source.place(node.start_byte + len(text[:start].encode())), name),
            "the path changes with every update of the package, and nothing keeps the old one from"
            " being collected",
            "no path at all: libvirt finds OVMF by itself; or /run/libvirt/nix-ovmf"
            if is_firmware
            else "${pkgs.PACKAGE} and the rest of the path",
        )


def _kernel(found: tuple[Setting, ...], situation: Situation) -> KernelVersion | None:
    """The kernel that was told, else the one that the file asks for, else that of a release that was told."""
    if situation.kernel is not None:
        return situation.kernel
    asked = [_kernel_set(one) for one in found if one.option == "boot.kernelPackages"]
    if asked:
        parts = (asked[0] or "").removeprefix("linuxPackages_").removeprefix("linux_").split("_")
        return (int(parts[0]), int(parts[1])) if len(parts) > 1 and "".join(parts[:2]).isdigit() else None
    return default_kernel(situation.release) if situation.release is not None else None


def _kernel_set(one: Setting) -> str | None:
    """The attribute of pkgs that a value names: ``linuxPackages_6_6``."""
    if not isinstance(one.value, Unknown):
        return None
    name = one.value.source.strip().rsplit(".", 1)[-1]
    return name if name.startswith(("linuxPackages", "linux_")) else None


def _kernel_packages(found: tuple[Setting, ...], notes: Notes, situation: Situation) -> None:
    kernels = {
        one.value.source
        for one in found
        if one.option == "boot.kernelPackages" and isinstance(one.value, Unknown)
    }
    for one in found:
        name = _kernel_set(one) if one.option == "boot.kernelPackages" else None
        if name is not None and has_kernel_set(name, situation.nixos) is False:
            notes.add(
                "lint.nix.kernel-set",
                (place_of(one.value), name),
                f"NixOS {situation.nixos} has no {name}",
                "linuxPackages, linuxPackages_latest, or a long-term kernel",
            )
        if one.option == "boot.extraModulePackages":
            for item in items(one.value):
                if isinstance(item.value, Unknown):
                    _module_package(item.value, kernels, notes)


def _module_package(item: Unknown, kernels: set[str], notes: Notes) -> None:
    kernel, _, name = item.source.strip("() \n").rpartition(".")
    if not kernel.startswith(_KERNEL_SETS) or not name:
        return
    fits = kernel in kernels
    notes.add(
        "lint.nix.kernel-packages",
        (item.place, item.source),
        f"right as long as the kernel is {kernel}; it stays behind when that line changes, or a patch does"
        if fits
        else f"a module of {kernel} does not load into another kernel",
        f"config.boot.kernelPackages.{name}",
        replacement=f"config.boot.kernelPackages.{name}",
        severity=Severity.NOTE if fits else None,
    )


class _Module:
    """The settings of one file, judged one option after the other."""

    def __init__(self, found: tuple[Setting, ...], notes: Notes, situation: Situation) -> None:
        self.found = found
        self.notes = notes
        self.situation = situation
        self.ids: list[Listed] = []
        self.has_ids = False
        self.ids_in_modprobe: list[Listed] = []
        self.early: list[Text] = []
        self.late: list[Text] = []
        self.blacklisted: set[str] = set()
        self.ordered = False

    def judge(self) -> Told:
        for one in self.found:
            if one.option in _LISTS:
                self._list(one)
            elif one.option == MODPROBE:
                self._modprobe(one)
            elif one.option == "virtualisation.libvirtd.onShutdown":
                self._shutdown(one)
            elif one.path[:2] == ("boot", "initrd") and any(
                "vfio-pci" in text.value for text in strings(one.value)
            ):
                self.ordered = True  # a script of stage 1 does the binding
        self._verbatim()
        self._early()
        return Told(
            self.notes,
            frozenset(same(name.value) for name in self.early),
            tuple(name for name in self.late if same(name.value) == "vfio_pci"),
            tuple(self.ids),
            self.has_ids,
            self.ordered,
            frozenset(self.blacklisted),
        )

    def _list(self, one: Setting) -> None:
        if isinstance(one.value, String | Plain):
            self._no_list(one)
        certain: list[Text] = []
        for item in items(one.value, guards=one.guards):
            if isinstance(item.value, Unknown):
                self._gap(one, item.value)
            elif one.option == PARAMETERS and item.certain:
                certain += self._parameter(item.value.text)
            elif one.option == PARAMETERS:
                self._parameters(self._parameter(item.value.text))
            elif not item.is_for_some_versions:
                self._module(one.option, item.value.text)
        self._parameters(certain)

    def _no_list(self, one: Setting) -> None:
        self.notes.add(
            "lint.nix.type",
            (place_of(one.value), next((text.value for text in strings(one.value)), "")),
            f"{one.option} is a list of strings",
            '[ "…" "…" ]',
        )

    def _gap(self, one: Setting, value: Unknown) -> None:
        self.notes.gap(value.place, f"{one.option}: {value.source}", "this file does not tell what that is")
        if one.option == EARLY:
            self.ordered = True

    def _parameter(self, text: Text) -> list[Text]:
        words = text.words(quoted=True)
        if len(words) > 1 and self.situation.nixos >= SPACES_REFUSED_SINCE:
            self.notes.add(
                "lint.parameter.several",
                text,
                f"from NixOS {SPACES_REFUSED_SINCE} on, an element of {PARAMETERS} holds one"
                " parameter; evaluation"
                " fails",
                " ".join(f'"{word.value}"' for word in words),
                replacement=None if HOLE in text.value else " ".join(f'"{word.value}"' for word in words),
            )
        if HOLE in text.value:
            self.notes.gap(text.place, text.value, "a part of it comes from elsewhere")
        return words

    def _parameters(self, words: list[Text]) -> None:
        listed = judge_words(words, self.notes, self.situation)
        judge_ids(listed, self.notes, self.situation)
        self.ids += listed
        self.has_ids = self.has_ids or any(
            same(word.value.partition("=")[0]) == "vfio_pci.ids" for word in words
        )

    def _module(self, option: str, name: Text) -> None:
        if HOLE in name.value:
            self.notes.gap(name.place, f"{option}: {name.value}", "a part of it comes from elsewhere")
            return
        if judge_several(name, option, self.notes):
            for word in name.words():
                self._one_module(option, word)
        else:
            self._one_module(option, name)

    def _one_module(self, option: str, name: Text) -> None:
        if option == BLACKLIST:
            judge_blacklist(name, self.notes)
            self.blacklisted.add(same(name.value))
            return
        in_initrd = option != LATE
        fails = in_initrd and self.situation.nixos >= R2505
        judge_gone(
            [name],
            self.notes,
            self.situation,
            fails="the build of the initrd fails (from NixOS 25.05 on)"
            if fails
            else "the name is passed over",
            severity=Severity.ERROR if fails else None,
        )
        (self.early if option == EARLY else self.late).append(name)

    def _modprobe(self, one: Setting) -> None:
        for item in items(one.value):
            if isinstance(item.value, Unknown):
                self._gap(one, item.value)
                continue
            text = item.value.text
            told = judge_modprobe(text, self.notes, self.situation, is_file=False)
            self.ids += told.ids
            self.ids_in_modprobe += told.ids
            self.has_ids = self.has_ids or "ids=" in text.value
            self.ordered = self.ordered or _has_softdep(text)

    def _shutdown(self, one: Setting) -> None:
        for text in strings(one.value):
            if text.value == "suspend":
                self.notes.add(
                    "lint.nix.saved-guest",
                    text,
                    "with suspend, guests are saved to disk, and a guest with a real card refuses;"
                    " the host waits for it",
                    "shutdown",
                    replacement="shutdown",
                )

    def _verbatim(self) -> None:
        found = [one for one in self.found if one.option in VERBATIM]
        texts = [text for one in found for text in strings(one.value)]
        whole = any("namespaces" in text.value for text in texts) or any(
            not isinstance(one.value, String) for one in found
        )
        for text in texts:
            judge_qemu_conf(text, self.notes, wants_namespaces=not whole)

    def _early(self) -> None:
        """What depends on the release's stage 1."""
        has_early = any(same(name.value) == "vfio_pci" for name in self.early)
        if self.situation.nixos < STAGE_1_MODPROBE_SINCE and has_early and self.ids_in_modprobe:
            first = self.ids_in_modprobe[0].text
            self.notes.add(
                "lint.nix.modprobe-unread",
                first,
                f"before NixOS {STAGE_1_MODPROBE_SINCE}, {MODPROBE} is not in the initrd: there"
                " vfio_pci is loaded"
                " without ids",
                f'"vfio-pci.ids={",".join(str(one.id) for one in self.ids_in_modprobe)}" in {PARAMETERS}',
            )
        if self.situation.nixos < SYSTEMD_STAGE_1_DEFAULT_SINCE:
            judge_order(self.early, tuple(self.ids), self.notes)


def _has_softdep(text: Text) -> bool:
    return any(line.value.split()[:1] == ["softdep"] and "vfio" in line.value for line in text.lines())


def judge_together(told: list[Told]) -> None:
    """What only all files together tell: whether anything loads vfio-pci before the graphics drivers."""
    if not any(one.has_ids for one in told) or any(one.ordered for one in told):
        return
    if any("vfio_pci" in one.early for one in told):
        return
    vendors = {listed.id.vendor for one in told for listed in one.ids}
    drivers = {driver for vendor in vendors for driver in DRIVERS.get(vendor, ())}
    blacklisted = drivers & {name for one in told for name in one.blacklisted}
    for one in told:
        for name in one.late[:1]:
            one.notes.add(
                "lint.nix.too-late",
                name,
                "this list is loaded in stage 2, or only on demand, and nothing asks for vfio-pci;"
                f" {EARLY} is loaded"
                " first"
                + (
                    f" (the blacklist of {', '.join(sorted(blacklisted))} may hide this)"
                    if blacklisted
                    else ""
                ),
                f'{EARLY} = [ "vfio_pci" "vfio_iommu_type1" ];',
                severity=Severity.NOTE if blacklisted else None,
            )
