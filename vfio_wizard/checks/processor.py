"""The processor and KVM: can this host run a guest at full speed at all?"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.host import config, cpu_vendor, firmware_words, is_guest, is_x86, log_lines
from vfio_wizard.checks.outcome import by_firmware, by_user, failed, passed, skipped, unknown
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.unread import Unread

_FLAGS = {"svm": "SVM", "vmx": "VMX"}
_DISABLED = ("disabled by bios", "svm disabled (by bios)")
_KVM_MODULE = {"amd": ("kvm_amd", "KVM_AMD"), "intel": ("kvm_intel", "KVM_INTEL")}


def _virtualization(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    flags = facts.cpu.flags
    if is_x86(facts) is False:
        yield skipped("not an x86 processor: VMX and SVM do not exist here")
    elif isinstance(flags, Unread):
        yield unknown(
            "the processor's flags were not read",
            flags,
            "look for svm or vmx in /proc/cpuinfo.",
            ("grep", "-m1", "-woE", "svm|vmx", "/proc/cpuinfo"),
        )
    elif refused := log_lines(facts, *_DISABLED):
        yield failed(
            "the firmware has switched hardware virtualisation off",
            by_firmware(f"In the firmware setup enable {firmware_words(facts, 'cpu')}."),
            ("kernel log", refused[0]),
        )
    elif found := next((word for word in _FLAGS if word in flags), None):
        yield passed(f"the kernel offers {_FLAGS[found]}", (facts.cpu.origin, f"flag {found}"))
    else:
        yield _no_flag(facts)


def _no_flag(facts: HostFacts) -> Outcome:
    seen = (facts.cpu.origin, "neither svm nor vmx among the flags")
    if is_guest(facts):
        fix = by_user("This is a guest: on its host, let the guest see the processor (host-passthrough).")
        return failed("the hypervisor does not hand hardware virtualisation on", fix, seen)
    option = _KVM_MODULE.get(cpu_vendor(facts), ("", ""))[1]
    if option and config(facts, option) == "n":
        fix = Fix(Who.VENDOR, f"Boot a kernel that has CONFIG_{option}; this one clears the flag without it.")
        return failed("this kernel is built without KVM", fix, seen, (f"CONFIG_{option}", "n"))
    family = facts.cpu.family
    if cpu_vendor(facts) == "amd" and isinstance(family, tuple) and family[0] >= 0x17:
        text = f"Every processor of this family has SVM. In the firmware setup enable {_cpu_words(facts)}."
        seen_family = (facts.cpu.origin, f"AMD family {family[0]:#x}")
        return failed(
            "hardware virtualisation is switched off in firmware", by_firmware(text), seen, seen_family
        )
    text = (
        f"In the firmware setup enable {_cpu_words(facts)}. If there is no such switch, the processor "
        "may lack the feature: its data sheet says so. On current kernels a missing flag most often "
        "means that the firmware has it off."
    )
    return failed(
        "the kernel offers neither SVM nor VMX: off in firmware, or not in the processor",
        by_firmware(text),
        seen,
    )


def _cpu_words(facts: HostFacts) -> str:
    return firmware_words(facts, "cpu")


def _kvm(case: Situation) -> Iterator[Outcome]:
    node = case.facts.virt.kvm
    if isinstance(node, Unread):
        yield unknown("/dev/kvm was not looked at", node, "ls -l /dev/kvm.", ("ls", "-l", "/dev/kvm"))
    elif node is None:
        yield _no_kvm(case.facts)
    elif node.kind != "char":
        yield failed(
            f"/dev/kvm is a {node.kind}, not the kernel's device",
            by_user(
                "Something created it before the module was loaded: remove it and load KVM again.",
                ("sudo", "rm", "/dev/kvm"),
                ("sudo", "modprobe", _module(case.facts)),
            ),
            (node.path, node.kind),
        )
    else:
        yield passed("/dev/kvm is there", (node.path, f"character device, mode {node.mode & 0o777:04o}"))


def _no_kvm(facts: HostFacts) -> Outcome:
    flags = facts.cpu.flags
    seen = ("dev/kvm", "absent")
    if not isinstance(flags, Unread) and not any(word in flags for word in _FLAGS) and is_x86(facts):
        who = by_user if is_guest(facts) else by_firmware
        fix = who("Hardware virtualisation comes first: see cpu.virtualization. Then /dev/kvm appears.")
        return failed("there is no /dev/kvm, since hardware virtualisation is off", fix, seen)
    module = _module(facts)
    fix = by_user(
        f"Load the module {module}; the kernel log says why if it refuses.", ("sudo", "modprobe", module)
    )
    return failed("there is no /dev/kvm: the KVM module is not loaded", fix, seen)


def _module(facts: HostFacts) -> str:
    return _KVM_MODULE.get(cpu_vendor(facts), ("kvm", ""))[0]


def _bare_metal(case: Situation) -> Iterator[Outcome]:
    kernel = case.facts.kernel
    if isinstance(kernel.hypervisor, Unread):
        yield unknown(
            "whether this is a guest itself is not known",
            kernel.hypervisor,
            "systemd-detect-virt prints none on bare metal.",
            ("systemd-detect-virt",),
        )
    elif kernel.hypervisor is None:
        yield passed("this is not a guest", ("hypervisor", "none"))
    else:
        yield failed(
            "this machine is itself a guest"
            + (f" under {kernel.hypervisor}" if kernel.hypervisor != "unknown" else ""),
            by_user(
                "Check the machine that owns the graphics card. To pass a card on from here, the outer "
                "hypervisor must hand it in and offer a virtual IOMMU and nested virtualisation."
            ),
            ("hypervisor", kernel.hypervisor),
        )


VIRTUALIZATION = Check(
    id="cpu.virtualization",
    title="Hardware virtualisation",
    severity=Severity.BLOCKER,
    claim="The running kernel offers SVM (AMD) or VMX (Intel).",
    fails_when="Neither flag is there, or the kernel log says that the firmware has switched it off.",
    why=(
        "Without it KVM does not work and a guest runs in emulation, far too slow for graphics. Current "
        "kernels clear the flag when the firmware has the feature off, so a missing flag does not mean "
        "an old processor. Older kernels on AMD keep it; then the kernel log and kvm.available tell."
    ),
    run=_virtualization,
    references=("linux 6.12: arch/x86/kernel/cpu/feat_ctl.c, arch/x86/kernel/cpu/amd.c",),
    verify='Afterwards grep -cE "svm|vmx" /proc/cpuinfo prints a number above 0.',
)

KVM = Check(
    id="kvm.available",
    title="KVM",
    severity=Severity.BLOCKER,
    claim="/dev/kvm is the kernel's character device.",
    fails_when="It does not exist, or something else has its name.",
    why="QEMU needs /dev/kvm to run a guest on the processor itself.",
    run=_kvm,
    references=("linux: Documentation/virt/kvm/api.rst",),
    verify="Afterwards ls -l /dev/kvm shows a line that begins with c.",
)

BARE_METAL = Check(
    id="host.bare-metal",
    title="The real machine",
    severity=Severity.WARNING,
    claim="The program looks at a machine that is not itself a guest.",
    fails_when="A hypervisor is below it.",
    why=(
        "Groups, resets and displays of a guest are those that its hypervisor shows. A card can only be "
        "passed on if the outer hypervisor passes it in first."
    ),
    run=_bare_metal,
    references=("linux: /sys/hypervisor, the cpuinfo flag hypervisor",),
    verify="Afterwards systemd-detect-virt prints none.",
)
