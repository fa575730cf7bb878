"""The interactive wizard, over the same functions as the commands."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vfio_wizard import __version__
from vfio_wizard.checks.registry import run_checks, verdict
from vfio_wizard.cli.arguments import Given
from vfio_wizard.cli.look import Seen, addresses, look, short_names_of
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.selection import Selection

if TYPE_CHECKING:
    from vfio_wizard.tui.survey import Brain, Proposal, Survey

_NOT_HERE = ("json", "only", "skip", "strict", "verbose", "answers", "also")


def run(given: Given) -> int:
    """Open the wizard. Raises UsageError where there is no terminal to show it on."""
    for option in _NOT_HERE:
        if given.values.get(option):
            message = f"--{option} belongs to a command, as in: vfio-wizard --check --{option} …"
            raise UsageError(message)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        message = "the wizard needs a terminal; without one use --check, groups, plan or export"
        raise UsageError(message)
    source = given.text("host")
    first = look(source, topology=False)  # a source that cannot be read is told before the screen is taken
    from vfio_wizard.tui.app import make_app  # noqa: PLC0415 - Textual costs more than a whole check

    gc.enable()  # see main
    make_app(brain(source, first), addresses(given, "gpu")).run()
    return 0


def brain(source: str | None, first: Seen) -> Brain:
    """What the wizard asks, answered by what the commands use."""
    from vfio_wizard.tui.survey import Brain  # noqa: PLC0415 - only with the wizard

    live = first.facts.source.live
    return Brain(
        look=lambda chosen: _survey(source, chosen),
        propose=lambda survey, chosen, allow: _propose(source, survey, chosen, allow),
        save=_save,
        explain=_explain,
        label=first.facts.source.label,
        changes=_changes if live else _nothing_happens,
        look_only=not live,
    )


def _changes(stopped: Callable[[], bool]) -> Iterator[str]:
    from vfio_wizard.model.unread import Unread  # noqa: PLC0415
    from vfio_wizard.system.udev import events  # noqa: PLC0415 - pyudev costs as much as a third of a check

    told = events(stopped)
    if isinstance(told, Unread):
        return  # without udev the key for looking again remains
    for event in told:
        name = event.path.rpartition("/")[2]
        yield f"{name}: {event.action}" + (f" ({event.driver})" if event.driver else "")


def _nothing_happens(_stopped: Callable[[], bool]) -> Iterator[str]:
    return iter(())


def _survey(source: str | None, chosen: tuple[PciAddress, ...]) -> Survey:
    from vfio_wizard.tui.survey import Survey  # noqa: PLC0415

    seen = look(source, topology=False)
    findings = run_checks(seen.facts, chosen)
    return Survey(seen.facts, short_names_of(seen), findings, verdict(findings))


def _propose(
    source: str | None, survey: Survey, chosen: tuple[PciAddress, ...], allow: tuple[str, ...]
) -> Proposal:
    from vfio_wizard.planning.plan import make_plan  # noqa: PLC0415 - only once a card was chosen
    from vfio_wizard.render import nixos  # noqa: PLC0415
    from vfio_wizard.render.nixos_target import FILE_NAME  # noqa: PLC0415
    from vfio_wizard.tui.survey import Proposal  # noqa: PLC0415

    plan = make_plan(survey.facts, Selection(gpus=chosen, allow=allow), survey.names)
    text = "" if plan.refusals else nixos.render(plan, tool_version=__version__)
    return Proposal(
        file_name=FILE_NAME,
        text=text,
        refusals=tuple(f"{one.id}: {one.text}" for one in plan.refusals),
        warnings=tuple(f"{one.id}: {one.text}" for one in plan.warnings),
        command=_command(source, chosen, FILE_NAME),
    )


def _command(source: str | None, chosen: tuple[PciAddress, ...], file_name: str) -> str:
    import shlex  # noqa: PLC0415

    words = ["vfio-wizard", "export"]
    words += ["--host", source] if source else []
    words += [word for address in chosen for word in ("--gpu", str(address))]
    return shlex.join([*words, "-o", file_name])


def _save(path: str, text: str) -> str:
    from vfio_wizard.cli.export import refuse_strangers  # noqa: PLC0415
    from vfio_wizard.system.files import write_whole  # noqa: PLC0415

    if not path.strip():
        message = "name a file"
        raise UsageError(message)
    refuse_strangers(path, text.encode(), force=False)
    write_whole(path, text.encode())
    return f"wrote {path}"


def _explain(check: str) -> str:
    from vfio_wizard.report.explain import explain_text  # noqa: PLC0415

    return explain_text(check, 70)
