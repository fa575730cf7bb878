"""Runs the real tools of boot chains on what the plan writes, and reads back what they made.

python -m scripts.boot_tools_check [FOLDER] [--suite SUITE] [--mkinitcpio CLONE]

Debian 12, 13 and sid, made by mmdebstrap (needs root, a network, 2 GB for each and some minutes; FOLDER keeps
them for the next run); in each of them its own dracut, kernel-install, ukify, grub-mkconfig and
mkrlconf, and mkinitcpio built from a clone of its source. Each case writes the files of a plan, runs
the tool in a chroot, and looks for the words in its result. Exit code 1 when one is not as wanted or was not
run. Only grub-probe is replaced: in a chroot there is no disk that it could name.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.boot_tools_check_systems import PACKAGES, Case, System, UnexpectedError, expect, line_in, make
from tests.facts_builder import AUDIO, GPU, IGPU, at, card, good_machine, groups, integrated
from tests.nix.machines import twins
from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.facts import BootLoader, InitramfsGenerator, InstalledKernel
from vfio_wizard.model.image import BEFORE_UDEV
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.probe.configured import GRUB_PREFIXES, parse_entry, parse_grub
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.registry import for_host
from vfio_wizard.system.host import RootHost, chosen_lines

IDS = "vfio-pci.ids=10de:2484,10de:228b"
LINE = "root=UUID=4f1c2d6e-8d5b-4b58-9d0e-0d2f5a1c7e11 ro quiet"
PROBE = """#!/bin/sh
case "$*" in
*--target=device*) echo /dev/vda1;;
*uuid*) echo 4f1c2d6e-8d5b-4b58-9d0e-0d2f5a1c7e11;;
*--target=fs\\ *|*--target=fs) echo ext2;;
*) echo;;
esac
"""


def change(system: System, loader: str, generator: str, by_address: bool = False) -> Rendered:
    """Write the files of a plan for this root; its commands are run by each case."""
    facts = twins() if by_address else good_machine(
        pci=(integrated(boot_vga=False), *card()), groups=groups(g1=IGPU, g5=f"{GPU} {AUDIO}")
    )  # fmt: skip
    host = RootHost(str(system.root))
    kernels = (
        InstalledKernel(system.release, True, frozenset(), {}, True, f"boot/initrd.img-{system.release}"),
    )
    boot = facts.boot._replace(
        loader=BootLoader(loader, ()),
        initramfs=InitramfsGenerator(generator, ()),
        configured=Kargs.parse(LINE),
        distribution=gather(host).boot.distribution,
    )
    facts = facts._replace(boot=boot, kernels=kernels, files=())
    plan = make_plan(facts, Selection((at("0000:27:00.0" if by_address else GPU),)))
    found = for_host(plan, read_originals(host, facts), tool_version="1")
    for one in found.artifacts:
        system.put(one.path.lstrip("/"), one.text)
    return found


def runs(system: System, found: Rendered, *programs: str) -> None:
    """The commands of the plan itself, those of the programs that the case is about."""
    for one in found.commands:
        if one.argv[0] in programs:
            system.run(one.shown)


WRITTEN = (
    "etc/modprobe.d",
    "etc/mkinitcpio.conf.d",
    "etc/mkinitcpio.d",
    "etc/cmdline.d",
    "etc/default/grub.d",
    "etc/dracut.conf.d",
)


def clean(system: System) -> None:
    """Take out what a case wrote."""
    for folder in WRITTEN:
        for path in (system.root / folder).glob("*"):
            if path.name.startswith(("vfio-wizard", "zz-vfio-wizard", "case")):
                path.unlink()
    for name in (
        "etc/kernel/cmdline",
        "etc/kernel/install.conf",
        "etc/default/grub",
        "boot/refind_linux.conf",
    ):
        (system.root / name).unlink(missing_ok=True)
    system.run("rm -rf /efi /boot/EFI /boot/case*; cp -n /etc/mkinitcpio.conf /root/ || true")
    if system.has("root/mkinitcpio.conf"):
        system.put("etc/mkinitcpio.conf", system.text("root/mkinitcpio.conf"))


# --- mkinitcpio ------------------------------------------------------------------------------------


def preset(system: System, *lines: str) -> None:
    """As its package writes one, with these lines more."""
    text = f"ALL_kver=/boot/vmlinuz-{system.release}\nPRESETS=(default)\n" + "".join(
        f"{one}\n" for one in lines
    )
    system.put("etc/mkinitcpio.d/case.preset", text)


IMAGE = "default_image=/boot/case.img"


def mkinitcpio_by_id(system: System) -> str:
    """The drop-in: vfio-pci first, before the hooks, and our file beside it."""
    preset(system, IMAGE)
    runs(system, change(system, "grub-mkconfig", "mkinitcpio"), "mkinitcpio")
    expect(system.has("etc/mkinitcpio.conf.d/vfio-wizard.conf"), "no drop-in was planned")
    return _is_first(system)


def _is_first(system: System) -> str:
    image = system.image("boot/case.img")
    first = image.early[0]
    expect((first.module, first.when) == ("vfio_pci", BEFORE_UDEV), image.early)
    expect(bool(image.modprobe.softdeps("nouveau")), "our file is not in the image")
    return f"{first.module} {first.when}, softdeps inside"


def mkinitcpio_by_address(system: System) -> str:
    """The install line is in the image, and the shell that runs it."""
    preset(system, IMAGE)
    runs(system, change(system, "grub-mkconfig", "mkinitcpio", by_address=True), "mkinitcpio")
    return _has_install_line(system, "lsinitcpio /boot/case.img")


def _has_install_line(system: System, listing: str) -> str:
    lines = [line.rest for line in system.image("boot/case.img").modprobe.lines if line.command == "install"]
    expect(any(SWITCH in line for line in lines), lines)
    names = {one.rpartition(" ")[2] for one in system.run(listing).splitlines()}
    names |= {one.split(" -> ")[0].rpartition(" ")[2] for one in system.run(listing).splitlines()}
    expect(bool({"usr/bin/sh", "bin/sh"} & names), "no shell is in the image")
    return "install line and a shell inside"


def mkinitcpio_without_drop_ins(system: System) -> str:
    """What a drop-in is worth where a preset names a configuration: nothing, which decides where we write."""
    preset(system, IMAGE, "ALL_config=/etc/mkinitcpio.conf")
    system.put("etc/mkinitcpio.conf.d/case.conf", "MODULES+=(vfio_pci)\n")
    system.run("mkinitcpio -P")
    early = [one.module for one in system.image("boot/case.img").early]
    expect("vfio_pci" not in early, early)
    preset(system, IMAGE)
    system.run("mkinitcpio -P")
    early = [one.module for one in system.image("boot/case.img").early]
    expect("vfio_pci" in early, early)
    return "a drop-in counts without ALL_config, and not with it"


def mkinitcpio_with_its_configuration_named(system: System) -> str:
    """So the list itself is edited there."""
    preset(system, IMAGE, "ALL_config=/etc/mkinitcpio.conf")
    runs(system, change(system, "grub-mkconfig", "mkinitcpio"), "mkinitcpio")
    expect(not system.has("etc/mkinitcpio.conf.d/vfio-wizard.conf"), "a drop-in, which is not read")
    return _is_first(system)


def mkinitcpio_unified(system: System) -> str:
    """It takes etc/cmdline.d where there is no etc/kernel/cmdline; our heading is no part of its line."""
    system.put("etc/cmdline.d/case.conf", f"{LINE}\n")
    preset(system, "default_uki=/boot/EFI/Linux/case.efi")
    system.run("mkdir -p /boot/EFI/Linux")
    runs(system, change(system, "uki-mkinitcpio", "mkinitcpio"), "mkinitcpio")
    return _words(line_in(system.image("boot/EFI/Linux/case.efi")))


def _words(line: Kargs) -> str:
    expect({*LINE.split(), IDS} <= set(line.words), line.words)
    expect(not any(one.startswith("#") or one == "vfio-wizard" for one in line.words), line.words)
    return f"its options have {IDS}"


# --- dracut ------------------------------------------------------------------------------------------


def dracut_case(host_only: bool, by_address: bool) -> Callable[[System], str]:
    """The drop-in, in an image for this host or for any, which lacks etc/modprobe.d by itself."""

    def run(system: System) -> str:
        system.put("etc/dracut.conf.d/case.conf", f'hostonly="{"yes" if host_only else "no"}"\n')
        change(system, "grub-mkconfig", "dracut", by_address=by_address)
        system.run(f"dracut --force /boot/case.img {system.release}")
        if by_address:
            return _has_install_line(system, "lsinitrd /boot/case.img")
        return _is_first(system)

    return run


def dracut_unified(system: System) -> str:
    """kernel_cmdline is the line inside, and the image is as any other."""
    stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    system.put(
        "etc/dracut.conf.d/case.conf",
        f'uefi="yes"\nuefi_stub="{stub}"\nkernel_cmdline="{LINE}"\nhostonly="no"\n',
    )
    change(system, "uki-dracut", "dracut")
    system.run(f"mkdir -p /boot/EFI/Linux; dracut --force --kver {system.release} /boot/EFI/Linux/case.efi")
    image = system.image("boot/EFI/Linux/case.efi")
    expect(image.early[0].module == "vfio_pci", image.early)
    return _words(line_in(image))


# --- kernel-install ----------------------------------------------------------------------------------


def kernel_install_entry(system: System) -> str:
    """The entry takes its options from etc/kernel/cmdline."""
    return _kernel_install(system, "bls", lambda: _entry(system))


def kernel_install_unified(system: System) -> str:
    """ukify's image takes them from there too, and the initramfs inside is dracut's."""
    return _kernel_install(system, "uki", lambda: _unified(system))


def _kernel_install(system: System, layout: str, result: Callable[[], Kargs]) -> str:
    system.put("etc/kernel/cmdline", f"{LINE}\n")
    system.put(
        "etc/kernel/install.conf",
        f"layout={layout}\ninitrd_generator=dracut\nuki_generator=ukify\nBOOT_ROOT=/efi\n",
    )
    system.put("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    change(system, "systemd-boot-kernel-install", "dracut")
    system.run(
        "export SYSTEMD_RELAX_ESP_CHECKS=1 SYSTEMD_RELAX_XBOOTLDR_CHECKS=1; "
        "mkdir -p /efi/loader/entries /efi/EFI/Linux /efi/0123456789abcdef0123456789abcdef; "
        f"kernel-install add {system.release} /boot/vmlinuz-{system.release}"
    )
    return _words(result())


def _entry(system: System) -> Kargs:
    path = next(path for path in (system.root / "efi/loader/entries").glob(f"*-{system.release}.conf"))
    entry = parse_entry(path.name, path.read_text(encoding="utf-8"))
    return Kargs.parse(entry.options if entry else "")


def _unified(system: System) -> Kargs:
    path = next(path for path in (system.root / "efi/EFI/Linux").glob(f"*{system.release}*.efi"))
    image = system.image(str(path.relative_to(system.root)))
    expect(any(one.module == "vfio_pci" for one in image.early), image.early)
    return line_in(image)


# --- GRUB and rEFInd ---------------------------------------------------------------------------------


def grub_drop_in(system: System) -> str:
    """grub-mkconfig reads our file; the recovery entry stays as it was."""
    system.put("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n')
    return _grub(system)


def grub_in_place(system: System) -> str:
    """The same by the variable itself, in single quotes, where the folder is not read."""
    system.put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT='quiet' # mine\nGRUB_CMDLINE_LINUX=''\n")
    text = system.text("usr/sbin/grub-mkconfig")
    system.put("usr/sbin/grub-mkconfig", text.replace("default/grub.d/", "default/grub.none/"))
    try:
        return _grub(system)
    finally:
        system.put("usr/sbin/grub-mkconfig", text)


def _grub(system: System) -> str:
    probe = system.root / "usr/sbin/grub-probe"
    if not (system.root / "usr/sbin/grub-probe.real").exists():
        probe.rename(probe.with_name("grub-probe.real"))
    system.put("usr/sbin/grub-probe", PROBE)
    probe.chmod(0o755)
    change(system, "grub-mkconfig", "dracut")
    system.run("mkdir -p /boot/grub; grub-mkconfig -o /boot/grub/grub.cfg")
    text = system.text("boot/grub/grub.cfg")
    line = parse_grub("grub.cfg", chosen_lines(text, GRUB_PREFIXES), {})
    expect(isinstance(line, Kargs) and line.has(IDS), line)
    recovery = [one for one in text.splitlines() if one.lstrip().startswith("linux") and " single" in one]
    expect(bool(recovery), "no recovery entry")
    expect(not any("vfio" in one for one in recovery), recovery)
    return f"the default entry has {IDS}, {len(recovery)} recovery entry has not"


def refind_lines(system: System) -> str:
    """What rEFInd's own script writes is edited in its first line, and read again."""
    system.run("mkrlconf --force")
    before = system.text("boot/refind_linux.conf").splitlines()
    change(system, "refind", "dracut")
    first, *after = system.text("boot/refind_linux.conf").splitlines()
    expect(IDS in first and after[: len(before) - 1] == before[1:], (before, first, after))
    expect("without passthrough" in after[-1] and IDS not in after[-1], after)
    return f"the first line has {IDS}, {len(before) - 1} are as they were, the last is the way back"


ALL = tuple(PACKAGES)
NEW = ("trixie", "sid")
CASES: tuple[tuple[str, Case], ...] = (
    ("mkinitcpio by id", Case(("trixie",), mkinitcpio_by_id, "usr/bin/mkinitcpio")),
    ("mkinitcpio by address", Case(("trixie",), mkinitcpio_by_address, "usr/bin/mkinitcpio")),
    ("mkinitcpio, a drop-in and -c", Case(("trixie",), mkinitcpio_without_drop_ins, "usr/bin/mkinitcpio")),
    ("mkinitcpio with -c", Case(("trixie",), mkinitcpio_with_its_configuration_named, "usr/bin/mkinitcpio")),
    ("mkinitcpio, unified", Case(("trixie",), mkinitcpio_unified, "usr/bin/mkinitcpio")),
    ("dracut by id, host-only", Case(ALL, dracut_case(host_only=True, by_address=False))),
    ("dracut by id, for any host", Case(ALL, dracut_case(host_only=False, by_address=False))),
    ("dracut by address, host-only", Case(ALL, dracut_case(host_only=True, by_address=True))),
    ("dracut by address, for any host", Case(ALL, dracut_case(host_only=False, by_address=True))),
    ("dracut, unified", Case(ALL, dracut_unified)),
    ("kernel-install, entry", Case(ALL, kernel_install_entry)),
    ("kernel-install, ukify", Case(NEW, kernel_install_unified)),
    ("grub-mkconfig, drop-in", Case(ALL, grub_drop_in)),
    ("grub-mkconfig, in place", Case(ALL, grub_in_place)),
    ("mkrlconf of rEFInd", Case(ALL, refind_lines)),
)


def results(system: System, only: str = "") -> Iterator[bool]:
    """Run each case on its own files; a line for each."""
    for name, case in CASES:
        if system.suite not in case.suites or only not in name:
            continue
        if case.needs and not system.has(case.needs):
            print(f"NOT RUN    {system.suite:9} {name:32} needs --mkinitcpio", flush=True)
            yield False
            continue
        clean(system)
        yield _is_as_wanted(system, name, case)


def _is_as_wanted(system: System, name: str, case: Case) -> bool:
    try:
        told = case.run(system)
    except (UnexpectedError, subprocess.CalledProcessError, StopIteration, OSError, LookupError) as error:
        said = (getattr(error, "stderr", b"") or b"").decode(errors="replace")[-600:]
        print(f"NOT        {system.suite:9} {name:32} {error!r} {said}", flush=True)
        return False
    print(f"as wanted  {system.suite:9} {name:32} {told}", flush=True)
    return True


def main() -> int:
    """Make the Debians and run all cases."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path, nargs="?")
    options.add_argument("--suite", choices=PACKAGES, action="append")
    options.add_argument("--only", default="", help="cases with this word in their names")
    options.add_argument("--mkinitcpio", type=Path, help="a clone of its source")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="vfio-wizard-boot-tools-") as folder:
        place = given.folder or Path(folder)
        every = [
            is_so
            for suite in given.suite or PACKAGES
            for is_so in results(make(place, suite, given.mkinitcpio), given.only)
        ]
    return 0 if all(every) else 1


if __name__ == "__main__":
    sys.exit(main())
