"""``hooks``: the card goes to the guest when it starts and comes back when it ends; shown, or installed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from vfio_wizard import __version__
from vfio_wizard.cli.choice import selection
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.guest_choice import with_guest
from vfio_wizard.cli.look import Seen, look, names_of, print_json
from vfio_wizard.knowledge.libvirt import HOOKS_SINCE
from vfio_wizard.model.errors import UsageError, WizardError
from vfio_wizard.model.plan import Artifact, Refusal
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import CpuWish, HookWish, Selection
from vfio_wizard.model.unread import Unread
from vfio_wizard.model.version import Release, release
from vfio_wizard.planning import hook as planning
from vfio_wizard.planning.answers import print_answers
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.render import hooks as printing
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.report.clean import clean
from vfio_wizard.system.host import RootHost, require_live

if TYPE_CHECKING:
    from vfio_wizard.apply.disk import RootDisk

SCHEMA = "vfio-wizard/hooks/1"


class Made(NamedTuple):
    """The hook as a file, and what was asked for."""

    selection: Selection
    rendered: Rendered
    refusals: tuple[Refusal, ...]

    @property
    def file(self) -> Artifact:
        """The script."""
        return self.rendered.artifacts[0]


def run(given: Given) -> int:
    """Print the script, write it somewhere, or install it. 1 when it is refused."""
    seen = look(given.text("host"))
    made = _made(given, seen) if given.text("cpus") is None else _made_for_cpus(given, seen)
    if made.refusals:
        if given.flag("json"):
            print_json(_document(made, "refused"))
        for one in made.refusals:
            _say(f"refused ({one.id}): {one.text}")
        _say("nothing was written")
        return Exit.BLOCKED
    if given.flag("install"):
        return _install(given, made, seen)
    if given.flag("json"):
        print_json(_document(made, "shown"))
    else:
        sys.stdout.write(made.file.text)
        _say(f"this goes to {made.file.path} (mode {made.file.mode}); --install puts it there")
    return Exit.OK


def _made(given: Given, seen: Seen) -> Made:
    chosen = with_guest(given, selection(given, seen))
    chosen = chosen._replace(hooks=_wish(given, chosen.hooks))
    plan = make_plan(seen.facts, chosen, names_of(seen))
    hook = planning.plan_hook(plan, chosen.hooks, chosen.guest)
    rendered = printing.render(hook, _libvirt(given, seen), tool_version=__version__)
    return Made(chosen, rendered, plan.refusals)


def _made_for_cpus(given: Given, seen: Seen) -> Made:
    """The hook that keeps the host off the guest's CPUs, for a card that is bound at boot."""
    from vfio_wizard.cli.cores import kept_free  # noqa: PLC0415 - the other hook needs none of it
    from vfio_wizard.planning.cpus import parse_cpu_list  # noqa: PLC0415
    from vfio_wizard.planning.pinning import pins_for  # noqa: PLC0415
    from vfio_wizard.render import cpu_hook  # noqa: PLC0415

    chosen, words = with_guest(given, selection(given, seen)), str(given.text("cpus"))
    if words != "auto":
        chosen = chosen._replace(cpus=CpuWish(parse_cpu_list(words)))
    version = _libvirt(given, seen)
    if version is not None and version < HOOKS_SINCE:
        message = (
            "this libvirt runs one script for all guests: call what `vfio-wizard cores --hook GUEST` prints "
            f"from {printing.FOLDER}/qemu"
        )
        raise WizardError(message)
    file = cpu_hook.file(chosen.guest, kept_free(pins_for(seen.facts, chosen)))
    return Made(chosen, Rendered((file,), (), (printing.RESTART,)), ())


def _wish(given: Given, wish: HookWish) -> HookWish:
    text = given.text("wait")
    if text is not None and not (text.isascii() and text.isdigit() and len(text) < 6):
        message = f"--wait: not a number of seconds: {text!r}"
        raise UsageError(message)
    return HookWish(
        card=True,
        display_manager=given.flag("display_manager") or wish.display_manager,
        wait=wish.wait if text is None else int(text),
    )


def _libvirt(given: Given, seen: Seen) -> Release | None:
    """The version decides about the place; where nothing tells it, it is none that is too old."""
    asked = given.text("libvirt")
    if asked is not None:
        found = release(asked)
        if found is None:
            message = f"--libvirt: not a version: {asked!r} (expected a form like 11.3)"
            raise UsageError(message)
        return found
    fact = seen.facts.virt.libvirt
    return None if isinstance(fact, Unread) or fact is None else release(fact)


# -- installing ------------------------------------------------------------------------------------


class NothingBoots:
    """A hook is no part of the next boot, so there is nothing to prove about it."""

    def image(self) -> tuple[str, ...]:
        """See transaction.Proof."""
        return ()

    def entries(self) -> tuple[str, ...]:
        """See transaction.Proof."""
        return ()

    def saved(self) -> dict[str, object]:
        """See transaction.Proof."""
        return {}


def _install(given: Given, made: Made, seen: Seen) -> int:
    from vfio_wizard.apply.disk import RootDisk  # noqa: PLC0415 - only to change something

    require_live(seen.host or RootHost("/", is_record=True), "install a hook")
    if _is_nixos(seen):
        message = (
            "NixOS writes /var/lib/libvirt/hooks itself: `vfio-wizard export` puts the hook into the module"
        )
        raise WizardError(message)
    if os.geteuid() != 0:
        message = "installing a hook needs root: sudo vfio-wizard hooks --install"
        raise WizardError(message)
    return install(given, made, RootDisk())


def install(given: Given, made: Made, disk: RootDisk) -> int:
    """One file, journalled as every change; ``vfio-wizard undo`` takes it back."""
    from vfio_wizard.apply import allowed  # noqa: PLC0415 - only to change something
    from vfio_wizard.apply.prepare import prepare  # noqa: PLC0415
    from vfio_wizard.apply.runner import SystemRunner  # noqa: PLC0415
    from vfio_wizard.apply.transaction import carry_out  # noqa: PLC0415
    from vfio_wizard.cli.apply import confirm  # noqa: PLC0415
    from vfio_wizard.cli.talk import Talk  # noqa: PLC0415

    work = prepare(made.rendered, disk, _about(made))
    change = work.changes[0]
    before = disk.read(change.path) if disk.look(change.path) is not None else None
    _refuse_strangers(before, made.file.path)
    if before == change.content:
        return _installed(given, made, "is there already")
    allowed.check(work)
    confirm(given, f"Write {made.file.path}?")
    result = carry_out(work, disk, SystemRunner(), NothingBoots(), Talk())
    if result.failure is not None:
        message = f"the hook was not installed: {result.failure.text}"
        raise WizardError(message)
    return _installed(given, made, "is installed")


def _about(made: Made) -> dict[str, object]:
    """The head of the journal."""
    from vfio_wizard.apply.proof import boot_id  # noqa: PLC0415 - as above

    return {
        "tool": {"name": "vfio-wizard", "version": __version__},
        "boot_id": boot_id(RootHost()),
        "plan": _document(made, "planned"),
        "answers": print_answers(made.selection),
    }


def _installed(given: Given, made: Made, how: str) -> int:
    if given.flag("json"):
        print_json(_document(made, how.replace(" ", "-")))
    else:
        _say(f"{made.file.path} {how}; away with: vfio-wizard undo")
        for note in made.rendered.notes:
            _say(note)
    return Exit.OK


def _refuse_strangers(before: bytes | None, path: str) -> None:
    """libvirt before 6.5 has room for one script only; somebody else's is not replaced."""
    if before is None or printing.SIGNATURE.encode() in before[:200]:
        return
    message = (
        f"{path} is there already and not written by this program; this libvirt runs only one script: call "
        "the one that `vfio-wizard hooks` prints from it"
    )
    raise WizardError(message)


def _is_nixos(seen: Seen) -> bool:
    distribution = seen.facts.boot.distribution
    return not isinstance(distribution, Unread) and distribution.id == "nixos"


def _document(made: Made, state: str) -> dict[str, object]:
    file = made.file
    return {
        "schema": SCHEMA,
        "state": state,
        "guest": made.selection.guest,
        "artifact": {"path": file.path, "mode": file.mode, "text": file.text, "because": file.because},
        "notes": list(made.rendered.notes),
        "refusals": [{"id": one.id, "text": one.text} for one in made.refusals],
    }


def _say(text: str) -> None:
    sys.stderr.write(f"{clean(text)}\n")
