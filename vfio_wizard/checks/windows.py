"""Memory windows: will the guest find room for the card, and does the IOMMU reach that far?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vfio_wizard.cards.dump import dump_refusal
from vfio_wizard.cards.units import DISCRETE, Gpu
from vfio_wizard.checks.check import Check, Situation, wanted_among
from vfio_wizard.checks.gpus import for_each_candidate, members
from vfio_wizard.checks.host import cpu_vendor, firmware_words, holds_groups, switch_words
from vfio_wizard.checks.outcome import Seen, by_firmware, by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.checks.screens import for_each_wanted
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.iommu import IommuUnit
from vfio_wizard.model.pci import Bar, PciFunction
from vfio_wizard.model.unread import Unread

_GIB = 1 << 30
_MIB = 1 << 20
_OLD_WINDOW = 32 * _GIB
"""What OVMF gave to 64-bit windows before edk2-stable202211."""
_FOUR_GIB = 4 * _GIB
_UEFI = "uefi-x64"


def size_words(size: int) -> str:
    """Bytes in the largest unit that leaves no remainder."""
    if size >= _GIB and size % _GIB == 0:
        return f"{size // _GIB} GiB"
    return f"{size // _MIB} MiB" if size >= _MIB else f"{size // 1024} KiB"


def _windows(case: Situation, gpu: Gpu) -> tuple[tuple[PciFunction, Bar], ...]:
    """Memory windows of the whole card, largest first."""
    found = [
        (one, bar)
        for one in members(case, gpu)
        if not isinstance(one.bars, Unread)
        for bar in one.bars
        if bar.is_memory and bar.size
    ]
    return tuple(sorted(found, key=lambda pair: -pair[1].size))


def _window_seen(function: PciFunction, bar: Bar) -> Seen:
    return (function.where("resource"), f"BAR {bar.number}: {size_words(bar.size)} at {bar.start:#x}")


def _bars_unknown(case: Situation, gpu: Gpu) -> Outcome:
    return unknown(
        "its memory windows were not read",
        first_gap(*(one.bars for one in members(case, gpu))),
        "see the Region lines.",
        ("lspci", "-vv", "-s", str(gpu.address)),
        subject=gpu.address,
    )


def _bar_size(case: Situation, gpu: Gpu) -> Outcome:
    windows = _windows(case, gpu)
    largest = windows[0] if windows else None
    if largest is not None and largest[1].size >= _OLD_WINDOW:
        return failed(
            f"its largest window ({size_words(largest[1].size)}) does not fit into an older guest firmware",
            by_user(
                "Use guest firmware from edk2-stable202211 or later, which sizes its window by the "
                "processor's address bits (host-passthrough), or set opt/ovmf/X-PciMmio64Mb. A smaller "
                "Resizable BAR in the firmware setup helps too."
            ),
            _window_seen(*largest),
            subject=gpu.address,
        )
    if largest is None or first_gap(*(one.bars for one in members(case, gpu))) is not None:
        return _bars_unknown(case, gpu)
    return passed(
        f"its largest window is {size_words(largest[1].size)}{_offered(case, gpu)}",
        _window_seen(*largest),
        subject=gpu.address,
    )


def _offered(case: Situation, gpu: Gpu) -> str:
    bars = case.functions[gpu.address].resizable_bars
    sizes = () if isinstance(bars, Unread) else tuple(size for bar in bars for size in bar.sizes)
    return f"; Resizable BAR offers up to {size_words(max(sizes))}" if sizes else ""


def _above_four_gib(case: Situation, gpu: Gpu) -> Outcome:
    windows = _windows(case, gpu)
    resizable = case.functions[gpu.address].resizable_bars
    if not windows:
        return _bars_unknown(case, gpu)
    function, largest = windows[0]
    seen = _window_seen(function, largest)
    if largest.start >= _FOUR_GIB:
        return passed("its large window lies above 4 GiB", seen, subject=gpu.address)
    if isinstance(resizable, Unread):
        return unknown(
            "whether its window could be larger is not known",
            resizable,
            "see Resizable BAR.",
            ("sudo", "lspci", "-vv", "-s", str(gpu.address)),
            subject=gpu.address,
        )
    larger = tuple(size for bar in resizable for size in bar.sizes if size > largest.size)
    if not larger:
        return passed("its windows need no room above 4 GiB", seen, subject=gpu.address)
    return failed(
        "Resizable BAR is not in use: its window lies below 4 GiB",
        by_firmware(
            f"Passthrough works without it. If you want it: in the firmware setup enable "
            f"{switch_words(case.facts, 'above-4g')}, and {firmware_words(case.facts, 'rebar')}. Both want "
            f"{switch_words(case.facts, 'csm')} off."
        ),
        seen,
        (function.where("resource0_resize"), f"up to {size_words(max(larger))}"),
        subject=gpu.address,
    )


def _rom_of(case: Situation, gpu: Gpu) -> Outcome:
    function = case.functions[gpu.address]
    if isinstance(function.rom, Unread):
        how = "a line Expansion ROM shows it."
        command = ("lspci", "-vv", "-s", str(gpu.address))
        return unknown("whether it has a ROM was not read", function.rom, how, command, subject=gpu.address)
    where = function.where("rom")
    if function.rom:
        return passed("it has an expansion ROM", (where, "present"), subject=gpu.address)
    return failed(
        "the kernel sees no expansion ROM on it",
        Fix(
            Who.USER,
            "The guest shows nothing until its driver runs. Where that matters, give it a copy of the ROM "
            "from a file (hostdev, rom file=…), read from this very card while another one was the boot "
            "display; downloaded copies can be wrong. On laptops the ROM is part of the firmware.",
        ),
        (where, "absent"),
        subject=gpu.address,
    )


_COPIES = "/usr/share/vgabios"
"""One of the folders where this program looks for copies, and AppArmor lets QEMU read."""


def _rom_image(case: Situation, gpu: Gpu) -> Outcome:
    number, copies = case.functions[gpu.address].id, case.facts.roms
    if isinstance(number, Unread) or isinstance(copies, Unread):
        return _image_unknown(case, gpu, first_gap(number, copies))
    own = tuple(one for one in copies if (one.vendor, one.device) == (number.vendor, number.device))
    if not own:
        return _image_unknown(case, gpu, None)
    seen = tuple((one.path, f"{one.vendor}:{one.device} {' '.join(one.images)}") for one in own)
    if any(_UEFI in one.images for one in own):
        return passed("its ROM holds a UEFI image, by a copy of it", *seen, subject=gpu.address)
    return failed(
        "the copy of its ROM holds no UEFI image for x64",
        by_user(
            "A guest with UEFI firmware (OVMF) shows nothing on it until its driver runs. Ask the card's "
            "maker for a firmware with a UEFI image (GOP), or give that guest SeaBIOS. A ROM from elsewhere "
            "can hang the guest."
        ),
        *seen,
        subject=gpu.address,
    )


def _image_unknown(case: Situation, gpu: Gpu, gap: Unread | None) -> Outcome:
    """How to get a copy, which this check reads then. Who has the card open, the command looks itself."""
    function = case.functions[gpu.address]
    holders = () if isinstance(function.holders, Unread) else function.holders
    refused = dump_refusal(function._replace(holders=holders))
    said = "whether its ROM holds a UEFI image is not known"
    if refused is not None:
        how = (
            f"vfio-wizard rom --dump reads it where that is safe. It is not safe now, since {refused.why}. "
            f"Instead: {refused.instead}."
        )
        return unknown(said, gap, how, subject=gpu.address)
    copy = f"{_COPIES}/{gpu.address}.rom"
    dump = ("sudo", "vfio-wizard", "rom", "--dump", "--gpu", str(gpu.address), "-o", copy)
    how = "have the ROM read, which is safe while nothing uses the card; this check reads the copy."
    return unknown(said, gap, how, ("sudo", "mkdir", "-p", _COPIES), dump, subject=gpu.address)


def _with_own_rom(case: Situation, judge: Callable[[Situation, Gpu], Outcome]) -> Iterator[Outcome]:
    """One outcome per wanted card that has a ROM of its own."""
    if isinstance(case.candidates, Unread) or not case.candidates:
        yield from for_each_candidate(case, judge)
        return
    wanted = wanted_among(case.candidates, case.selection)
    cards = tuple(gpu for gpu in wanted if gpu.type in (DISCRETE, None))
    yield from (judge(case, gpu) for gpu in cards)
    if not cards:
        yield skipped("no graphics card with a ROM of its own: integrated graphics have it in the firmware")


def _address_width(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    if cpu_vendor(facts) == "amd":
        yield skipped("a matter of Intel's VT-d only")
        return
    bits, units = facts.cpu.address_bits, facts.iommu.units
    if holds_groups(facts) is False:
        yield skipped("comes with the IOMMU: see iommu.enabled")
        return
    widths = () if isinstance(units, Unread) else _widths(case, units)
    gap = first_gap(facts.cpu.vendor, bits, units)
    if isinstance(bits, Unread) or gap is not None or not widths:
        how = "bits 21:16 of cap plus one must not be less than the physical bits in /proc/cpuinfo."
        command = ("sh", "-c", "cat /sys/class/iommu/dmar*/intel-iommu/cap; grep -m1 sizes /proc/cpuinfo")
        yield unknown("how far the IOMMU reaches is not known", gap, how, command)
        return
    reach, unit = min(widths)
    seen = (
        (f"sys/class/iommu/{unit}/intel-iommu/cap", f"{reach} bits"),
        (facts.cpu.origin, f"{bits[0]} bits"),
    )
    if reach >= bits[0]:
        yield passed("the IOMMU reaches as far as the processor", *seen)
        return
    yield failed(
        f"the IOMMU reaches {reach} address bits, the processor {bits[0]}",
        by_user(
            "If the guest's start says vfio_container_dma_map … Invalid argument, limit its address bits: "
            f"<maxphysaddr mode='passthrough' limit='{reach}'/> inside <cpu> (libvirt from 9.3 on), or "
            f"host-phys-bits-limit={reach} for QEMU's -cpu."
        ),
        *seen,
    )


def _widths(case: Situation, units: tuple[IommuUnit, ...]) -> list[tuple[int, str]]:
    """Guest address bits (MGAW) of the units that serve a card, or of all where none says so."""
    told = [(one, one.reach) for one in units if one.reach is not None]
    if isinstance(case.candidates, Unread):
        return []
    cards = {str(gpu.address) for gpu in wanted_among(case.candidates, case.selection)}
    own = [pair for pair in told if not isinstance(pair[0].devices, Unread) and cards & set(pair[0].devices)]
    return [(width, one.name) for one, width in own or told]


BAR_SIZE = Check(
    id="gpu.bar-size",
    title="Room for its memory in the guest",
    severity=Severity.NOTE,
    claim="The largest memory window of the card fits into what any guest firmware offers.",
    fails_when="A window of 32 GiB or more needs newer guest firmware or a setting.",
    why="Guest firmware that has no room for a window leaves the card without driver, or does not start.",
    run=lambda case: for_each_wanted(case, _bar_size),
    references=("tianocore/edk2: OvmfPkg/Library/PlatformInitLib/MemDetect.c; RUNTIME_CONFIG.md",),
    verify="Afterwards the guest's driver starts, and its device manager shows the large memory range.",
)

ABOVE_FOUR_GIB = Check(
    id="firmware.above-four-gib",
    title="Resizable BAR",
    severity=Severity.NOTE,
    claim="The card's large window lies above 4 GiB, or could not be larger anyway.",
    fails_when="The card offers a larger window, and firmware keeps it below 4 GiB.",
    why="Above 4G Decoding is what Resizable BAR needs. Without it the card works, with a window of 256 MiB.",
    run=lambda case: for_each_wanted(case, _above_four_gib),
    references=("linux 6.12: Documentation/ABI/testing/sysfs-bus-pci (resourceN_resize)",),
    verify="Afterwards lspci -vv shows the card's large Region at an address of more than eight digits.",
)

ROM = Check(
    id="gpu.rom",
    title="ROM of the card",
    severity=Severity.NOTE,
    claim="The card has an expansion ROM.",
    fails_when="The kernel sees none.",
    why=(
        "The guest's firmware gets its picture from the ROM. Its content is never read here, since that "
        "needs a write to the device; see gpu.rom-image."
    ),
    run=lambda case: _with_own_rom(case, _rom_of),
    references=("linux 6.12: drivers/pci/pci-sysfs.c pci_read_rom", "awilliam/rom-parser"),
    verify="Afterwards the guest's firmware shows its logo on the card's output.",
)

ROM_IMAGE = Check(
    id="gpu.rom-image",
    title="A UEFI image in its ROM",
    severity=Severity.NOTE,
    claim="A copy of the card's ROM, in a file that QEMU may read, holds a UEFI image for x64.",
    fails_when="There is a copy with the card's ids, and it holds none.",
    why=(
        "Guest firmware under UEFI runs the driver that is in the ROM. Without one the screen stays black "
        "until the guest's own driver runs. The card's ROM is only read where you made a copy, since reading "
        "it needs a write to the device: vfio-wizard rom --dump makes one where that is safe, and refuses, "
        "with another way, where it is not."
    ),
    run=lambda case: _with_own_rom(case, _rom_image),
    references=("awilliam/rom-parser: rom-parser.c", "linux 6.12: drivers/pci/pci-sysfs.c pci_read_rom"),
    verify="Afterwards the guest's firmware shows its logo on the card's output.",
)

ADDRESS_WIDTH = Check(
    id="iommu.address-width",
    title="Reach of the IOMMU",
    severity=Severity.NOTE,
    claim="VT-d translates as many address bits as the processor has.",
    fails_when="It translates fewer, as on some Intel desktop processors (39 bits).",
    why=(
        "Guest firmware places large windows by the processor's address bits. Where VT-d cannot map them the "
        "start of the guest complains, and peer transfers fail."
    ),
    run=_address_width,
    references=("QEMU: docs/igd-assign.txt", "tianocore/edk2: OvmfPkg/RUNTIME_CONFIG.md"),
    verify="Afterwards the guest starts without vfio_container_dma_map in its log.",
)
