"""What a guest needs beside the card: memory, processors, network, a TPM, a driver that does not refuse."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.units import Gpu
from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.outcome import by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.checks.screens import for_each_wanted, is_laptop
from vfio_wizard.checks.stack import installed
from vfio_wizard.checks.ways import change_line, is_nixos
from vfio_wizard.model.facts import Core, HostFacts, HugePages
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciId
from vfio_wizard.model.unread import Unread

_NVIDIA = "10de"
_LEAST_MEMLOCK_KIB = 4 << 20
"""Less than this is less than any guest with a graphics card has."""
_MOST_SHARE = 0.9


def _guest_driver(case: Situation, gpu: Gpu) -> Outcome:
    function = case.functions[gpu.address]
    if not isinstance(function.id, PciId):
        return unknown(
            "which model it is, is not told",
            function.id,
            "see its id.",
            ("lspci", "-nn"),
            subject=gpu.address,
        )
    seen = (function.where("vendor"), str(function.id))
    if function.id.vendor != _NVIDIA:
        return passed("not an NVIDIA card: code 43 is NVIDIA's", seen, subject=gpu.address)
    laptop = is_laptop(case.facts)
    if gpu.external is not True and isinstance(laptop, Unread):
        how = "laptops have chassis type 8, 9, 10, 14, 31 or 32."
        command = ("cat", "/sys/class/dmi/id/chassis_type")
        return unknown("whether this is a laptop is not known", laptop, how, command, subject=gpu.address)
    if laptop is True and gpu.external is not True:
        return failed(
            "an NVIDIA card in a laptop: its Windows driver may stop with code 43",
            Fix(
                Who.USER,
                "Mobile drivers look for a battery and for the ROM of the laptop: give the guest an ACPI "
                "table with a battery, and the card's ROM from a file. Hiding KVM is needed for drivers "
                "before 465 only; since then NVIDIA allows guests.",
            ),
            seen,
            ("sys/class/dmi/id/chassis_type", "laptop"),
            subject=gpu.address,
        )
    words = "NVIDIA's drivers from 465 on run in guests; code 43 then means a wrong ROM or an unmapped window"
    return passed(words, seen, subject=gpu.address)


def _memlock(case: Situation) -> Iterator[Outcome]:
    virt = case.facts.virt
    limit = virt.memlock_kib
    if not isinstance(virt.user, Unread) and virt.user.is_root:
        yield skipped("root may lock all memory; look again as the user who will run the guest")
    elif isinstance(limit, Unread):
        yield unknown(
            "the limit for locked memory was not read",
            limit,
            "it must exceed the guest's memory.",
            ("ulimit", "-l"),
        )
    elif limit is None or limit >= _LEAST_MEMLOCK_KIB:
        words = "unlimited" if limit is None else f"{limit} KiB"
        yield passed("the user may lock as much memory as a guest has", ("proc/self/limits", words))
    elif isinstance(virt.libvirt, str):
        yield passed(
            "libvirt raises the limit for its guests",
            ("libvirt", virt.libvirt),
            ("proc/self/limits", f"{limit} KiB"),
        )
    elif isinstance(virt.libvirt, Unread):
        how = "plain QEMU needs more than the guest's memory; libvirt raises it by itself."
        yield unknown(
            f"the limit is {limit} KiB, and whether libvirt runs the guests is not known",
            virt.libvirt,
            how,
            ("ulimit", "-l"),
        )
    else:
        yield failed(
            f"the user may lock only {limit} KiB of memory",
            _raise_memlock(case.facts),
            ("proc/self/limits", f"{limit} KiB"),
        )


def _raise_memlock(facts: HostFacts) -> Fix:
    if is_nixos(facts):
        return by_user(
            "Start guests through libvirt, which raises it; for plain QEMU on NixOS set "
            'security.pam.loginLimits = [ { domain = "@kvm"; item = "memlock"; type = "-"; '
            'value = "unlimited"; } ];'
        )
    return by_user(
        "Start guests through libvirt, which raises it; for plain QEMU write '@kvm - memlock unlimited' into "
        "a file in /etc/security/limits.d and log in again."
    )


def _huge_pages(case: Situation) -> Iterator[Outcome]:
    line, pools = case.facts.kernel.cmdline, case.facts.memory.huge_pages
    if isinstance(line, Unread) or isinstance(pools, Unread):
        how = "compare hugepages= on the command line with nr_hugepages."
        command = ("sh", "-c", "grep . /sys/kernel/mm/hugepages/*/nr_hugepages; cat /proc/cmdline")
        yield unknown("huge pages were not read", first_gap(line, pools), how, command)
        return
    asked = asked_pages(line)
    short = tuple(
        (size, count, _total(pools, size)) for size, count in asked.items() if _total(pools, size) < count
    )
    total = case.facts.memory.total_kib
    taken = sum(pool.size_kib * pool.total for pool in pools)
    if short:
        names = ", ".join(f"{got} of {count} pages of {size} KiB" for size, count, got in short)
        yield failed(
            f"the kernel found room for only {names}",
            change_line(
                case.facts,
                "Ask for fewer, or for smaller pages: pages of 1 GiB must be free in one piece at boot.",
            ),
            *(
                (f"sys/kernel/mm/hugepages/hugepages-{size}kB/nr_hugepages", str(got))
                for size, _, got in short
            ),
        )
    elif not isinstance(total, Unread) and taken > total * _MOST_SHARE:
        yield failed(
            f"huge pages take {taken >> 10} of {total >> 10} MiB: the host is left with almost nothing",
            change_line(case.facts, "Ask for no more pages than the guest has memory."),
            ("sys/kernel/mm/hugepages", f"{taken} KiB"),
        )
    else:
        words = "none asked for; ordinary memory serves" if not asked else "all that were asked for are there"
        yield passed(
            f"huge pages: {words}",
            (case.facts.kernel.cmdline_origin, "no hugepages=" if not asked else "hugepages="),
        )


def asked_pages(line: Kargs) -> dict[int, int]:
    """Pages asked for by size in KiB: each ``hugepages=`` counts for the ``hugepagesz=`` before it."""
    size, asked = 2048, dict[int, int]()
    for word in line.kernel_words:
        name, _, value = word.partition("=")
        if name == "hugepagesz":
            size = _kib(value) or size
        elif name == "hugepages" and value.isascii() and value.isdigit() and len(value) < 10:
            asked[size] = int(value)
    return asked


def _kib(value: str) -> int | None:
    number, unit = value[:-1], value[-1:].upper()
    if not (number.isascii() and number.isdigit()) or len(number) > 6:
        return None
    return int(number) * {"K": 1, "M": 1 << 10, "G": 1 << 20}.get(unit, 0) or None


def _total(pools: tuple[HugePages, ...], size: int) -> int:
    return next((pool.total for pool in pools if pool.size_kib == size), 0)


def _topology(case: Situation) -> Iterator[Outcome]:
    cpu = case.facts.cpu
    if isinstance(cpu.cores, Unread):
        yield unknown(
            "the processor's caches were not read",
            cpu.cores,
            "see the L3 column.",
            ("lscpu", "--all", "--extended"),
        )
        return
    if not cpu.cores or any(one.l3 is None for one in cpu.cores):
        how = "CPUs with the same L3 belong together."
        yield unknown(
            "which CPUs share a level-3 cache is not told", None, how, ("lscpu", "--all", "--extended")
        )
        return
    islands = _islands(cpu.cores)
    isolated = () if isinstance(cpu.isolated, Unread) else cpu.isolated
    if len(islands) == 1:
        yield passed(
            "all CPUs are alike and share one cache", ("sys/devices/system/cpu", cpu_words(islands[0][1]))
        )
    elif isolated and any(set(isolated) <= set(cpus) for _, cpus in islands):
        yield passed(
            "the isolated CPUs are alike and share one cache",
            ("sys/devices/system/cpu/isolated", cpu_words(isolated)),
        )
    else:
        kinds = ", ".join(f"{cpu_words(cpus)}{f' ({kind})' if kind else ''}" for kind, cpus in islands)
        yield failed(
            f"CPUs are not all alike: {kinds}",
            by_user(
                "Pin the guest's CPUs within one of these sets, whole cores with both threads, and leave the "
                "host at least two cores of another."
            ),
            ("sys/devices/system/cpu", kinds),
        )


def _islands(cores: tuple[Core, ...]) -> tuple[tuple[str | None, tuple[int, ...]], ...]:
    """Sets of CPUs of one kind below one level-3 cache, by their first CPU."""
    found: dict[tuple[str | None, tuple[int, ...]], list[int]] = {}
    for one in cores:
        found.setdefault((one.kind, one.l3 or ()), []).append(one.cpu)
    return tuple(
        sorted(((kind, tuple(sorted(cpus))) for (kind, _), cpus in found.items()), key=lambda pair: pair[1])
    )


def cpu_words(cpus: tuple[int, ...]) -> str:
    """``0-3,8-11``"""
    parts: list[str] = []
    start = last = -2
    for cpu in (*sorted(cpus), -2):
        if cpu != last + 1:
            if last >= 0:
                parts.append(str(start) if start == last else f"{start}-{last}")
            start = cpu
        last = cpu
    return ",".join(parts)


def _network(case: Situation) -> Iterator[Outcome]:
    links, libvirt = case.facts.network, case.facts.virt.libvirt
    if libvirt is None:
        yield skipped("libvirt is not installed: see libvirt.installed")
    elif isinstance(links, Unread):
        yield unknown(
            "the network interfaces were not read",
            links,
            "default must be active.",
            ("virsh", "-c", "qemu:///system", "net-list", "--all"),
        )
    elif bridge := next(
        (one for one in links if one.kind == "virtual" and one.name.startswith(("virbr", "br"))), None
    ):
        yield passed(
            f"a bridge for guests is there: {bridge.name}", (f"sys/class/net/{bridge.name}", "virtual")
        )
    elif isinstance(libvirt, Unread):
        yield unknown(
            "whether libvirt is installed is not known",
            libvirt,
            "default must be active.",
            ("virsh", "-c", "qemu:///system", "net-list", "--all"),
        )
    else:
        yield failed(
            "libvirt's default network is not running, and there is no bridge",
            by_user(
                "Start the network, or give the guest a bridge of the host's. A macvtap (direct) connection "
                "works without either, but guest and host do not see each other then.",
                ("sudo", "virsh", "net-autostart", "default"),
                ("sudo", "virsh", "net-start", "default"),
            ),
            ("sys/class/net", "no virbr or br interface"),
        )


def _swtpm(case: Situation) -> Iterator[Outcome]:
    yield installed(case.facts, "swtpm", case.facts.virt.swtpm, "swtpm", ("swtpm", "--version"))


GUEST_DRIVER = Check(
    id="gpu.guest-driver",
    title="No known cause of code 43",
    severity=Severity.NOTE,
    claim="Nothing about the card is known to make the guest's driver stop with code 43.",
    fails_when="It is an NVIDIA card of a laptop.",
    why=(
        "NVIDIA's Windows driver refused guests until 465. Later it does so for other reasons: no battery in "
        "a laptop's guest, a wrong ROM, windows that were not mapped."
    ),
    run=lambda case: for_each_wanted(case, _guest_driver),
    references=("pop-os/nvidia-graphics-drivers#93", "T-vK/MobilePassThrough#25"),
    verify="Afterwards the guest's device manager shows the card without code 43.",
)

MEMLOCK = Check(
    id="user.memlock",
    title="Locked memory",
    severity=Severity.WARNING,
    claim="The user may lock as much memory as a guest has, or libvirt sees to it.",
    fails_when="The limit is low and libvirt is not installed.",
    why="VFIO pins all of the guest's memory. QEMU started by hand fails to map it when the limit is lower.",
    run=_memlock,
    references=("linux 6.12: drivers/vfio/vfio_iommu_type1.c", "seapath/ansible#166"),
    verify="Afterwards ulimit -l prints unlimited, or more KiB than the guest has memory.",
)

HUGE_PAGES = Check(
    id="memory.huge-pages",
    title="Huge pages as asked for",
    severity=Severity.WARNING,
    claim="The huge pages that the command line asks for are there, and the host keeps enough memory.",
    fails_when="The kernel found fewer, or they take nearly all memory.",
    why="A guest that is backed by huge pages does not start when there are too few.",
    run=_huge_pages,
    references=("linux 6.12: Documentation/admin-guide/kernel-parameters.txt hugepages",),
    verify="Afterwards grep . /sys/kernel/mm/hugepages/*/nr_hugepages shows the number that was asked for.",
)

TOPOLOGY = Check(
    id="cpu.topology",
    title="CPUs to pin",
    severity=Severity.NOTE,
    claim="All CPUs, or all isolated ones, are alike and share one level-3 cache.",
    fails_when="There are several level-3 caches, or performance and efficiency cores; they are listed.",
    why="A guest whose CPUs are spread over caches or over kinds of core stutters.",
    run=_topology,
    references=("linux 6.12: Documentation/ABI/stable/sysfs-devices-system-cpu", "spheenik/vfio-isolate#14"),
    verify="virsh vcpupin of the guest shows only CPUs of one set.",
)

NETWORK = Check(
    id="libvirt.network",
    title="A network for guests",
    severity=Severity.NOTE,
    claim="libvirt's default network or a bridge of the host is up.",
    fails_when="libvirt is installed, and there is neither.",
    why="A guest that is set to the default network does not start while that network is down.",
    run=_network,
    references=("libvirt: formatnetwork",),
    verify="Afterwards virsh net-list shows default as active.",
)

SWTPM = Check(
    id="swtpm.installed",
    title="A TPM for guests",
    severity=Severity.NOTE,
    claim="swtpm is installed.",
    fails_when="It was looked for and not found.",
    why="Windows 11 wants a TPM 2.0; swtpm gives guests one of their own.",
    run=_swtpm,
    references=("libvirt: formatdomain, TPM device",),
    verify="Afterwards swtpm --version prints a version.",
)
