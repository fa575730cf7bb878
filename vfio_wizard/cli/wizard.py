"""The interactive wizard, over the same functions as the commands."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from vfio_wizard.cli import remembered
from vfio_wizard.cli.given import Given
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.selection import Selection

if TYPE_CHECKING:
    from vfio_wizard.cli.look import Seen
    from vfio_wizard.report.pages.review import Proposal
    from vfio_wizard.report.pages.ways import Situation
    from vfio_wizard.system.host import Host
    from vfio_wizard.system.source import TextSource
    from vfio_wizard.tui.survey import Brain, Memory, Survey

_NOT_HERE = ("json", "only", "skip", "strict", "verbose")


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
    from vfio_wizard.system.source import open_source  # noqa: PLC0415 - a wrong source is told before

    opened = open_source(source)
    selection = _selection(given)
    from vfio_wizard.tui.app import make_app  # noqa: PLC0415 - Textual costs more than a whole check

    gc.enable()  # see main
    app = make_app(brain(source, opened), selection)
    app.run()
    return _farewell(source, app.state.has_choice)


def _farewell(source: str | None, has_choice: bool) -> int:
    """What remains on the terminal: where the answers are, and the command with the same result."""
    path = remembered.answers_path(source)
    if has_choice and os.path.exists(path):  # noqa: PTH110
        import shlex  # noqa: PLC0415

        host = f" --host {shlex.quote(source)}" if source else ""
        sys.stdout.write(f"Your answers are kept in {path}\n")
        sys.stdout.write(
            f"The same without the wizard: vfio-wizard plan{host} --answers {shlex.quote(path)}\n"
        )
    return 0


def _selection(given: Given) -> Selection | None:
    """What the command line names; None leaves it to what is remembered."""
    if not any(given.values.get(name) for name in ("gpu", "also", "answers")):
        return None
    from vfio_wizard.cli.choice import answers  # noqa: PLC0415
    from vfio_wizard.cli.look import addresses  # noqa: PLC0415

    chosen = answers(str(given.text("answers"))) if given.text("answers") else Selection(())
    return chosen._replace(
        gpus=addresses(given, "gpu") or chosen.gpus, also=addresses(given, "also") or chosen.also
    )


def brain(source: str | None, opened: Host | TextSource) -> Brain:
    """What the wizard asks, answered by what the commands use."""
    from vfio_wizard.tui.survey import Brain  # noqa: PLC0415

    eyes = _Eyes(source, opened)
    live = source is None
    return Brain(
        look=eyes.survey,
        propose=eyes.propose,
        situation=eyes.situation,
        act=lambda order, tell, stopped: _acts().act(source, order, tell, stopped),
        in_terminal=lambda order: _acts().in_terminal(source, order),
        explain=_explain,
        label="this machine" if source is None else source,
        changes=_changes if live else _nothing_happens,
        look_only=not live,
        memory=remembered.memory(source),
        recall=lambda: remembered.recall(source),
        keep=_keeper(source),
    )


def _acts() -> ModuleType:
    from vfio_wizard.cli import wizard_acts  # noqa: PLC0415 - only once something is done

    return wizard_acts


def _keeper(source: str | None) -> Callable[[Memory], None]:
    """Workers may come one behind the other: only one writes at a time."""
    lock = threading.Lock()

    def keep(kept: Memory) -> None:
        with lock:
            proven = remembered.memory(source).proven
            remembered.keep(source, kept._replace(proven=proven))

    return keep


_ONCE = ("-", "ssh://")
"""Sources that are read once: standard input is empty then, and ssh may ask for a password."""


class _Eyes:
    """Looks at the source, and holds what was seen last."""

    def __init__(self, source: str | None, opened: Host | TextSource) -> None:
        self._source = source
        self._opened: Host | TextSource | None = opened
        self._seen: Seen | None = None

    def seen(self) -> Seen:
        """The last look; the first one where there was none."""
        return self._seen or self._look()

    def _look(self) -> Seen:
        from vfio_wizard.cli.look import look_at  # noqa: PLC0415
        from vfio_wizard.system.source import open_source  # noqa: PLC0415

        opened = self._opened if self._opened is not None else open_source(self._source)
        if not (self._source or "").startswith(_ONCE):
            self._opened = None  # the next look reads anew
        else:
            self._opened = opened
        self._seen = look_at(opened)
        return self._seen

    def survey(self, selection: Selection) -> Survey:
        """Look, and judge."""
        from vfio_wizard.checks.registry import run_checks, verdict  # noqa: PLC0415 - after the first paint
        from vfio_wizard.cli.look import short_names_of  # noqa: PLC0415
        from vfio_wizard.planning.standing import never, standing, still_here, with_user  # noqa: PLC0415
        from vfio_wizard.probe.peripherals import read_peripherals  # noqa: PLC0415
        from vfio_wizard.report.pages.devices import shelf  # noqa: PLC0415
        from vfio_wizard.tui.survey import Survey  # noqa: PLC0415

        seen = self._look()
        facts = seen.facts
        if seen.host is not None:
            facts = facts._replace(peripherals=read_peripherals(seen.host))
        chosen, gone = still_here(facts, with_user(selection, facts))
        findings = run_checks(facts, (*chosen.gpus, *chosen.also))
        laid = shelf(facts, short_names_of(seen), findings, standing(facts, chosen.gpus), never(facts))
        return Survey(laid, findings, verdict(findings), chosen, tuple(str(one) for one in gone))

    def propose(self, survey: Survey, selection: Selection) -> Proposal:
        """What would be done."""
        from vfio_wizard import __version__  # noqa: PLC0415
        from vfio_wizard.cli.look import names_of  # noqa: PLC0415
        from vfio_wizard.planning.plan import make_plan  # noqa: PLC0415
        from vfio_wizard.probe.originals import read_originals  # noqa: PLC0415
        from vfio_wizard.render.outcome import Rendered  # noqa: PLC0415
        from vfio_wizard.render.registry import for_host  # noqa: PLC0415
        from vfio_wizard.report.pages.review import Proposal  # noqa: PLC0415

        facts = survey.shelf.facts
        seen = self.seen()
        plan = make_plan(facts, selection, names_of(seen))
        if plan.refusals:
            return Proposal(selection, plan, Rendered(), {})
        originals = read_originals(seen.host, facts)
        return Proposal(selection, plan, for_host(plan, originals, tool_version=__version__), originals)

    def situation(self, selection: Selection) -> Situation:
        """What decides which ways are open."""
        from vfio_wizard.model.selection import Mirror  # noqa: PLC0415
        from vfio_wizard.model.unread import Unread  # noqa: PLC0415
        from vfio_wizard.report.pages.ways import Situation  # noqa: PLC0415

        change = remembered.change_in_force() if self._source is None else None
        proven = remembered.memory(self._source).proven
        distribution = self.seen().facts.boot.distribution
        mode = selection.looking_glass.mode
        picture = {Mirror.SHM: "/dev/shm/looking-glass", Mirror.KVMFR: "/dev/kvmfr0"}.get(mode, "")  # noqa: S108
        return Situation(
            source=self._source,
            answers=remembered.answers_path(self._source),
            look_only=self._source is not None,
            is_root=os.geteuid() == 0,
            is_nixos=not isinstance(distribution, Unread) and distribution.id == "nixos",
            guest=selection.guest,
            picture=picture,
            applied=change is not None and change.transaction != proven,
            changed=change is not None,
            chosen=bool(selection.gpus or selection.also),
            restarted=change is not None and remembered.was_restarted(change),
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


def _explain(name: str) -> str:
    from vfio_wizard.report.explain import explain_text  # noqa: PLC0415
    from vfio_wizard.report.pages.steps import topic_text  # noqa: PLC0415

    return topic_text(name, 72) or explain_text(name, 72)
