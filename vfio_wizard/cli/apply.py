"""``apply``: exactly the plan that is shown, after confirmation; all of it, or nothing."""

from __future__ import annotations

import os
import sys

from vfio_wizard import __version__
from vfio_wizard.apply import allowed
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.prepare import prepare
from vfio_wizard.apply.proof import HostProof, boot_id
from vfio_wizard.apply.runner import SystemRunner
from vfio_wizard.apply.transaction import Result, carry_out
from vfio_wizard.apply.work import Json, Work
from vfio_wizard.cli.choice import selection
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen, json_text, look, names_of, width
from vfio_wizard.cli.streams import to_stderr, to_stdout
from vfio_wizard.cli.talk import Talk
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.originals import Originals
from vfio_wizard.model.plan import Plan, Stage
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.answers import parse as parse_answers
from vfio_wizard.planning.answers import print_answers
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.planning.plan_json import plan_json
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.registry import NIXOS, for_host
from vfio_wizard.report.clean import clean
from vfio_wizard.system.host import RootHost, require_live

SCHEMA = "vfio-wizard/apply/1"


class Planned(NamedTuple):
    """A plan with everything that was made of it."""

    selection: Selection
    plan: Plan
    originals: Originals
    rendered: Rendered


def run(given: Given) -> int:
    """Make the plan so. 1 when refused or taken back, 4 when something is left half-done."""
    if given.text("plan"):
        return _handed_over(given)
    planned = planned_here(given)
    plan, rendered = planned.plan, planned.rendered
    if not given.flag("json"):
        from vfio_wizard.report.plan_text import plan_text  # noqa: PLC0415 - for people

        to_stdout(plan_text(plan, rendered, planned.originals, width()))
    early = _without_change(given, planned)
    if early is not None:
        return early
    confirm(given, "Make this change?")
    if not is_root():
        return _by_root(given, planned)
    return make_so(given, planned, prepare(rendered, RootDisk(), about(planned)))


def _without_change(given: Given, planned: Planned) -> int | None:
    """Where nothing is to be done on this machine, or not by this program; None where there is."""
    plan, rendered = planned.plan, planned.rendered
    if plan.refusals:
        return _ended(given, planned, "refused", Exit.BLOCKED, *(one.text for one in plan.refusals))
    if not rendered.artifacts and not rendered.commands and not rendered.notes:
        return _ended(given, planned, "nothing-to-do", Exit.OK)
    if plan.machine.distribution == NIXOS:
        from vfio_wizard.cli.apply_nixos import place_module  # noqa: PLC0415 - for NixOS only

        return place_module(given, planned)
    by_hand = what_is_left(plan, rendered)
    return _ended(given, planned, "by-hand", Exit.BLOCKED, *by_hand) if by_hand else None


def planned_here(given: Given) -> Planned:
    """The plan for this machine. Raises NotLiveError for any other."""
    seen = look(given.text("host"))
    require_live(seen.host or RootHost("/", is_record=True), "apply the plan")
    return _planned(seen, selection(given, seen))


def _planned(seen: Seen, chosen: Selection) -> Planned:
    plan = make_plan(seen.facts, chosen, names_of(seen))
    originals = read_originals(seen.host, seen.facts)
    settled = chosen._replace(users=plan.users)
    return Planned(settled, plan, originals, for_host(plan, originals, tool_version=__version__))


# -- from an ordinary user to root ----------------------------------------------------------------


def _by_root(given: Given, planned: Planned) -> int:
    from vfio_wizard.apply import planfile  # noqa: PLC0415 - root needs none
    from vfio_wizard.cli import elevate  # noqa: PLC0415 - as above

    work = prepare(planned.rendered, RootDisk(), {})
    return elevate.as_root(planfile.to_text(document(planned), print_answers(planned.selection), work), given)


def _handed_over(given: Given) -> int:
    """The privileged side: the plan is made anew here, and the file must say the same."""
    from vfio_wizard.apply import planfile  # noqa: PLC0415 - only this side reads one
    from vfio_wizard.cli import elevate  # noqa: PLC0415 - as above

    if not is_root():
        message = "--plan is for the side that may change the machine; without it the plan is made here"
        raise UsageError(message)
    if given.list("gpu") or given.list("also") or given.text("answers") or given.text("host"):
        message = "--plan brings its own answers; leave out --gpu, --also, --answers and --host"
        raise UsageError(message)
    handed = planfile.read(str(given.text("plan")), elevate.callers())
    elevate.clean_environment()
    planned = _planned(look(None), parse_answers(handed.answers))
    work = prepare(planned.rendered, RootDisk(), about(planned))
    odd = planfile.differences(handed, document(planned), work)
    if odd:
        reason = (
            "the machine changed since the plan was made, or the plan was altered, or root sees more of it"
        )
        return _ended(given, planned, "refused", Exit.BLOCKED, f"{reason}:", *odd, _SEE)
    if planned.plan.refusals:
        return _ended(given, planned, "refused", Exit.BLOCKED, *(one.text for one in planned.plan.refusals))
    confirm(given, "Make this change?")
    return make_so(given, planned, work)


_SEE = "nothing was changed; sudo vfio-wizard apply shows the plan as root sees it"


# -- the change -----------------------------------------------------------------------------------


def what_is_left(plan: Plan, rendered: Rendered) -> tuple[str, ...]:
    """Why a part of the plan cannot be made here by this program; nothing is begun then."""
    words = [one.word for one in (*plan.missing(), *plan.remove)]
    stages = {one.stage for one in rendered.artifacts} | {one.stage for one in rendered.commands}
    if not words or stages & {Stage.LOADER, Stage.ENTRIES}:
        return ()
    chain = plan.machine.loader or "an unknown boot loader"
    return (f"the kernel command line of {chain} is not changed by this program; by hand:", *rendered.notes)


def confirm(given: Given, question: str) -> None:
    """Ask on a terminal. Raises UsageError where nobody can answer and ``--yes`` was not given."""
    if given.flag("yes"):
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = "nobody can be asked here: add --yes to make the change without a question"
        raise UsageError(message)
    to_stdout("")
    to_stderr(f"\n{question} [y/N] ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        message = "not confirmed; nothing was changed"
        raise UsageError(message)


def document(planned: Planned) -> Json:
    """The plan as the public object."""
    return plan_json(planned.plan, *planned.rendered)


def about(planned: Planned) -> Json:
    """The head of the journal."""
    return {
        "tool": {"name": "vfio-wizard", "version": __version__},
        "boot_id": boot_id(RootHost()),
        "plan": document(planned),
        "answers": print_answers(planned.selection),
    }


def make_so(given: Given, planned: Planned, work: Work) -> int:
    """As root: keep, change, prove; then say how to get back."""
    proof = HostProof(planned.plan, unproven=given.flag("unproven"))
    allowed.check(work)
    talk = Talk()
    try:
        result = carry_out(work, RootDisk(), SystemRunner(), proof, talk)
    finally:
        talk.end()
    return _told(given, planned, work, result)


def _told(given: Given, planned: Planned, work: Work, result: Result) -> int:
    if result.failure is None:
        if not given.flag("json"):
            from vfio_wizard.report.apply_text import ending  # noqa: PLC0415 - only after a change

            to_stdout(ending(planned.rendered.ways_back, result.number, width()))
        return _ended(given, planned, "applied", Exit.OK, number=result.number, work=work)
    undone = result.undone
    if undone is not None and not undone.complete:
        problems = (
            result.failure.text,
            *undone.problems,
            *(f"/{one.path} was changed meanwhile" for one in undone.conflicts),
        )
        to_stderr(
            f"not everything could be taken back; next: vfio-wizard undo, or sh /{result.folder}/undo.sh\n"
        )
        return _ended(given, planned, "partial", Exit.PARTIAL, *problems, number=result.number)
    code = Exit.INTERRUPTED if result.failure.interrupted else Exit.BLOCKED
    compared = undone.compared if undone is not None else 0
    to_stderr(f"everything was taken back; {compared} files are byte for byte as before\n")
    return _ended(given, planned, "taken-back", code, result.failure.text, number=result.number)


def _ended(
    given: Given,
    planned: Planned,
    outcome: str,
    code: Exit,
    *reasons: str,
    number: int | None = None,
    work: Work | None = None,
) -> int:
    for one in reasons:
        to_stderr(f"{clean(one)}\n")
    if given.flag("json"):
        told = {
            "schema": SCHEMA,
            "outcome": outcome,
            "reasons": list(reasons),
            "transaction": number,
            "written": [f"/{one.path}" for one in work.changes] if work else [],
            "commands": [list(one.argv) for one in work.runs] if work else [],
            "ways_back": list(planned.rendered.ways_back),
        }
        to_stdout(json_text(told))
    return code


def is_root() -> bool:
    """Whether this process may change the machine."""
    return os.geteuid() == 0
