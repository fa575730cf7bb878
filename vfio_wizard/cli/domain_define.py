"""``domain --define``, ``--diff``, ``--undo``, ``--start``, ``--stop``: the guest handed to libvirt, and "
"back."""

from __future__ import annotations

import sys
from typing import Any

from vfio_wizard.apply import domain_backup, libvirt
from vfio_wizard.apply.connection import connected
from vfio_wizard.cli.choice import answers
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.guest_choice import with_guest
from vfio_wizard.cli.look import Seen, print_json
from vfio_wizard.model.domain import Disk, DomainPlan, DomainSpec
from vfio_wizard.model.errors import UsageError, WizardError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Selection
from vfio_wizard.model.unread import Unread
from vfio_wizard.report.clean import clean
from vfio_wizard.system.host import RootHost, require_live
from vfio_wizard.system.libvirt_host import SYSTEM, NoBindingError, read_offer

SCHEMA = "vfio-wizard/domain-change/1"

_STOPS_WITHIN = 120.0
"""Seconds that a guest gets to shut down; Windows with updates may need more, and is then left running."""


class Wanted(NamedTuple):
    """The guest that is there (None: none), and the XML that it is to have."""

    there: libvirt.Guest | None
    text: str
    in_place: bool


def run(given: Given, planned: DomainPlan, text: str, seen: Seen) -> int:
    """Show or make the change. 1 when it is refused; without the binding the XML is printed."""
    require_live(seen.host or RootHost("/", is_record=True), "hand a guest to libvirt")
    if planned.refusals:
        return _refused(given, planned)
    try:
        with connected(_uri(given)) as connection:
            return _with_libvirt(given, planned.spec, text, connection)
    except NoBindingError as error:
        sys.stdout.write(text)
        _say(f"not handed to libvirt: {error}; the XML is for `virsh define FILE`")
        return Exit.BLOCKED


def _refused(given: Given, planned: DomainPlan) -> int:
    if given.flag("json"):
        action = "diff" if given.flag("diff") else "define"
        told = [{"id": one.id, "text": one.text} for one in planned.refusals]
        print_json(_document(action, planned.spec.name, None) | {"refusals": told})
    for one in planned.refusals:
        _say(f"refused ({one.id}): {one.text}")
    return Exit.BLOCKED


def act(given: Given) -> int:
    """``--undo``, ``--start`` and ``--stop``: for these nothing is looked at and nothing planned."""
    if given.text("host") is not None:
        message = "guests are started, stopped and taken back on the machine that has them; leave out --host"
        raise UsageError(message)
    name = with_guest(
        given, answers(str(given.text("answers"))) if given.text("answers") else Selection(())
    ).guest
    with connected(_uri(given)) as connection:
        if given.flag("undo"):
            return _undo(given, name, connection)
        if given.flag("stop"):
            guest = libvirt.stop(connection, name, _STOPS_WITHIN)
            _told(given, "stop", name, guest)
            return Exit.BLOCKED if guest.is_active else Exit.OK
        return _start(given, name, connection)


def with_network(given: Given, chosen: Selection, seen: Seen) -> Selection:
    """Where the answers leave the network open, the one that this host has; what comes with it is said."""
    if chosen.domain.network != "auto" or not seen.facts.source.live or seen.host is None:
        return chosen
    from vfio_wizard.planning.guest_network import HostLink, OwnNetwork, choose_network  # noqa: PLC0415
    from vfio_wizard.system.netlink import read_links  # noqa: PLC0415

    try:
        with connected(_uri(given), read_only=True) as connection:
            networks = tuple(OwnNetwork(*one) for one in read_offer(connection).networks)
    except NoBindingError:
        return chosen
    links = read_links(seen.host)
    choice = choose_network(
        networks,
        ()
        if isinstance(links, Unread)
        else [HostLink(one.name, one.kind, one.default_route) for one in links],
    )
    for note in choice.notes:
        _say(f"network: {note}")
    word = "none" if choice.nic is None else f"{choice.nic.kind.value}:{choice.nic.source}"
    return chosen._replace(domain=chosen.domain._replace(network=word))


def _uri(given: Given) -> str:
    return given.text("connect") or SYSTEM


# -- define and diff -------------------------------------------------------------------------------


def _with_libvirt(given: Given, spec: DomainSpec, text: str, connection: Any) -> int:
    wanted = _wanted(given, spec, text, connection)
    lines = _difference(wanted, connection)
    if given.flag("diff"):
        return _show(given, spec.name, wanted, lines)
    disks = _create_disks(given, spec, connection)
    if wanted.there is not None and not lines:
        if given.flag("json"):
            print_json(_document("define", spec.name, wanted.there, wanted, lines) | {"disks": disks})
            return Exit.OK
        _say(f"the guest {spec.name} is so already; nothing was changed")
        return _after(given, spec.name, connection, wanted.there)
    made = libvirt.define(connection, wanted.text, domain_backup.folder())
    if not given.flag("json"):
        _say_made(made, wanted, disks)
        _say_firmware(wanted)
        return _after(given, spec.name, connection, made.guest)
    guest = libvirt.start(connection, spec.name) if given.flag("start") else made.guest
    print_json(_document("define", spec.name, guest, wanted, lines) | {"disks": disks})
    return Exit.OK


def _wanted(given: Given, spec: DomainSpec, text: str, connection: Any) -> Wanted:
    there = libvirt.find(connection, spec.name)
    if there is None:
        return Wanted(None, text, in_place=False)
    if given.flag("replace"):
        return Wanted(there, libvirt.with_identity(text, there.text), in_place=False)
    from vfio_wizard.render.domain_edit import edit_domain, edits_for  # noqa: PLC0415 - only for one that is there

    edits = edits_for(spec, memory=given.text("memory") is not None)
    edited = edit_domain(there.text, edits)
    _refuse_clashes(there.text, edited)
    return Wanted(there, edited, in_place=True)


def _refuse_clashes(before: str, after: str) -> None:
    """What the schema lets pass and no start would: only what the edits brought in, the rest is its "
    "owner's."""
    from vfio_wizard.render.domain_check import problems  # noqa: PLC0415 - only for a guest that is there

    new = [one for one in problems(after) if one not in problems(before)]
    if new:
        message = (
            f"the guest that is there does not fit the card: {'; '.join(new)}; change it, or --replace it"
        )
        raise WizardError(message)


def _difference(wanted: Wanted, connection: Any) -> tuple[str, ...]:
    """What is edited in place differs by the edits alone; a whole domain is compared as libvirt would store "
    "it."""
    from vfio_wizard.render.xml_diff import difference  # noqa: PLC0415

    if wanted.there is None:
        return tuple(f"+{line}" for line in wanted.text.splitlines())
    new = wanted.text if wanted.in_place else libvirt.stored_form(connection, wanted.text)
    return difference(wanted.there.text, new)


def _show(given: Given, name: str, wanted: Wanted, lines: tuple[str, ...]) -> int:
    if given.flag("json"):
        print_json(_document("diff", name, wanted.there, wanted, lines))
        return Exit.OK
    sys.stdout.write("".join(f"{clean(line)}\n" for line in lines))
    if wanted.there is None:
        _say(f"there is no guest {name} yet; --define makes it")
    elif not lines:
        _say(f"the guest {name} is so already")
    else:
        _say_firmware(wanted)
    return Exit.OK


def _say_firmware(wanted: Wanted) -> None:
    """What comes with another firmware, which an edit changes only where it was asked for."""
    from vfio_wizard.render.domain_edit import firmware_notes  # noqa: PLC0415 - only for one that is there

    if wanted.there is not None and wanted.in_place:
        for note in firmware_notes(wanted.there.text, wanted.text):
            _say(f"firmware: {note}")


def _document(
    action: str,
    name: str,
    guest: libvirt.Guest | None,
    wanted: Wanted | None = None,
    lines: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "action": action,
        "name": name,
        "uuid": None if guest is None else guest.uuid,
        "state": None if guest is None else guest.state,
        "existed": None if wanted is None else wanted.there is not None,
        "in_place": None if wanted is None else wanted.in_place,
        "difference": list(lines),
        "disks": [],
        "refusals": [],
    }


def _say_made(made: libvirt.Defined, wanted: Wanted, disks: list[str]) -> None:
    for path in disks:
        _say(f"made the disk {path}")
    if not made.was_there:
        _say(f"the guest {made.guest.name} is made ({made.guest.uuid})")
    else:
        how = "changed in place" if wanted.in_place else "replaced"
        _say(f"the guest {made.guest.name} is {how}; it was kept before")
    if made.guest.is_active:
        _say("it runs: the change holds from its next start")
    _say("back with: vfio-wizard domain --undo --name " + made.guest.name)


def _create_disks(given: Given, spec: DomainSpec, connection: Any) -> list[str]:
    """Only when asked; a disk that is there is never written over."""
    asked = given.text("create_disk")
    if asked is None:
        return []
    gib = _gib(asked)
    missing = [disk for disk in spec.disks if not disk.is_block]
    if not missing:
        message = "--create-disk: the guest has no disk that is a file or a volume"
        raise UsageError(message)
    return [_create(connection, disk, gib) for disk in missing[:1]]


def _create(connection: Any, disk: Disk, gib: int) -> str:
    return libvirt.create_disk(connection, disk, gib)


def _gib(text: str) -> int:
    number = text[:-1] if text[-1:] in ("G", "g") else text
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 100_000):
        message = f"--create-disk: not a size: {text!r} (expected a form like 120G)"
        raise UsageError(message)
    return int(number)


# -- back, start, stop -----------------------------------------------------------------------------


def _undo(given: Given, name: str, connection: Any) -> int:
    last = libvirt.undo(connection, name, domain_backup.folder(), force=given.flag("force"))
    guest = libvirt.find(connection, name)
    if given.flag("json"):
        _told(given, "undo", name, guest)
    elif last.before is None:
        _say(f"the guest {name} is gone again; its disks, firmware variables and TPM state were kept")
    else:
        _say(f"the guest {name} is what it was")
    return Exit.OK


def _after(given: Given, name: str, connection: Any, guest: libvirt.Guest) -> int:
    return _start(given, name, connection) if given.flag("start") and not guest.is_active else Exit.OK


def _start(given: Given, name: str, connection: Any) -> int:
    guest = libvirt.start(connection, name)
    _told(given, "start", name, guest)
    if not given.flag("json"):
        _say(_client_hint(guest, connection.getURI()))
    return Exit.OK if guest.is_active else Exit.BLOCKED


def _client_hint(guest: libvirt.Guest, uri: str) -> str:
    """How to see the guest."""
    import shlex  # noqa: PLC0415 - only for a guest that was started

    if "looking-glass" in guest.text:
        device = " -f /dev/kvmfr0" if "/dev/kvmfr0" in guest.text else ""
        return f"its picture: looking-glass-client{device}"
    if "<graphics" in guest.text:
        return f"its window: {shlex.join(('virt-viewer', '--connect', uri, '--attach', guest.name))}"
    return "its picture is on the monitor of the card"


def _told(given: Given, action: str, name: str, guest: libvirt.Guest | None) -> None:
    if given.flag("json"):
        print_json(_document(action, name, guest))
    elif guest is not None:
        _say(f"the guest {guest.name} is {guest.state}")


def _say(text: str) -> None:
    sys.stderr.write(f"{clean(text)}\n")
