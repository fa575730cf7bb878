"""Who looks at the card: its screens and outputs, the programs that have it open, the port it hangs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vfio_wizard.cards.units import VF, Gpu
from vfio_wizard.checks.check import Check, Situation, wanted_among
from vfio_wizard.checks.gpus import for_each_candidate, is_vfio, members, weighed
from vfio_wizard.checks.outcome import Seen, by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.model.facts import Connector, HostFacts
from vfio_wizard.model.finding import Fix, Outcome, Severity, Who
from vfio_wizard.model.pci import Holder, PciClass
from vfio_wizard.model.unread import Unread

LAPTOP_CHASSIS = ("8", "9", "10", "14", "30", "31", "32")
"""DMI chassis types: portable, laptop, notebook, sub notebook, tablet, convertible, detachable."""
_PANELS = ("eDP", "LVDS", "DSI")
_STATUS = ("sh", "-c", "grep . /sys/class/drm/*/status")


def for_each_wanted(case: Situation, judge: Callable[[Situation, Gpu], Outcome]) -> Iterator[Outcome]:
    """One outcome per card that the user wants, or would want: no word about the host's own display."""
    if isinstance(case.candidates, Unread) or not case.candidates:
        yield from for_each_candidate(case, judge)
        return
    wanted = wanted_among(case.candidates, case.selection)
    yield from (weighed(case, gpu, judge(case, gpu)) for gpu in wanted)
    if not wanted:
        yield skipped("no graphics card is selected")


def is_laptop(facts: HostFacts) -> bool | Unread:
    """By the chassis type of DMI."""
    chassis = facts.firmware.board.chassis
    return chassis if isinstance(chassis, Unread) else chassis.strip() in LAPTOP_CHASSIS


def _connectors(case: Situation, gpu: Gpu) -> tuple[Connector, ...]:
    found = case.facts.display.connectors
    return () if isinstance(found, Unread) else tuple(one for one in found if one.function in gpu.functions)


def _connector_seen(one: Connector) -> Seen:
    state = {True: ", in use", False: ", not in use", None: ""}[one.enabled]
    return (f"sys/class/drm/{one.name}/status", f"{one.status}{state}")


def _panel(case: Situation, gpu: Gpu) -> Outcome:
    own = _connectors(case, gpu)
    panels = tuple(one for one in own if any(word in one.name for word in _PANELS))
    live = tuple(one for one in panels if one.status == "connected")
    if live:
        return failed(
            f"the built-in panel hangs on this card: {', '.join(one.name for one in live)}",
            Fix(
                Who.USER,
                "Without it the laptop's screen is dark. If the setup has a switch between graphics cards "
                "(MUX, hybrid, Optimus), let the integrated one drive the panel; else plan for an external "
                "screen or the network.",
            ),
            *map(_connector_seen, live),
            subject=gpu.address,
        )
    laptop = is_laptop(case.facts)
    if laptop is False:
        chassis = ("sys/class/dmi/id/chassis_type", str(case.facts.firmware.board.chassis))
        return passed("not a laptop, so no built-in panel", chassis, subject=gpu.address)
    if own and all(one.status == "disconnected" for one in panels):
        return passed("no built-in panel hangs on it", *map(_connector_seen, own), subject=gpu.address)
    return unknown(
        "whether the built-in panel hangs on this card is not known",
        first_gap(case.facts.display.connectors, laptop),
        "with its host driver loaded, an eDP or LVDS output of this card that is connected is the panel.",
        _STATUS,
        subject=gpu.address,
    )


def _screens(case: Situation, gpu: Gpu) -> Outcome:
    connectors = case.facts.display.connectors
    own = _connectors(case, gpu)
    live = tuple(one for one in own if one.status == "connected" and one.enabled is not False)
    if live:
        return failed(
            f"a screen of the host is in use on it: {', '.join(one.name for one in live)}",
            by_user(
                "It goes dark for the host when the guest gets the card. Keep another screen on the host's "
                "card, or a second input of the same screen."
            ),
            *map(_connector_seen, live),
            subject=gpu.address,
        )
    driver = case.functions[gpu.address].driver
    if isinstance(connectors, Unread) or isinstance(driver, Unread) or any(_is_open(one) for one in own):
        return _screens_unknown(case, gpu)
    if own:
        return passed(
            "no screen of the host is in use on it", *map(_connector_seen, own), subject=gpu.address
        )
    if driver is None or is_vfio(driver):
        seen = (case.functions[gpu.address].where("driver"), driver or "none")
        return passed("no host driver shows a picture on it", seen, subject=gpu.address)
    return _screens_unknown(case, gpu)


def _is_open(one: Connector) -> bool:
    return one.status == "unknown" or (one.status == "connected" and one.enabled is None)


def _screens_unknown(case: Situation, gpu: Gpu) -> Outcome:
    return unknown(
        "which screens hang on it is not known",
        first_gap(case.facts.display.connectors, case.functions[gpu.address].driver),
        "no output of this card may be connected and in use.",
        _STATUS,
        subject=gpu.address,
    )


def _outputs(case: Situation, gpu: Gpu) -> Outcome:
    function = case.functions[gpu.address]
    if not isinstance(function.cls, PciClass):
        return unknown(
            "its class is not told",
            function.cls,
            "0302 has no outputs.",
            ("lspci", "-nn"),
            subject=gpu.address,
        )
    seen = (function.where("class"), str(function.cls))
    if function.cls.sub == 0x02 and gpu.type != VF:
        return failed(
            "a 3D controller: it has no outputs of its own",
            Fix(
                Who.NOBODY,
                "The guest's picture comes over Looking Glass, remote desktop or streaming, never out of the "
                "card. On laptops without a MUX the outputs belong to the integrated graphics.",
            ),
            seen,
            subject=gpu.address,
        )
    return passed("a display controller with outputs, as its class says", seen, subject=gpu.address)


def _external(case: Situation, gpu: Gpu) -> Outcome:
    function = case.functions[gpu.address]
    where = function.where("removable")
    if gpu.external is True:
        return failed(
            "an external card behind a hot-plug port (Thunderbolt, USB4)",
            by_user(
                "Plug it in and authorise it before boot, and never unplug it while a guest runs. Its "
                "address changes with the port: bind it by id where it has no twin, and look again after "
                "plugging it in again."
            ),
            (where, "removable"),
            subject=gpu.address,
        )
    if gpu.external is False:
        return passed("built in, not behind an external port", (where, "fixed"), subject=gpu.address)
    return unknown(
        "whether it sits behind an external port is not known",
        first_gap(function.removable),
        "fixed or unknown is built in, removable is external.",
        ("cat", f"/sys/bus/pci/devices/{gpu.address}/removable"),
        subject=gpu.address,
    )


def _in_use(case: Situation, gpu: Gpu) -> Outcome:
    own = members(case, gpu)
    held = tuple(
        (one, holder)
        for one in own
        if not isinstance(one.holders, Unread)
        for holder in one.holders
        if not (isinstance(one.driver, str) and is_vfio(one.driver))
    )
    if held:
        names = ", ".join(dict.fromkeys(_holder_words(holder) for _, holder in held))
        return failed(
            f"programs of the host have it open: {names}",
            by_user(
                "Do not take the card from its driver while they do: that can hang the host for good. Bind "
                "it to vfio-pci at boot, or end these programs first."
            ),
            *((holder.node, _holder_words(holder)) for _, holder in held),
            subject=gpu.address,
            severity=Severity.WARNING if case.is_selected(gpu) else None,
        )
    gap = first_gap(*(one.holders for one in own))
    if gap is not None:
        nodes = "/dev/dri/* /dev/nvidia* /dev/snd/*"
        how = "no program of the host may have the card's nodes open."
        return unknown(
            "which programs have it open is not known",
            gap,
            how,
            ("sudo", "sh", "-c", f"fuser -v {nodes}"),
            subject=gpu.address,
        )
    return passed(
        "no program of the host has it open",
        *((one.origin, "no open device node") for one in own),
        subject=gpu.address,
    )


def _holder_words(holder: Holder) -> str:
    return f"{holder.name or 'a program'} ({holder.pid})"


PANEL = Check(
    id="gpu.panel",
    title="The laptop's own screen",
    severity=Severity.WARNING,
    claim="The built-in panel does not hang on the card that is to be given away.",
    fails_when="An eDP, LVDS or DSI output of the card is connected.",
    why="A laptop whose panel hangs on that card has no screen of its own while the guest runs.",
    run=lambda case: for_each_wanted(case, _panel),
    references=("linux: Documentation/gpu (connector types)", "T-vK/MobilePassThrough#7"),
    verify="Afterwards grep . /sys/class/drm/*-eDP-*/status shows the panel on the other card.",
)

SCREENS = Check(
    id="gpu.screens",
    title="No screen of the host on it",
    severity=Severity.NOTE,
    claim="No screen that the host uses hangs on the card.",
    fails_when="An output of the card is connected and in use.",
    why="Normal before the set-up; the host needs a screen on another card once the guest has this one.",
    run=lambda case: for_each_wanted(case, _screens),
    references=("linux: drivers/gpu/drm/drm_sysfs.c",),
    verify="Afterwards grep . /sys/class/drm/*/enabled shows enabled on the host's card only.",
)

OUTPUTS = Check(
    id="gpu.outputs",
    title="Outputs of its own",
    severity=Severity.NOTE,
    claim="The card is a display controller with outputs (class 0300 or 0380).",
    fails_when="It is a 3D controller (class 0302), as in laptops without a MUX and in compute cards.",
    why="Without outputs no cable shows the guest's picture.",
    run=lambda case: for_each_wanted(case, _outputs),
    references=("PCI Code and ID Assignment, class 03", "jscinoz/optimus-vfio-docs"),
    verify="The picture in Looking Glass or in the remote desktop shows that it works.",
)

EXTERNAL = Check(
    id="gpu.built-in",
    title="Not an external card",
    severity=Severity.NOTE,
    claim="The card is built in, not behind Thunderbolt or USB4.",
    fails_when="The kernel marks its port as external.",
    why="External cards come and go: addresses change, and unplugging one in use can hang the host.",
    run=lambda case: for_each_wanted(case, _external),
    references=("linux 6.12: Documentation/ABI/testing/sysfs-devices-removable", "QubesOS/qubes-issues#4353"),
    verify="After plugging it in again vfio-wizard groups shows its address of today.",
)

IN_USE = Check(
    id="gpu.in-use",
    title="Nobody has it open",
    severity=Severity.NOTE,
    claim="No program of the host has a device node of the card open.",
    fails_when="One has: it is named with its number.",
    why=(
        "Unbinding a card that a program holds can wait for ever, and with it the shutdown. Only a live host "
        "tells, and root sees every program."
    ),
    run=lambda case: for_each_wanted(case, _in_use),
    references=("NVIDIA/open-gpu-kernel-modules#1119", "OpenGamingCollective/asusctl#344"),
    verify="Afterwards sudo fuser -v /dev/dri/* /dev/nvidia* names no program on this card.",
)
