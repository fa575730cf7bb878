"""``export``: one file made from the plan, for NixOS or any other system."""

# ruff: noqa: PTH103, PTH111, PTH112, PTH118, PTH120, PTH123 - importing pathlib costs more than the export
from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

from vfio_wizard import __version__
from vfio_wizard.cli.choice import selection
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen, look, names_of, print_json
from vfio_wizard.model.errors import UsageError, WizardError
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.plan import Action, Artifact, Plan
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.render import nixos
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.registry import FORMATS, NIXOS, render_full
from vfio_wizard.report.clean import clean

SIGNATURE = "vfio-wizard"
"""Every file that this program writes names it in its first lines."""

HOST = "host"
"""The format that is every file which this very host would get, with the steps in words."""
STEPS_FILE = "STEPS.txt"

_PATCH_LIMIT = 4 << 20


def run(given: Given) -> int:
    """Write the artifact, or say why not. Refusals are exit code 1, and nothing is written then."""
    name = _format(given.text("format"))
    if name is None:
        sys.stdout.write("\n".join((*FORMATS, HOST)) + "\n")
        return 0
    seen = look(given.text("host"))
    plan = make_plan(seen.facts, selection(given, seen), names_of(seen))
    if plan.refusals:
        return _refused(plan, given)
    rendered = _for_host(plan, seen) if name == HOST else render_full(name, plan, tool_version=__version__)
    patches = _patches(plan) if name == NIXOS else ()
    to_file = given.text("output") not in (None, "-")
    if given.flag("json"):
        from vfio_wizard.planning.plan_json import plan_json  # noqa: PLC0415

        print_json(plan_json(plan, *rendered))
    if to_file or not given.flag("json"):
        _deliver(rendered, patches, given)
    _narrate(plan, rendered)
    if name == NIXOS:
        _say_what_to_do(plan, seen.facts, given.text("output") if to_file else None)
    return 0


def _say_what_to_do(plan: Plan, facts: HostFacts, path: str | None) -> None:
    from vfio_wizard.render import nixos_steps  # noqa: PLC0415 - only after a module was made

    for one in nixos_steps.already_set(plan, facts):
        sys.stderr.write(f"there already: {clean(one)}\n")
    if path is not None:
        for number, step in enumerate(nixos_steps.steps(plan, path=path), 1):
            sys.stderr.write(f"{number}. {clean(step)}\n")


def _for_host(plan: Plan, seen: Seen) -> Rendered:
    """What apply would write, and the order of it as a file beside it."""
    from vfio_wizard.probe.originals import read_originals  # noqa: PLC0415 - only this format asks
    from vfio_wizard.render.registry import for_host  # noqa: PLC0415
    from vfio_wizard.report.plan_text import plan_text  # noqa: PLC0415

    originals = read_originals(seen.host, seen.facts)
    rendered = for_host(plan, originals, tool_version=__version__)
    text = f"Made by {SIGNATURE} {__version__}.\n\n{plan_text(plan, rendered, originals)}"
    steps = Artifact(STEPS_FILE, "0644", Action.CREATE, text, "the whole plan in words, commands included")
    return rendered._replace(artifacts=(*_whole(rendered, originals), steps))


def _whole(rendered: Rendered, originals: Mapping[str, str]) -> Iterator[Artifact]:
    """Each file with its whole content, so that it can be copied into its place."""
    for one in rendered.artifacts:
        old = originals.get(one.path.lstrip("/"), "") if one.action is Action.APPEND else ""
        gap = "\n" if old and not old.endswith("\n") else ""
        yield one._replace(text=f"{old}{gap}{one.text}")


def _format(word: str | None) -> str | None:
    if word == "list":
        return None
    name = NIXOS if word in (None, "nix") else str(word)
    if name not in (*FORMATS, HOST):
        message = f"not a format: {name!r}; there are {', '.join((*FORMATS, HOST))}"
        raise UsageError(message)
    return name


def _refused(plan: Plan, given: Given) -> int:
    if given.flag("json"):
        from vfio_wizard.planning.plan_json import plan_json  # noqa: PLC0415

        print_json(plan_json(plan, ()))
    for one in plan.refusals:
        sys.stderr.write(f"refused ({clean(one.id)}): {clean(one.text)}\n")
    ids = " ".join(f"--allow {one}" for one in dict.fromkeys(one.id for one in plan.refusals))
    sys.stderr.write(f"nothing was written; if you know better: {ids}\n")
    return 1


def _narrate(plan: Plan, rendered: Rendered) -> None:
    for advice in plan.warnings:
        sys.stderr.write(f"mind ({clean(advice.id)}): {clean(advice.text)}\n")
    for note in rendered.notes:
        sys.stderr.write(f"note: {clean(note)}\n")


def _deliver(rendered: Rendered, patches: tuple[tuple[str, bytes], ...], given: Given) -> None:
    output = given.text("output")
    if output is None or output == "-":
        if patches:
            message = "a module with patches is more than one file: name a place with -o FILE"
            raise UsageError(message)
        sys.stdout.write(_joined(rendered))
        return
    from vfio_wizard.system.files import write_whole  # noqa: PLC0415

    files = [
        (_place(one, rendered, output), one.text.encode("utf-8", "surrogateescape"), int(one.mode, 8))
        for one in rendered.artifacts
    ]
    beside = os.path.dirname(files[0][0]) if files else "."
    files += [(os.path.join(beside, name), content, 0o644) for name, content in patches]
    for path, content, _ in files:
        refuse_strangers(path, content, given.flag("force"))
    for path, content, mode in files:
        _make_room(os.path.dirname(path) or ".")
        write_whole(path, content, mode)
        sys.stderr.write(f"wrote {clean(path)}\n")


def _make_room(directory: str) -> None:
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        message = f"cannot make the directory {directory}: {(error.strerror or str(error)).lower()}"
        raise WizardError(message) from None


def _joined(rendered: Rendered) -> str:
    if len(rendered.artifacts) == 1:
        return rendered.artifacts[0].text
    parts = [
        f"# file: {one.path} (mode {one.mode}, {one.action.value})\n{one.text}" for one in rendered.artifacts
    ]
    parts += [f"# then run: {one.shown}\n" for one in rendered.commands]
    return "\n".join(parts)


def _place(artifact: Artifact, rendered: Rendered, output: str) -> str:
    """One artifact goes where the user said; several go below the directory that he named."""
    if os.path.isdir(output) or output.endswith("/"):
        return os.path.join(output, artifact.path.lstrip("/"))
    if len(rendered.artifacts) > 1:
        message = f"this format is {len(rendered.artifacts)} files: name a directory with -o DIRECTORY/"
        raise UsageError(message)
    return output


def refuse_strangers(path: str, content: bytes, force: bool) -> None:
    """A file that this program did not write is never replaced unasked."""
    if force or not os.path.lexists(path):
        return
    try:
        with open(path, "rb") as stream:
            before = stream.read(_PATCH_LIMIT)
    except OSError as error:
        message = f"cannot replace {path}: {(error.strerror or str(error)).lower()}"
        raise WizardError(message) from None
    if before == content or SIGNATURE.encode() in before[:2048]:
        return
    message = f"{path} is there already and not written by this program; choose another name, or add --force"
    raise WizardError(message)


def _patches(plan: Plan) -> tuple[tuple[str, bytes], ...]:
    """The kernel patches that the user named, checked to be patches, with their names beside the module."""
    return tuple((name, _patch(path)) for path, name in nixos.patch_files(plan))


def _patch(path: str) -> bytes:
    try:
        with open(os.path.expanduser(path), "rb") as stream:
            content = stream.read(_PATCH_LIMIT + 1)
    except OSError as error:
        message = f"cannot read the patch {path}: {(error.strerror or str(error)).lower()}"
        raise UsageError(message) from None
    from vfio_wizard.planning.patches import problem  # noqa: PLC0415 - most exports have no patch

    wrong = problem(content.decode("utf-8", "backslashreplace"))
    if wrong is not None:
        message = f"{path} is no kernel patch: {wrong}"
        raise UsageError(message)
    return content
