"""``domain``: the guest as XML for the libvirt that will run it, with what to mind and what to do."""

from __future__ import annotations

import os
import sys

from vfio_wizard.cli.choice import selection
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.guest_choice import with_guest
from vfio_wizard.cli.look import Seen, look, print_json, width
from vfio_wizard.model.domain import Capabilities, DomainPlan, Versions
from vfio_wizard.model.errors import UsageError, WizardError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread
from vfio_wizard.model.version import Release, release
from vfio_wizard.planning.domain import plan_guest
from vfio_wizard.planning.domain_checklist import checklist
from vfio_wizard.render.domain_check import problems
from vfio_wizard.render.domain_xml import domain_xml
from vfio_wizard.system.host import Command

_OLDEST_SUPPORTED: Release = (9, 0, 0)
"""Debian 12's; what it takes, later ones take too."""
_LIBVIRT_COMMANDS = (("virsh", "--version"), ("libvirtd", "--version"))
_QEMU_COMMANDS = (("qemu-system-x86_64", "--version"), ("qemu-kvm", "--version"))
_ACTIONS = ("define", "diff")
_ACTIONS_ON_NAME = ("undo", "start", "stop")
"""These need no plan, and are never refused for what a plan would say."""


class Asked(NamedTuple):
    """What is to run the guest: from options, from libvirt itself, from the host's files."""

    versions: Versions
    capabilities: Capabilities | None
    note: str | None = None


def run(given: Given) -> int:
    """Print the guest, or hand it to libvirt where that was asked. 1 when it is refused."""
    if any(given.flag(action) for action in _ACTIONS_ON_NAME) and not given.flag("define"):
        from vfio_wizard.cli import domain_define  # noqa: PLC0415 - libvirt only where it is asked

        return domain_define.act(given)
    seen = look(given.text("host"))
    chosen = with_guest(given, selection(given, seen))
    asked = _asked(given, seen)
    if given.flag("define") or given.flag("diff"):
        from vfio_wizard.cli.domain_define import with_network  # noqa: PLC0415 - as above

        chosen = with_network(given, chosen, seen)
    planned = plan_guest(
        seen.facts,
        chosen,
        asked.versions,
        asked.capabilities,
        user_id=_user_id(seen),
    )
    text = domain_xml(planned.spec)
    _prove(text, seen)
    if any(given.flag(action) for action in _ACTIONS):
        from vfio_wizard.cli import domain_define  # noqa: PLC0415 - libvirt only where it is asked

        return domain_define.run(given, planned, text, seen)
    return _show(given, planned, text, asked)


def _prove(text: str, seen: Seen) -> None:
    """A domain that would not start is a fault of this program, and said before libvirt says it."""
    cores = seen.facts.cpu.cores
    there = None if isinstance(cores, Unread) else frozenset(one.cpu for one in cores)
    found = problems(text, there)
    if found:
        message = f"the domain made here would not start, please report it: {'; '.join(found)}"
        raise WizardError(message)


# -- what will run it ------------------------------------------------------------------------------


def _asked(given: Given, seen: Seen) -> Asked:
    """Options first, then a libvirt that answers, then what is installed on the host looked at."""
    libvirt, qemu = _option(given, "libvirt"), _option(given, "qemu")
    offered = None if libvirt or not seen.facts.source.live else _offer(given)
    if offered is not None:
        versions = offered.versions
        return Asked(versions._replace(qemu=qemu or versions.qemu), offered.capabilities)
    found = libvirt or _installed(seen, seen.facts.virt.libvirt, _LIBVIRT_COMMANDS)
    qemu = qemu or (None if libvirt else _installed(seen, seen.facts.virt.qemu, _QEMU_COMMANDS))
    if found is not None:
        return Asked(Versions(found, qemu), None)
    words = ".".join(str(part) for part in _OLDEST_SUPPORTED[:2])
    note = (
        f"libvirt's version is not known here; written for {words}, which later ones take. Name it: --libvirt"
    )
    return Asked(Versions(_OLDEST_SUPPORTED, qemu), None, note)


def _option(given: Given, name: str) -> Release | None:
    text = given.text(name)
    if text is None:
        return None
    found = release(text)
    if found is None:
        message = f"--{name}: not a version: {text!r} (expected a form like 11.3)"
        raise UsageError(message)
    return found


def _offer(given: Given) -> Asked | None:
    """What a running libvirt says of itself; without its binding, or without an answer, its files must do."""
    from vfio_wizard.system.libvirt_host import SYSTEM, connected, read_offer  # noqa: PLC0415 - live only

    try:
        with connected(given.text("connect") or SYSTEM, read_only=True) as connection:
            offer = read_offer(connection)
    except WizardError:
        return None
    # Without KVM it lists what emulation has, which says nothing about a guest with KVM.
    told = offer.capabilities if offer.kvm else offer.capabilities._replace(hyperv=())
    return Asked(offer.versions, told)


def _installed(
    seen: Seen, fact: str | None | Unread, commands: tuple[tuple[str, ...], ...]
) -> Release | None:
    """From the path of the program, else from what it says of itself."""
    found = release(fact) if isinstance(fact, str) else None
    if found is not None or seen.host is None:
        return found
    for argv in commands:
        text = seen.host.run(Command(argv))
        if not isinstance(text, Unread):
            return _first_version(text)
    return None


def _first_version(text: str) -> Release | None:
    """``QEMU emulator version 7.2.11 (Debian …)``."""
    return next((found for word in text.split() if (found := release(word)) is not None), None)


def _user_id(seen: Seen) -> int | None:
    """Who hears the guest: the one behind sudo, on the live host only."""
    if not seen.facts.source.live:
        return None
    told = os.environ.get("SUDO_UID", "")
    return int(told) if told.isascii() and told.isdigit() else os.getuid() or None


# -- showing ---------------------------------------------------------------------------------------


def _show(given: Given, planned: DomainPlan, text: str, asked: Asked) -> int:
    steps = checklist(planned.spec)
    if given.flag("json"):
        from vfio_wizard.report.domain_json import domain_json  # noqa: PLC0415

        print_json(domain_json(planned, text, steps))
        return 1 if planned.refusals else 0
    _talk(planned, asked.note)
    if planned.refusals:
        return 1
    if given.flag("checklist"):
        from vfio_wizard.report.domain_text import checklist_text  # noqa: PLC0415

        sys.stdout.write(checklist_text(planned.spec.name, steps, width()))
        return 0
    _write(given, text)
    return 0


def _talk(planned: DomainPlan, note: str | None) -> None:
    """To standard error, so that the XML can be piped."""
    from vfio_wizard.report.domain_text import chosen, minded  # noqa: PLC0415
    from vfio_wizard.report.wrap import wrap  # noqa: PLC0415

    gets = [] if planned.refusals else chosen(planned.spec, width())
    lines = gets + minded(planned, width()) + (wrap(note, width()) if note else [])
    if not planned.refusals:
        lines += ["The steps around the first start: the same command with --checklist"]
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def _write(given: Given, text: str) -> None:
    output = given.text("output")
    if output in (None, "-"):
        sys.stdout.write(text)
        return
    from vfio_wizard.system.files import write_whole  # noqa: PLC0415

    path = str(output)
    if os.path.lexists(path) and not given.flag("force"):
        message = f"{path} is there already; choose another name, or add --force"
        raise WizardError(message)
    write_whole(path, text.encode(), 0o600)
    sys.stderr.write(f"wrote {path}\n")
