from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probe.boot_trees import Tree
from vfio_wizard.knowledge.log import LOG
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.unread import Gap, Unread, known
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.kernel import (
    CONFIG_OPTIONS,
    LOG_WORDS,
    kernel_config,
    module_name,
    read_kernel,
    relevant_lines,
)
from vfio_wizard.system.host import Command, RootHost

RELEASE = "6.12.9-amd64"
CONFIG = """\
CONFIG_CC_VERSION_TEXT="gcc"
CONFIG_X86_64=y
CONFIG_VFIO=m
# CONFIG_IOMMUFD is not set
CONFIG_VFIO_PCI=m
CONFIG_VFIO_PCI_CORE=m
CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y
CONFIG_DRM_AMDGPU_SI=y
CONFIG_NOT_OF_INTEREST=y
"""


def machine(tmp_path: Path) -> Tree:
    return Tree(tmp_path).running("root=/dev/sda1 ro iommu=pt", RELEASE)


def test_the_running_kernel_is_read_from_proc(tmp_path: Path) -> None:
    tree = machine(tmp_path).put("proc/version", f"Linux version {RELEASE} (x@y) #1\n")
    tree.put("proc/modules", "vfio_pci 16384 0 - Live 0x0\nsnd_hda_intel 1 0\n").put(
        "proc/sys/kernel/arch", "x86_64\n"
    )
    found = read_kernel(tree.host)
    assert found.release == RELEASE
    assert found.cmdline == Kargs.parse("root=/dev/sda1 ro iommu=pt")
    assert found.loaded == {"vfio_pci", "snd_hda_intel"}
    assert found.architecture == "x86_64"


def test_options_that_matter_are_kept_and_those_not_set_are_n(tmp_path: Path) -> None:
    found = read_kernel(machine(tmp_path).put(f"boot/config-{RELEASE}", CONFIG).host).config
    assert isinstance(found, dict)
    assert (found["VFIO"], found["VFIO_PCI"], found["IOMMUFD"]) == ("m", "m", "n")
    assert found["INTEL_IOMMU_DEFAULT_ON"] == "n"
    assert found["INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF"] == "y"
    assert set(found) == set(CONFIG_OPTIONS)


def test_the_configuration_beside_the_modules_will_do(tmp_path: Path) -> None:
    found = read_kernel(machine(tmp_path).put(f"usr/lib/modules/{RELEASE}/config", CONFIG).host).config
    assert isinstance(found, dict)
    assert found["VFIO"] == "m"


def test_config_gz_is_of_the_running_kernel_only(tmp_path: Path) -> None:
    host = machine(tmp_path).put("proc/config.gz", gzip.compress(CONFIG.encode())).host
    assert isinstance(kernel_config(host, RELEASE), dict)
    assert isinstance(kernel_config(host, RELEASE, running=False), Unread)


@pytest.mark.parametrize(
    "junk", [b"", b"\0" * 99, b"not gzip", gzip.compress(b"\0" * 9_000_000), gzip.compress(b"x")[:-9]]
)
def test_a_broken_or_swollen_config_gz_is_no_configuration(junk: bytes, tmp_path: Path) -> None:
    assert isinstance(kernel_config(machine(tmp_path).put("proc/config.gz", junk).host, RELEASE), Unread)


def test_a_file_without_any_option_is_malformed_and_not_all_off(tmp_path: Path) -> None:
    found = read_kernel(machine(tmp_path).put(f"boot/config-{RELEASE}", "hello\n").host).config
    assert isinstance(found, Unread)
    assert found.gap is Gap.MALFORMED


def test_architecture_of_an_older_kernel_comes_from_its_configuration(tmp_path: Path) -> None:
    tree = machine(tmp_path)
    assert isinstance(read_kernel(tree.host).architecture, Unread)
    assert read_kernel(tree.put(f"boot/config-{RELEASE}", CONFIG).host).architecture == "x86_64"


def test_built_in_modules_are_those_of_the_folders_that_matter(tmp_path: Path) -> None:
    text = (
        "kernel/drivers/vfio/pci/vfio-pci.ko\nkernel/fs/ext4/ext4.ko\nkernel/drivers/usb/host/xhci-pci.ko\n"
    )
    found = read_kernel(machine(tmp_path).put(f"lib/modules/{RELEASE}/modules.builtin", text).host).builtin
    assert found == {"vfio_pci", "xhci_pci"}


def test_nixos_keeps_its_modules_elsewhere(tmp_path: Path) -> None:
    path = f"run/booted-system/kernel-modules/lib/modules/{RELEASE}/modules.builtin"
    found = read_kernel(machine(tmp_path).put(path, "kernel/drivers/vfio/vfio.ko\n").host).builtin
    assert found == {"vfio"}


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst", ".gz"])
def test_module_names_lose_folder_and_packing(suffix: str) -> None:
    assert module_name(f"kernel/drivers/vfio/pci/vfio-pci.ko{suffix}") == "vfio_pci"


def test_a_kernel_without_module_support_has_loaded_none(tmp_path: Path) -> None:
    assert read_kernel(machine(tmp_path).host).loaded == frozenset()


def test_a_mounted_disk_tells_nothing_of_a_running_kernel(tmp_path: Path) -> None:
    found = read_kernel(Tree(tmp_path).folder("proc").folder("sys").folder("etc").host)
    for fact in (
        found.release,
        found.version,
        found.cmdline,
        found.loaded,
        found.config,
        found.builtin,
        found.hypervisor,
    ):
        assert isinstance(fact, Unread)
        assert fact.gap is Gap.UNTOLD, fact


def flags(tree: Tree, words: str) -> Tree:
    return tree.put("proc/cpuinfo", f"processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: {words}\n\n" * 64)


def test_bare_metal_is_proven_by_flags_without_hypervisor(tmp_path: Path) -> None:
    assert read_kernel(flags(machine(tmp_path), "fpu svm lm").host).hypervisor is None


def test_no_flags_prove_nothing(tmp_path: Path) -> None:
    tree = machine(tmp_path).put("proc/cpuinfo", "processor: 0\nFeatures: fp asimd\n")
    assert isinstance(read_kernel(tree.host).hypervisor, Unread)


@pytest.mark.parametrize(
    ("vendor", "product", "expected"),
    [
        ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "qemu"),
        ("VMware, Inc.", "VMware7,1", "vmware"),
        ("innotek GmbH", "VirtualBox", "virtualbox"),
        ("Microsoft Corporation", "Virtual Machine", "hyper-v"),
        ("Amazon EC2", "c5.large", "amazon-ec2"),
        ("Google", "Google Compute Engine", "google-compute-engine"),
        ("Xen", "HVM domU", "xen"),
    ],
)
def test_a_guest_is_named_by_its_dmi_words(vendor: str, product: str, expected: str, tmp_path: Path) -> None:
    tree = flags(machine(tmp_path), "fpu hypervisor")
    tree.put("sys/class/dmi/id/sys_vendor", vendor + "\n").put(
        "sys/class/dmi/id/product_name", product + "\n"
    )
    assert read_kernel(tree.host).hypervisor == expected


def test_a_microsoft_laptop_is_no_guest(tmp_path: Path) -> None:
    tree = flags(machine(tmp_path), "fpu vmx")
    tree.put("sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n").put(
        "sys/class/dmi/id/product_name", "Surface Book\n"
    )
    assert read_kernel(tree.host).hypervisor is None


def test_a_hypervisor_without_a_name_is_still_one(tmp_path: Path) -> None:
    assert read_kernel(flags(machine(tmp_path), "fpu hypervisor lm").host).hypervisor == "unknown"


def test_xen_says_so_itself(tmp_path: Path) -> None:
    assert read_kernel(machine(tmp_path).put("sys/hypervisor/type", "xen\n").host).hypervisor == "xen"


class Speaking(RootHost):
    """A tree that answers one command and refuses the other."""

    answers: dict[str, str] = {}  # noqa: RUF012 - replaced as a whole in each test
    asked: tuple[str, ...] = ()

    def run(self, command: Command) -> str | Unread:
        self.asked += (command.argv[0],)
        told = self.answers.get(command.argv[0])
        return Unread(command.argv[0], Gap.DENIED, "run as root") if told is None else told


KMSG = """\
5,0,0,-;Linux version 6.12.9 (gcc) #1 SMP
6,80,412345,-;AMD-Vi: Interrupt remapping enabled
6,90,512345,-;usb 1-1: new device
"""


def test_the_log_of_the_kernel_itself_needs_no_program(tmp_path: Path) -> None:
    machine(tmp_path).put("dev/kmsg", KMSG)
    host = Speaking(str(tmp_path))
    found = read_kernel(host, commands=True)
    assert found.log == ("AMD-Vi: Interrupt remapping enabled",)
    assert found.log_gap is None
    assert host.asked == ()


def test_a_log_whose_beginning_was_overwritten_may_have_said_more(tmp_path: Path) -> None:
    host = machine(tmp_path).put("dev/kmsg", KMSG.partition("\n")[2]).host
    found = read_kernel(host)
    assert found.log == ("AMD-Vi: Interrupt remapping enabled",)
    assert isinstance(found.log_gap, Unread)


def test_programs_tell_the_log_on_request_only(tmp_path: Path) -> None:
    machine(tmp_path)
    host = Speaking(str(tmp_path))
    assert isinstance(read_kernel(host).log, Unread)
    assert not host.asked
    host.answers = {"journalctl": "[    1.5] pc kernel: DMAR: IOMMU enabled\n[ 2.0] pc kernel: usb 1-1: new"}
    assert read_kernel(host, commands=True).log == ("DMAR: IOMMU enabled",)
    assert host.asked == ("dmesg", "journalctl")


def test_a_closed_log_is_denied(tmp_path: Path) -> None:
    machine(tmp_path)
    found = read_kernel(Speaking(str(tmp_path)), commands=True).log
    assert isinstance(found, Unread)
    assert found.gap is Gap.DENIED


def test_every_known_line_is_kept() -> None:
    lost = [row for row in LOG if not any(word in part for part in row.holds for word in LOG_WORDS)]
    assert lost == []


def test_lines_for_the_users_own_entries_are_kept(tmp_path: Path) -> None:
    own = '[[log]]\nholds = ["ACME", "card on fire"]\nweight = "warning"\nwho = "user"\n'
    own += 'says = "it burns"\ndo = "Water."\nsource = "seen"\n'
    tree = machine(tmp_path).put("etc/vfio-wizard/quirks.d/acme.toml", own)
    host = tree.put("dev/kmsg", KMSG + "4,91,612345,-;ACME: card on fire\n").host
    assert "ACME: card on fire" in known(gather(host, holders=False).kernel.log, ())


@pytest.mark.parametrize(
    "line",
    [
        "AMD-Vi: Unknown option - 'on'",
        "[    0.123456] AMD-Vi: Unknown option - 'on'",
        "<6>[    0.123456][    T1] AMD-Vi: Unknown option - 'on'",
        "[Mon Nov 23 03:51:08 2026] AMD-Vi: Unknown option - 'on'",
        "[    0.5] host kernel: AMD-Vi: Unknown option - 'on'",
        "6,339,5140900,-;AMD-Vi: Unknown option - 'on'",
    ],
)
def test_times_and_priorities_are_taken_off(line: str) -> None:
    assert relevant_lines(line) == ("AMD-Vi: Unknown option - 'on'",)


def test_lines_that_do_not_matter_are_dropped() -> None:
    log = "usb 1-1: new device\nvfio-pci 0000:0b:00.0: BAR 0: can't reserve [mem 0xd0000000]\n"
    log += "[drm] none\nkvm: disabled by BIOS"
    assert relevant_lines(log) == (
        "vfio-pci 0000:0b:00.0: BAR 0: can't reserve [mem 0xd0000000]",
        "kvm: disabled by BIOS",
    )


@given(st.text())
def test_any_log_is_read(text: str) -> None:
    assert len(relevant_lines(text)) <= len(text.splitlines())
