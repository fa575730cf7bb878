"""The graphics cards: one to give, one to keep, and who holds the one to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vfio_wizard.cards.units import VF, Gpu
from vfio_wizard.checks.check import Check, Situation, wanted_among
from vfio_wizard.checks.outcome import Seen, by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.knowledge.milestones import since
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.pci import PciClass, PciFunction
from vfio_wizard.model.unread import Unread
from vfio_wizard.model.version import kernel_version

_LIST = ("lspci", "-nnk")


def for_each_candidate(case: Situation, judge: Callable[[Situation, Gpu], Outcome]) -> Iterator[Outcome]:
    """One outcome per card that could be given away; one for the whole machine when there is none."""
    if isinstance(case.candidates, Unread):
        yield unknown("the graphics cards are not known", case.candidates, "list them by hand.", _LIST)
    elif not case.candidates:
        yield _nothing_to_judge(case)
    else:
        for gpu in case.candidates:
            yield weighed(case, gpu, judge(case, gpu))


def weighed(case: Situation, gpu: Gpu, outcome: Outcome) -> Outcome:
    """What is wrong with a card weighs little where another one is wanted, or is fit without a selection."""
    if outcome.fix is None or outcome.severity is not None or not _is_second_choice(case, gpu):
        return outcome
    return outcome._replace(severity=Severity.NOTE)


def _is_second_choice(case: Situation, gpu: Gpu) -> bool:
    if isinstance(case.candidates, Unread):
        return False
    if gpu not in wanted_among(case.candidates, case.selection):
        return True
    return not case.selection and bool(case.viable) and gpu.address not in case.viable


def _nothing_to_judge(case: Situation) -> Outcome:
    gap = _unseen_cards(case)
    if gap is None and case.facts.source.complete is True:
        return skipped("there is no graphics card to give away")
    return unknown("no graphics card is in this source, which may show a part only", gap, "list all.", _LIST)


def _unseen_cards(case: Situation) -> Unread | None:
    """Why there may be more graphics cards than those that were recognised."""
    return first_gap(case.facts.source.complete, *(one.cls for one in case.functions.values()))


def members(case: Situation, gpu: Gpu) -> tuple[PciFunction, ...]:
    """The functions of a card, by address."""
    return tuple(case.functions[address] for address in gpu.functions)


def id_text(function: PciFunction) -> str:
    """``0000:0b:00.0 1002:731f``, without the id where it is not known."""
    return str(function.address) if isinstance(function.id, Unread) else f"{function.address} {function.id}"


def _present(case: Situation) -> Iterator[Outcome]:
    found = case.candidates
    if isinstance(found, Unread):
        yield unknown("the graphics cards are not known", found, "list them by hand.", _LIST)
    elif found and (gap := _all_unidentified(case, found)) is not None:
        how = "management chips and emulated displays cannot be given away."
        yield unknown("there is a display device, and which one is not told", gap, how, _LIST)
    elif found:
        words = "a card" if len(found) == 1 else f"{len(found)} cards"
        yield passed(f"{words} could be given to a guest", *(_seen(case, gpu) for gpu in found))
    elif case.facts.source.complete is True:
        fix = Fix(
            Who.NOBODY,
            "Install a graphics card. Management chips and emulated displays cannot be given away.",
        )
        yield failed("no graphics card could be given to a guest", fix, *_other_displays(case))
    else:
        yield _nothing_to_judge(case)


def _all_unidentified(case: Situation, found: tuple[Gpu, ...]) -> Unread | None:
    """The gap that keeps every one of these cards from being told from a management chip."""
    ids = tuple(case.functions[gpu.address].id for gpu in found if gpu.type is None)
    return first_gap(*ids) if len(ids) == len(found) and all(isinstance(one, Unread) for one in ids) else None


def _seen(case: Situation, gpu: Gpu) -> Seen:
    function = case.functions[gpu.address]
    return (function.origin, f"{id_text(function)} {gpu.type or 'type unknown'}")


def _other_displays(case: Situation) -> tuple[Seen, ...]:
    if isinstance(case.cards, Unread) or not case.cards:
        return (("sys/bus/pci/devices", "no display controller"),)
    return tuple(_seen(case, gpu) for gpu in case.cards)


def _spare(case: Situation) -> Iterator[Outcome]:
    if isinstance(case.cards, Unread):
        yield unknown("the graphics cards are not known", case.cards, "list them by hand.", _LIST)
        return
    displays = tuple(gpu for gpu in case.cards if gpu.type != VF)
    if len(displays) > 1:
        yield passed(
            f"{len(displays)} display devices: one remains when another is given away",
            *(_seen(case, gpu) for gpu in displays),
        )
    elif _unseen_cards(case) is not None or case.facts.source.complete is not True:
        how = "a second display controller must be listed."
        yield unknown(
            "at most one display device is in this source, which may show a part only",
            _unseen_cards(case),
            how,
            _LIST,
        )
    elif not displays:
        yield skipped("there is no display device at all: see gpu.present")
    else:
        yield failed(
            "there is only one display device: giving it away leaves the host without a picture",
            by_user(
                "Add a second card or switch on the integrated graphics in the firmware setup. Without "
                "one, prepare to reach the host over the network (ssh) while the guest runs."
            ),
            _seen(case, displays[0]),
        )


def _twins(case: Situation, gpu: Gpu) -> Outcome:
    if gpu.twins:
        names = ", ".join(str(address) for address in gpu.twins)
        return failed(
            f"other devices have the same id: {names}",
            by_user(
                "Bind this card by address (driver_override), not by vfio-pci.ids: ids would take all of "
                "them. vfio-wizard plans it that way."
            ),
            *((case.functions[one].origin, id_text(case.functions[one])) for one in gpu.twins),
            subject=gpu.address,
        )
    gap = first_gap(case.facts.source.complete, *(one.id for one in case.functions.values()))
    if gap is not None or case.facts.source.complete is not True:
        return unknown(
            "no twin is in this source, but it may not show every device",
            gap,
            "no other line may have the same vendor:device.",
            ("lspci", "-nn"),
            subject=gpu.address,
        )
    ids = tuple((one.origin, id_text(one)) for one in members(case, gpu))
    return passed("its ids are its own: binding by id catches only this card", *ids, subject=gpu.address)


def _boot_display(case: Situation, gpu: Gpu) -> Outcome:
    function = case.functions[gpu.address]
    frame = _framebuffer(case, gpu)
    if gpu.boot_vga is True or frame is not None:
        seen = frame or (function.where("boot_vga"), "1")
        return failed(
            "the firmware shows the boot on this card",
            by_user(
                "Choose the other card as primary display in the firmware setup, or put it into the first "
                "slot. Otherwise expect no console after vfio-pci takes the card, and give the guest its "
                "ROM from a file."
            ),
            seen,
            subject=gpu.address,
        )
    if gpu.boot_vga is False:
        return passed(
            "not the display that the firmware boots on",
            (function.where("boot_vga"), "0"),
            subject=gpu.address,
        )
    if _cannot_boot(case, function):
        return passed(
            "not a VGA controller, so the firmware does not boot on it",
            (function.where("class"), str(function.cls)),
            subject=gpu.address,
        )
    return unknown(
        "whether the firmware boots on this card is not known",
        first_gap(function.boot_vga, case.facts.display.framebuffers, function.cls),
        "1 means that it does.",
        ("cat", f"/sys/bus/pci/devices/{gpu.address}/boot_vga"),
        subject=gpu.address,
    )


def _framebuffer(case: Situation, gpu: Gpu) -> Seen | None:
    """The firmware framebuffer that lies in a BAR of the card, if one is known to."""
    frames = case.facts.display.framebuffers
    if isinstance(frames, Unread):
        return None
    found = next((one for one in frames if one.function in gpu.functions), None)
    return (found.name, f"lies in a BAR of {found.function}") if found is not None else None


def _cannot_boot(case: Situation, function: PciFunction) -> bool:
    """A 3D controller has no outputs; any other non-VGA display needs the framebuffer's word."""
    if not isinstance(function.cls, PciClass) or function.cls.is_vga:
        return False
    if function.cls.sub == 0x02:
        return True
    frames = case.facts.display.framebuffers
    return not isinstance(frames, Unread) and bool(frames) and all(one.function for one in frames)


def _framebuffer_free(case: Situation, gpu: Gpu) -> Outcome:
    frames = case.facts.display.framebuffers
    function = case.functions[gpu.address]
    if isinstance(frames, Unread):
        return unknown(
            "which card the console's framebuffer lies in is not known",
            frames,
            "no BOOTFB, efifb or simpledrm may stand below the card.",
            ("sudo", "cat", "/proc/iomem"),
            subject=gpu.address,
        )
    held = _framebuffer(case, gpu)
    if held is not None:
        return _held(case, function, held, gpu)
    if any(one.function is None for one in frames):
        return unknown(
            "there is a firmware framebuffer whose card is not known",
            None,
            "look below which card BOOTFB, efifb or simpledrm stands.",
            ("sudo", "cat", "/proc/iomem"),
            subject=gpu.address,
        )
    seen = tuple((one.name, f"lies in {one.function}") for one in frames)
    none = (("firmware framebuffer", "none"),)
    return passed("no console framebuffer lies in this card", *(seen or none), subject=gpu.address)


def _held(case: Situation, function: PciFunction, held: Seen, gpu: Gpu) -> Outcome:
    release = case.facts.kernel.release
    version = None if isinstance(release, Unread) else kernel_version(release)
    if not isinstance(function.cls, PciClass) or version is None:
        gap = first_gap(function.cls, release)
        how = "vfio-pci frees VGA cards (class 0300) by itself on kernels from about 6.0 on."
        return unknown("the console's framebuffer lies in this card", gap, how, subject=gpu.address)
    seen = (held, (function.where("class"), str(function.cls)), ("kernel", str(release)))
    if not function.cls.is_vga:
        fix = by_user(
            "Make another card the primary display in the firmware setup. Kernel parameters against the "
            "framebuffer have been reported not to help on current kernels."
        )
        summary = "the console lies in this card, and vfio-pci frees only VGA-class cards from it"
        return failed(summary, fix, *seen, subject=gpu.address)
    if version < since("console-eviction"):
        fix = by_user(
            "Make another card the primary display, or update to a kernel from 6.1 on, which frees the card "
            "by itself. Until then add video=efifb:off (on BIOS boots video=vesafb:off).",
            parameters=("video=efifb:off",),
        )
        summary = "the console lies in this card, and this kernel does not free it"
        return failed(summary, fix, *seen, subject=gpu.address)
    return passed("the console lies in this card; vfio-pci frees it by itself", *seen, subject=gpu.address)


def _host_driver(case: Situation, gpu: Gpu) -> Outcome:
    own = members(case, gpu)
    holding = tuple(one for one in own if isinstance(one.driver, str) and not is_vfio(one.driver))
    if holding:
        names = ", ".join(f"{one.address} by {one.driver}" for one in holding)
        return failed(
            f"a host driver has it: {names}",
            by_user(
                f"vfio-pci must be there first at the next boot. {_how_to_be_first(case, holding)} "
                "vfio-wizard plans the rest."
            ),
            *((one.where("driver"), str(one.driver)) for one in holding),
            subject=gpu.address,
        )
    if (gap := first_gap(*(one.driver for one in own))) is not None:
        return unknown(
            "its drivers are not told", gap, "see Kernel driver in use.", _LIST, subject=gpu.address
        )
    return passed(
        "no host driver holds it",
        *((one.where("driver"), one.driver if isinstance(one.driver, str) else "none") for one in own),
        subject=gpu.address,
    )


def is_vfio(driver: str) -> bool:
    """vfio-pci, or one of its variants for single vendors."""
    return driver == "vfio-pci" or driver.endswith("-vfio-pci")


def _how_to_be_first(case: Situation, holding: tuple[PciFunction, ...]) -> str:
    builtin = case.facts.kernel.builtin
    names = {str(one.driver).replace("-", "_") for one in holding}
    fixed = () if isinstance(builtin, Unread) else tuple(sorted(names & builtin))
    if fixed:
        return (
            f"{', '.join(fixed)} is built into this kernel, so a softdep does not help: bind by command line."
        )
    softdeps = ", ".join(f"softdep {name} pre: vfio-pci" for name in sorted(names))
    return f"In modprobe.d: {softdeps}; and vfio-pci in the initramfs."


PRESENT = Check(
    id="gpu.present",
    title="A card to give",
    severity=Severity.BLOCKER,
    claim="There is at least one graphics card, integrated GPU or virtual function that a guest could get.",
    fails_when="The machine shows only management chips and emulated displays, or no display at all.",
    why="Without a card there is nothing to pass through.",
    run=_present,
    references=("PCI Code and ID Assignment, class 03",),
    verify="Afterwards vfio-wizard groups lists the card.",
)

SPARE = Check(
    id="gpu.spare",
    title="A display for the host",
    severity=Severity.WARNING,
    claim="A display device remains for the host when one is given away.",
    fails_when="There is only one display device.",
    why="A host without a display can only be reached over the network while the guest runs.",
    run=_spare,
    references=("linux: Documentation/driver-api/vfio.rst",),
    verify="Afterwards vfio-wizard groups lists two display devices.",
)

TWINS = Check(
    id="gpu.twins",
    title="No twins",
    severity=Severity.WARNING,
    claim="No other device has the vendor:device of one of the card's functions.",
    fails_when="Another device has: an identical card, or the same audio or USB controller.",
    why=(
        "vfio-pci.ids= matches models, not places: with two equal cards it takes both, the one that shows "
        "the host's desktop included."
    ),
    run=lambda case: for_each_candidate(case, _twins),
    references=("linux 6.12: Documentation/ABI/testing/sysfs-bus-pci (driver_override)",),
    verify="Afterwards lspci -nnk shows vfio-pci for this card and the host driver for its twin.",
)

BOOT_DISPLAY = Check(
    id="gpu.boot-display",
    title="Not the boot display",
    severity=Severity.WARNING,
    claim="The firmware does not show the boot on this card.",
    fails_when="boot_vga is 1, or the firmware's framebuffer lies in the card.",
    why=(
        "The boot display loses its console when vfio-pci takes it, and its ROM may have been altered by the "
        "firmware, so that the guest needs a copy from a file."
    ),
    run=lambda case: for_each_candidate(case, _boot_display),
    references=("linux 6.12: drivers/pci/pci-sysfs.c boot_vga",),
    verify="Afterwards cat /sys/bus/pci/devices/ADDRESS/boot_vga prints 0 for this card.",
)

FRAMEBUFFER = Check(
    id="gpu.framebuffer",
    title="Console out of the way",
    severity=Severity.WARNING,
    claim="No console framebuffer keeps a BAR of the card, or vfio-pci frees it by itself.",
    fails_when="A firmware framebuffer lies in a card that is not of class VGA.",
    why=(
        "A framebuffer that stays in the BAR makes the guest fail with 'BAR can't reserve'. vfio-pci evicts "
        "it from VGA controllers (class 0300), not from other display controllers (0380). Hook scripts that "
        "unbind efi-framebuffer.0 fail where the console is called simple-framebuffer."
    ),
    run=lambda case: for_each_candidate(case, _framebuffer_free),
    references=("linux 6.12: drivers/vfio/pci/vfio_pci_priv.h", "siderolabs/talos#14356"),
    verify="Afterwards sudo cat /proc/iomem shows no BOOTFB, efifb or simpledrm below the card.",
)

HOST_DRIVER = Check(
    id="gpu.host-driver",
    title="Free of host drivers",
    severity=Severity.NOTE,
    claim="No function of the card is held by a driver of the host other than vfio-pci.",
    fails_when="A host driver such as amdgpu, nouveau, nvidia, i915, xe or snd_hda_intel holds a function.",
    why=(
        "That is normal before the set-up. It shows which driver must be overtaken at boot; taking a card "
        "from a running driver can hang the host."
    ),
    run=lambda case: for_each_candidate(case, _host_driver),
    references=("kmod: modprobe.d(5), softdep",),
    verify="After the reboot lspci -nnk shows vfio-pci in use for it.",
)
