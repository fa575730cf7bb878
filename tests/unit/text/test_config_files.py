"""Files of the boot chain and of modprobe, pasted alone, beside a listing, or in a folder."""

from __future__ import annotations

import pytest

from vfio_wizard.model.facts import HostFacts, InitramfsGenerator, ModprobeConfig
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.text.read import read_texts

LISTING = """\
IOMMU Group 0 00:01.0 PCI bridge [0604]: Intel Corporation Device [8086:1901]
IOMMU Group 1 01:00.0 VGA compatible controller [0300]: NVIDIA Corporation Device [10de:1b80]
"""

GRUB = """\
# If you change this file, run 'update-grub' afterwards
GRUB_DEFAULT=0
GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`
#GRUB_CMDLINE_LINUX_DEFAULT="quiet old=1"
GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on"
GRUB_CMDLINE_LINUX="root=/dev/sda1"
"""

ENTRY = """\
title   Linux
linux   /vmlinuz-linux
initrd  /initramfs-linux.img
options root=LABEL=os rw
options amd_iommu=on iommu=pt
"""

REFIND = """\
"Boot with standard options"  "ro root=PARTUUID=1234 quiet vfio-pci.ids=10de:13c2"
"Boot to single-user mode"    "ro root=/dev/sda1 single"
"""

MODPROBE = """\
# comment
options vfio-pci ids=10de:1b81,10de:10f0 disable_vga=1
softdep nouveau pre: vfio-pci
blacklist nouveau
"""


def read(text: str, label: str = "text") -> HostFacts:
    return read_texts([(label, text)])


def configured(facts: HostFacts) -> str:
    assert isinstance(facts.boot.configured, Kargs)
    return str(facts.boot.configured)


def test_the_default_file_of_grub_is_what_the_next_boot_gets_and_not_the_running_line() -> None:
    facts = read(GRUB, "grub.txt")

    assert configured(facts) == "root=/dev/sda1 quiet intel_iommu=on"
    assert facts.boot.configured_origin == "grub.txt line 6"
    assert isinstance(facts.kernel.cmdline, Unread)
    assert dict(facts.files).keys() == {"etc/default/grub"}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda line, _: f"> {line}",
        lambda line, number: f"{number:6}\t{line}",
        lambda line, _: f"\x1b[32m{line}\x1b[0m",
        lambda line, _: f"    {line}\r",
    ],
    ids=["quoted", "numbered", "coloured", "indented"],
)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GRUB, "root=/dev/sda1 quiet intel_iommu=on"),
        (ENTRY, "root=LABEL=os rw amd_iommu=on iommu=pt"),
        (REFIND, "ro root=PARTUUID=1234 quiet vfio-pci.ids=10de:13c2"),
    ],
    ids=["grub", "entry", "refind"],
)
def test_marks_around_the_lines_change_nothing(text: str, words: str, wrap: object) -> None:
    assert callable(wrap)
    wrapped = "\n".join(wrap(line, number) for number, line in enumerate(text.splitlines(), 1))

    assert configured(read(wrapped)) == words


def test_a_prompt_above_a_file_is_no_part_of_it() -> None:
    assert configured(read(f"user@host:~$ cat /etc/default/grub\n{GRUB}")).endswith("intel_iommu=on")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("GRUB_CMDLINE_LINUX='a=1 b'  # comment", "a=1 b"),
        ('GRUB_CMDLINE_LINUX="dyndbg=\\"file a +p\\" x"', 'dyndbg="file a +p" x'),
        ("GRUB_CMDLINE_LINUX=quiet", "quiet"),
        ('GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX+=" b"', "a b"),
        ('GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX b"', "a b"),
        ('GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="b"', "b"),
        ('LINUX_OPTIONS="zswap.enabled=0 quiet"', "zswap.enabled=0 quiet"),
    ],
)
def test_values_are_read_as_a_shell_reads_them(line: str, words: str) -> None:
    assert configured(read(line)) == words


def test_a_variable_of_the_shell_makes_the_line_unread() -> None:
    facts = read('GRUB_CMDLINE_LINUX="$(cat /etc/words) quiet"')

    assert isinstance(facts.boot.configured, Unread)
    assert facts.boot.configured.gap is Gap.MALFORMED


def test_two_entries_that_differ_name_no_default() -> None:
    other = ENTRY.replace("iommu=pt", "quiet")
    for facts in (read(ENTRY + "\n" + other), read_texts([("a.conf", ENTRY), ("b.conf", other)])):
        assert isinstance(facts.boot.configured, Unread)
        assert facts.boot.configured.gap is Gap.UNTOLD


def test_the_same_line_in_two_files_is_one_line() -> None:
    assert configured(read_texts([("a.conf", ENTRY), ("b.conf", ENTRY)])).endswith("iommu=pt")


def test_limine_and_a_generated_grub_menu_are_read_by_their_default() -> None:
    limine = "default_entry: 2\n/One\n    cmdline: a=1\n/Two\n    cmdline: root=/dev/sda2 quiet\n"
    menu = (
        'set default="1"\n'
        "menuentry 'One' {\n\tlinux /vmlinuz root=/dev/sda1 ro\n}\n"
        "menuentry 'Two' {\n\tlinux /vmlinuz root=/dev/sda2 ro\n}\n"
    )

    assert configured(read(limine)) == "root=/dev/sda2 quiet"
    assert configured(read(menu)) == "root=/dev/sda2 ro"


def test_modprobe_lines_keep_their_file_and_are_a_part_of_the_configuration() -> None:
    facts = read_texts([("groups.txt", LISTING), ("vfio.conf", MODPROBE)])

    assert isinstance(facts.modprobe, ModprobeConfig)
    (options,) = facts.modprobe.options("vfio-pci")
    assert (options.origin, options.rest) == ("vfio.conf line 2", "ids=10de:1b81,10de:10f0 disable_vga=1")
    assert [line.module for line in facts.modprobe.blacklisted("nouveau")] == ["nouveau"]
    assert facts.modprobe_gap is not None, "one file is not all of modprobe.d"
    assert isinstance(facts.pci, tuple)


def test_several_files_of_modprobe_add_up_in_the_order_given() -> None:
    facts = read_texts([("a.conf", "blacklist radeon\n"), ("b.conf", MODPROBE)])

    assert isinstance(facts.modprobe, ModprobeConfig)
    assert [line.module for line in facts.modprobe.lines] == ["radeon", "vfio_pci", "nouveau", "nouveau"]


def test_what_initramfs_generators_are_told_is_kept_under_its_own_path() -> None:
    mkinitcpio = "# vim:set ft=sh\nMODULES=(vfio_pci vfio)\nHOOKS=(base udev modconf)\n"
    dracut = 'add_drivers+=" vfio vfio_virqfd "\n'

    facts = read(mkinitcpio)
    assert isinstance(facts.boot.initramfs, InitramfsGenerator)
    assert facts.boot.initramfs.name == "mkinitcpio"
    assert dict(facts.files)["etc/mkinitcpio.conf"].splitlines()[1] == "MODULES=(vfio_pci vfio)"
    facts = read(dracut, "10-vfio.conf")
    assert isinstance(facts.boot.initramfs, InitramfsGenerator)
    assert facts.boot.initramfs.name == "dracut"
    assert "etc/dracut.conf.d/10-vfio.conf" in dict(facts.files)


def test_a_list_of_modules_is_one_only_when_it_holds_nothing_else() -> None:
    listed = "# /etc/modules: kernel modules to load at boot time.\n\nvfio\nvfio_pci\nvfio_virqfd\n"

    assert dict(read(listed).files)["etc/modules"].endswith("vfio_virqfd\n")
    early = listed.replace("/etc/modules", "/etc/initramfs-tools/modules")
    assert "etc/initramfs-tools/modules" in dict(read(early).files)
    assert read(LISTING + "\nvfio\nvfio_pci\n").files == ()


def test_prose_about_modules_configures_nothing() -> None:
    facts = read(f"{LISTING}\nI put options for vfio-pci there and blacklist the other driver too.\n")

    assert isinstance(facts.modprobe, Unread)
    assert isinstance(facts.boot.configured, Unread)
