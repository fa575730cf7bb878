"""vfio-pci: is it there for each kernel, does it have the selected card, and is VFIO left safe?"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.units import Gpu, gpu_of
from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.gpus import is_vfio, members
from vfio_wizard.checks.host import config
from vfio_wizard.checks.outcome import by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.knowledge.parameters import UNSAFE
from vfio_wizard.model.facts import HostFacts, InstalledKernel
from vfio_wizard.model.finding import Evidence, Fix, Outcome, Severity, Status, Who
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread

_YES = ("1", "y", "Y", "")


def _available(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    running = _running(facts)
    if running is not None:
        yield running
    kernels = () if isinstance(facts.kernels, Unread) else facts.kernels
    for kernel in kernels:
        if not (kernel.running and running is not None):
            yield _of_kernel(kernel)
    if running is None and not any(kernel.running for kernel in kernels):
        yield unknown(
            "whether this kernel has vfio-pci is not known",
            first_gap(facts.kernels, facts.kernel.loaded, facts.kernel.config),
            "it must print the module's file or (builtin).",
            ("modinfo", "-n", "vfio-pci"),
        )


def _running(facts: HostFacts) -> Outcome | None:
    """What the running kernel shows by itself: loaded, built in, or left out of its configuration."""
    kernel = facts.kernel
    subject = None if isinstance(kernel.release, Unread) else kernel.release
    if not isinstance(kernel.loaded, Unread) and "vfio_pci" in kernel.loaded:
        return passed("vfio-pci is loaded", ("proc/modules", "vfio_pci"), subject=subject)
    if not isinstance(kernel.builtin, Unread) and "vfio_pci" in kernel.builtin:
        return passed("vfio-pci is built into this kernel", ("modules.builtin", "vfio_pci"), subject=subject)
    if config(facts, "VFIO_PCI") == "n":
        fix = Fix(Who.VENDOR, "Boot a kernel with CONFIG_VFIO_PCI=m; the usual distribution kernels have it.")
        return failed("this kernel is built without vfio-pci", fix, ("CONFIG_VFIO_PCI", "n"), subject=subject)
    return None


def _of_kernel(kernel: InstalledKernel) -> Outcome:
    where = f"lib/modules/{kernel.release}"
    severity = None if kernel.running else Severity.WARNING
    if isinstance(kernel.has_vfio_pci, Unread):
        return unknown(
            "whether it has vfio-pci is not known",
            kernel.has_vfio_pci,
            "it must print a file or (builtin).",
            ("modinfo", "-k", kernel.release, "-n", "vfio-pci"),
            subject=kernel.release,
            severity=severity,
        )
    if kernel.has_vfio_pci:
        return passed("has vfio-pci", (where, "vfio-pci"), subject=kernel.release)
    fix = by_user(
        "Install the rest of this kernel's modules (some distributions split them off, such as "
        "linux-modules-extra), or boot another kernel."
    )
    return failed("has no vfio-pci", fix, (where, "no vfio-pci"), subject=kernel.release, severity=severity)


def _bound(case: Situation) -> Iterator[Outcome]:
    if not case.selection:
        yield skipped("no card is selected: name one with --gpu ADDRESS")
        return
    if isinstance(case.cards, Unread):
        yield unknown("no functions were read", case.cards, "see Kernel driver in use.", ("lspci", "-nnk"))
        return
    seen: set[PciAddress] = set()
    for address in case.selection:
        gpu = gpu_of(case.cards, address)
        subject = gpu.address if gpu is not None else address
        if subject not in seen:
            seen.add(subject)
            yield _bound_gpu(case, gpu) if gpu is not None else _bound_other(case, address)


def _bound_gpu(case: Situation, gpu: Gpu) -> Outcome:
    return _bound_functions(case, gpu.address, tuple(one.address for one in members(case, gpu)))


def _bound_other(case: Situation, address: PciAddress) -> Outcome:
    if address not in case.functions:
        return unknown(
            "no such device was read", None, "check its address.", ("lspci", "-D"), subject=address
        )
    outcome = _bound_functions(case, address, (address,))
    kind = case.functions[address].cls
    if outcome.status is Status.PASS and isinstance(kind, Unread):
        how = "a graphics card must be there with all its functions."
        return unknown("what this device is, is not told", kind, how, ("lspci", "-nn"), subject=address)
    return outcome


def _bound_functions(case: Situation, subject: PciAddress, own: tuple[PciAddress, ...]) -> Outcome:
    functions = tuple(case.functions[one] for one in own)
    gap = first_gap(*(one.driver for one in functions))
    drivers = tuple((one, one.driver) for one in functions if not isinstance(one.driver, Unread))
    missing = tuple((one, driver) for one, driver in drivers if driver is None or not is_vfio(driver))
    if missing:
        names = ", ".join(f"{one.address} by {driver or 'no driver'}" for one, driver in missing)
        return failed(
            f"not on vfio-pci: {names}",
            by_user(
                "vfio-wizard plan shows what puts it there at the next boot.",
                ("vfio-wizard", "plan", "--gpu", str(subject)),
            ),
            *((one.where("driver"), driver or "none") for one, driver in missing),
            subject=subject,
        )
    if gap is not None:
        how = "each function needs Kernel driver in use: vfio-pci."
        return unknown("its drivers are not told", gap, how, ("lspci", "-nnk"), subject=subject)
    return passed(
        f"all {len(own)} functions are on vfio-pci" if len(own) > 1 else "on vfio-pci",
        *((one.where("driver"), str(driver)) for one, driver in drivers),
        subject=subject,
    )


def _unsafe(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    found = (*_unsafe_on_line(facts), *_unsafe_in_modprobe(facts))
    if found:
        words = ", ".join(sorted({evidence.value for evidence, _ in found}))
        reasons = "; ".join(sorted({why for _, why in found}))
        yield failed(
            f"protection is switched off: {words}",
            by_user(f"Remove them unless nothing else works and every guest is trusted: {reasons}."),
            *((evidence.source, evidence.value) for evidence, _ in found),
        )
        return
    gap = first_gap(facts.kernel.cmdline, facts.modprobe_gap)
    if gap is not None:
        yield unknown(
            "not every place of module options was read",
            gap,
            "look for unsafe options.",
            ("sh", "-c", "grep -rE 'unsafe|disable_acs' /proc/cmdline /etc/modprobe.d"),
        )
        return
    yield passed(
        "no option takes VFIO's protection away",
        (facts.kernel.cmdline_origin, "no unsafe option"),
        ("modprobe.d", "no unsafe option"),
    )


_Found = tuple[Evidence, str]


def _unsafe_on_line(facts: HostFacts) -> Iterator[_Found]:
    """On the running line, and on the stored one, which the next boot gets."""
    running, stored = (facts.kernel.cmdline_origin, facts.kernel.cmdline), _stored(facts)
    for origin, line in (running, stored):
        if isinstance(line, Unread):
            continue
        for name, start, why, _ in UNSAFE:
            for value in line.values(name):
                if value.startswith(start) or (start == "1" and value in _YES):
                    yield Evidence(origin, f"{name}={value}"), why


def _stored(facts: HostFacts) -> tuple[str, Kargs | Unread]:
    return facts.boot.configured_origin, facts.boot.configured


def _unsafe_in_modprobe(facts: HostFacts) -> Iterator[_Found]:
    if isinstance(facts.modprobe, Unread):
        return
    for name, _, why, _ in UNSAFE:
        module, _, option = name.partition(".")
        for one in facts.modprobe.options(module) if option else ():
            if any(value in _YES for value in Kargs.parse(one.rest).values(option)):
                yield Evidence(one.origin, f"{name}=1"), why


AVAILABLE = Check(
    id="vfio.available",
    title="vfio-pci for every kernel",
    severity=Severity.BLOCKER,
    claim="The kernel has vfio-pci, as a module or built in. Other kernels than the running one weigh less.",
    fails_when="The module is not among the kernel's modules, or the kernel is built without it.",
    why="vfio-pci is the driver that holds the card for the guest.",
    run=_available,
    references=("linux: Documentation/driver-api/vfio.rst",),
    verify="Afterwards modinfo -n vfio-pci prints a file or (builtin).",
)

BOUND = Check(
    id="vfio.bound",
    title="Selected cards on vfio-pci",
    severity=Severity.WARNING,
    claim="All functions of the selected card are on vfio-pci.",
    fails_when="Another driver, or none, has one of them; it is named.",
    why=(
        "A card that another driver holds has to be taken from it when the guest starts, which can hang the "
        "host. Bound at boot, it is free from the beginning."
    ),
    run=_bound,
    references=("linux: Documentation/driver-api/vfio.rst",),
    verify="After the reboot lspci -nnk shows vfio-pci in use for every function.",
)

UNSAFE_OPTIONS = Check(
    id="vfio.unsafe-options",
    title="VFIO left safe",
    severity=Severity.WARNING,
    claim="No kernel parameter and no module option takes VFIO's protection away.",
    fails_when="allow_unsafe_interrupts, enable_unsafe_noiommu_mode or pci=disable_acs_redir is set.",
    why="Each of them removes a part of what keeps a guest away from the host's memory.",
    run=_unsafe,
    references=tuple(sorted({source for _, _, _, source in UNSAFE})),
    verify="After the reboot cat /proc/cmdline shows none of them.",
)
