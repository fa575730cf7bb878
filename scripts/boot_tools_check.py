"""Runs the real tools of boot chains on what the plan writes, and reads back what they made.

`python -m scripts.boot_tools_check [FOLDER]`: a Debian made by mmdebstrap (needs root, a network, 2 GB and
some minutes; FOLDER keeps it for the next run), in it mkinitcpio, ukify, kernel-install and grub-mkconfig.
Each case writes the files of a plan, runs the tool in a chroot, and looks for the words in its result. Exit
code 1 when one is not as wanted. Only grub-probe is replaced: in a chroot there is no disk that it could
name.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.facts_builder import AUDIO, GPU, IGPU, at, card, good_machine, groups, integrated
from tests.nix.machines import twins
from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.facts import BootLoader, InitramfsGenerator, InstalledKernel
from vfio_wizard.model.image import BEFORE_UDEV, InitramfsImage
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.plan import Plan
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.probe.configured import GRUB_PREFIXES, parse_entry, parse_grub
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.images import read_image
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.render.registry import for_host
from vfio_wizard.system.host import RootHost, chosen_lines

PACKAGES = (
    "linux-image-amd64,mkinitcpio,systemd-ukify,systemd-boot-efi,systemd-boot-tools,systemd-sysv,udev,kmod,zstd,"
    "libarchive-tools,python3-pefile,grub-common"
)
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


class UnexpectedError(Exception):
    """A tool made something else than the plan wants."""


def expect(is_so: bool, told: object) -> None:
    """Raises UnexpectedError with what was seen."""
    if not is_so:
        raise UnexpectedError(told)


class System(NamedTuple):
    """The root of the Debian, and the release of its kernel."""

    root: Path
    release: str

    def put(self, path: str, text: str) -> None:
        """Write a file in it."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("utf-8", "surrogateescape"))

    def text(self, path: str) -> str:
        """Read a file of it."""
        return (self.root / path).read_text(encoding="utf-8")

    def run(self, command: str) -> None:
        """Run a command in it, with its own /proc and /dev."""
        script = (
            f"mount --rbind /dev '{self.root}/dev'; mount -t proc proc '{self.root}/proc'; "
            f"mount -t tmpfs tmpfs '{self.root}/run'; exec chroot '{self.root}' sh -c \"$1\""
        )
        subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script, "sh", command],
            check=True,
            capture_output=True,
            timeout=500,
        )

    def image(self, path: str) -> InitramfsImage:
        """What is in an image."""
        told = read_image(RootHost(str(self.root)), path)
        if not isinstance(told, InitramfsImage):
            raise UnexpectedError(told.reason)
        return told


def line_in(image: InitramfsImage) -> Kargs:
    """The command line inside of a unified image."""
    return Kargs.parse(image.cmdline) if isinstance(image.cmdline, str) else Kargs(())


def make(folder: Path) -> System:
    """The Debian; one that is there already is taken."""
    if not (folder / "usr/bin/mkinitcpio").exists():
        command = [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={PACKAGES}",
            "trixie",
            str(folder),
        ]
        subprocess.run(command, check=True)
    release = next(path.name for path in sorted((folder / "usr/lib/modules").iterdir()))
    return System(folder, release)


def change(system: System, loader: str, generator: str, by_address: bool = False) -> Plan:
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
    return plan


def clean(system: System) -> None:
    """Take out what a case wrote."""
    folders = ("etc/modprobe.d", "etc/mkinitcpio.conf.d", "etc/cmdline.d", "etc/default/grub.d")
    for folder in folders:
        for path in (system.root / folder).glob("vfio-wizard*"):
            path.unlink()
    for name in ("etc/kernel/cmdline", "etc/kernel/install.conf", "etc/default/grub"):
        (system.root / name).unlink(missing_ok=True)


# --- the cases ------------------------------------------------------------------------------------


def mkinitcpio_by_id(system: System) -> str:
    """The drop-in: vfio-pci first, before the hooks, and our file beside it."""
    change(system, "grub-mkconfig", "mkinitcpio")
    system.run(f"mkinitcpio -k {system.release} -g /boot/case.img")
    image = system.image("boot/case.img")
    first = image.early[0]
    expect((first.module, first.when) == ("vfio_pci", BEFORE_UDEV), image.early)
    expect(bool(image.modprobe.softdeps("nouveau")), "our file is not in the image")
    return f"{first.module} {first.when}, softdeps inside"


def mkinitcpio_by_address(system: System) -> str:
    """The install line is in the image, and the shell that runs it."""
    change(system, "grub-mkconfig", "mkinitcpio", by_address=True)
    system.run(
        f"mkinitcpio -k {system.release} -g /boot/case.img && lsinitcpio /boot/case.img > /boot/case.list"
    )
    image = system.image("boot/case.img")
    lines = [line.rest for line in image.modprobe.lines if line.command == "install"]
    expect(any(SWITCH in line for line in lines), lines)
    names = system.text("boot/case.list").split()
    expect(bool({"usr/bin/sh", "bin/sh"} & set(names)), "no shell is in the image")
    return "install line and a shell inside"


def mkinitcpio_with_its_configuration_named(system: System) -> str:
    """What -c does to drop-ins, which decides where vfio-pci is written."""
    change(system, "grub-mkconfig", "mkinitcpio")
    system.run(f"mkinitcpio -c /etc/mkinitcpio.conf -k {system.release} -g /boot/case.img")
    found = any(one.module == "vfio_pci" for one in system.image("boot/case.img").early)
    return f"with -c the drop-ins {'count' if found else 'do not count'}"


def mkinitcpio_unified(system: System) -> str:
    """A unified image takes etc/cmdline.d where there is no etc/kernel/cmdline."""
    system.put("etc/cmdline.d/root.conf", f"{LINE}\n")
    system.put("etc/mkinitcpio.d/case.preset", 'PRESETS=(default)\ndefault_uki="/boot/EFI/Linux/case.efi"\n')
    change(system, "uki-mkinitcpio", "mkinitcpio")
    system.run(f"mkdir -p /boot/EFI/Linux; mkinitcpio -k {system.release} -U /boot/EFI/Linux/case.efi")
    words = line_in(system.image("boot/EFI/Linux/case.efi")).words
    expect({*LINE.split(), IDS} <= set(words), words)
    return f".cmdline has {IDS}"


def kernel_install_entry(system: System) -> str:
    """The entry takes its options from etc/kernel/cmdline."""
    return _kernel_install(system, "bls", lambda: _entry(system))


def kernel_install_unified(system: System) -> str:
    """ukify's image takes them from there too."""
    return _kernel_install(system, "uki", lambda: _unified(system))


def _kernel_install(system: System, layout: str, result: Callable[[], Kargs]) -> str:
    system.put("etc/kernel/cmdline", f"{LINE}\n")
    system.put("etc/kernel/install.conf", f"layout={layout}\nuki_generator=ukify\nBOOT_ROOT=/efi\n")
    system.put("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    change(system, "systemd-boot-kernel-install", "mkinitcpio")
    system.run(
        "export SYSTEMD_RELAX_ESP_CHECKS=1 SYSTEMD_RELAX_XBOOTLDR_CHECKS=1; "
        "mkdir -p /efi/loader/entries /efi/EFI/Linux /efi/0123456789abcdef0123456789abcdef; "
        f"kernel-install add {system.release} /boot/vmlinuz-{system.release}"
    )
    words = result().words
    expect({*LINE.split(), IDS} <= set(words), words)
    return f"its options have {IDS}"


def _entry(system: System) -> Kargs:
    path = next(path for path in (system.root / "efi/loader/entries").glob(f"*-{system.release}.conf"))
    entry = parse_entry(path.name, path.read_text(encoding="utf-8"))
    return Kargs.parse(entry.options if entry else "")


def _unified(system: System) -> Kargs:
    path = next(path for path in (system.root / "efi/EFI/Linux").glob(f"*{system.release}*.efi"))
    return line_in(system.image(str(path.relative_to(system.root))))


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
    change(system, "grub-mkconfig", "mkinitcpio")
    system.run("mkdir -p /boot/grub; grub-mkconfig -o /boot/grub/grub.cfg")
    text = system.text("boot/grub/grub.cfg")
    line = parse_grub("grub.cfg", chosen_lines(text, GRUB_PREFIXES), {})
    expect(isinstance(line, Kargs) and line.has(IDS), line)
    recovery = [one for one in text.splitlines() if one.lstrip().startswith("linux") and " single" in one]
    expect(bool(recovery), "no recovery entry")
    expect(not any("vfio" in one for one in recovery), recovery)
    return f"the default entry has {IDS}, {len(recovery)} recovery entry has not"


CASES: tuple[Callable[[System], str], ...] = (
    mkinitcpio_by_id,
    mkinitcpio_by_address,
    mkinitcpio_with_its_configuration_named,
    mkinitcpio_unified,
    kernel_install_entry,
    kernel_install_unified,
    grub_drop_in,
    grub_in_place,
)


def results(system: System) -> Iterator[bool]:
    """Run each case on its own files; a line for each."""
    for case in CASES:
        clean(system)
        try:
            print(f"as wanted  {case.__name__:42}{case(system)}", flush=True)
        except (UnexpectedError, subprocess.CalledProcessError, StopIteration) as error:
            told = getattr(error, "stderr", b"") or b""
            print(
                f"NOT        {case.__name__:42}{error!r} {told.decode(errors='replace')[-400:]}", flush=True
            )
            yield False
        else:
            yield True


def main(arguments: list[str]) -> int:
    """Make the Debian and run all cases."""
    if arguments:
        return 0 if all(list(results(make(Path(arguments[0]))))) else 1
    with tempfile.TemporaryDirectory(prefix="vfio-wizard-boot-tools-") as folder:
        return 0 if all(list(results(make(Path(folder) / "trixie")))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
