"""``gpu_passthrough.nix``: the plan as a NixOS module, in three shapes and for every known release.

The module sets only options that exist in the release, and says in words what the release cannot do.
"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.names import short_name
from vfio_wizard.model.plan import Passed, Plan
from vfio_wizard.model.selection import Style
from vfio_wizard.render import nixos_boot, nixos_guest, nixos_notes
from vfio_wizard.render.nix import (
    Binding,
    Call,
    Code,
    Function,
    Let,
    Set,
    Value,
    comment,
    grouped,
    one_line,
    source,
    uses,
)
from vfio_wizard.render.nixos_target import FILE_NAME, Target, target_for

SPECIALISATION = "gpu-passthrough"
_ARGUMENTS = ("config", "lib", "pkgs")


def render(plan: Plan, *, style: Style | None = None, release: str | None = None, tool_version: str) -> str:
    """The module as text; the same bytes for the same plan. Raises UsageError for a release unknown here."""
    target = target_for(plan, release)
    shape = style or plan.nixos.style
    parts = (*nixos_boot.parts(target), *nixos_guest.parts(target))
    configuration = grouped(tuple(binding for part in parts for binding in part.bindings))
    names = tuple(binding for part in parts for binding in part.names)
    body = _SHAPES[shape](configuration, names)
    arguments = tuple(one for one in _ARGUMENTS if one in uses(body))
    return _header(target, shape, tool_version) + source(Function(arguments, body)) + "\n"


def notes(plan: Plan, release: str | None = None) -> tuple[str, ...]:
    """What this release cannot do, or what must be done beside the module; also in its header."""
    return tuple(dict.fromkeys(nixos_notes.notes(target_for(plan, release))))


def patch_files(plan: Plan) -> tuple[tuple[str, str], ...]:
    """(the path that the user named, the file name beside the module) of each kernel patch."""
    return nixos_boot.patch_files(plan)


def _as_module(configuration: Set, names: tuple[Binding, ...]) -> Value:
    return _around(names, configuration)


def _as_option(configuration: Set, names: tuple[Binding, ...]) -> Value:
    enable = Call(Code("lib.mkEnableOption", ("lib",)), "giving a graphics card to virtual machines")
    switched = Call(Code("lib.mkIf config.gpuPassthrough.enable", ("lib", "config")), configuration)
    body = Set(
        (
            Binding(("options", "gpuPassthrough", "enable"), enable),
            Binding(("config",), switched, apart=True),
        )
    )
    return _around(names, body)


def _as_specialisation(configuration: Set, names: tuple[Binding, ...]) -> Value:
    """``config`` must be the second system's own: its kernel may be another one."""
    inner = _around(names, configuration)
    if "config" in uses(inner):
        inner = Function(("config",), inner)
    why = "A second entry in the boot menu; the plain system stays the default."
    return Set((Binding(("specialisation", SPECIALISATION, "configuration"), inner, why),))


def _around(names: tuple[Binding, ...], body: Value) -> Value:
    return Let(names, body) if names else body


_SHAPES = {
    Style.MODULE: _as_module,
    Style.OPTION: _as_option,
    Style.SPECIALISATION: _as_specialisation,
}


def _header(target: Target, shape: Style, tool_version: str) -> str:
    plan = target.plan
    title = f"Gives a graphics card to virtual machines. Made by vfio-wizard {tool_version}."
    lines = [
        *_field("Machine", [_machine_words(plan)]),
        *_field("Release", [f"NixOS {target.release}"]),
        *_field("Guest", [_described(one) for one in plan.functions]),
        *_field(
            "Host", [f"{address} {short_name(name or '')}".rstrip() for address, name in plan.machine.stays]
        ),
    ]
    paragraphs = [*_usage(shape), *notes(plan, str(target.release)), *_cautions(plan)]
    blocks = [_raw_comment([title]), _raw_comment(lines), *(comment(one) for one in paragraphs)]
    return "#\n".join(blocks)


def _raw_comment(lines: list[str]) -> str:
    return "".join(f"# {one_line(line)}".rstrip() + "\n" for line in lines)


def _field(title: str, values: list[str]) -> list[str]:
    heads = [f"{title}:", *[""] * len(values)]
    return [f"{head:<8} {value}" for head, value in zip(heads, values, strict=False)]


def _machine_words(plan: Plan) -> str:
    machine = plan.machine
    kernel = f"Linux {machine.kernel}" if machine.kernel else None
    words = [word for word in (machine.label, machine.processor, kernel) if word]
    return ", ".join(words) or "not described"


def _described(one: Passed) -> str:
    identity = str(one.id) if one.id else "id not known"
    return f"{one.address} {short_name(one.name)} ({identity})" if one.name else f"{one.address} ({identity})"


def _usage(shape: Style) -> Iterator[str]:
    activate = " and set gpuPassthrough.enable = true" if shape is Style.OPTION else ""
    choose = f", and choose the entry {SPECIALISATION}" if shape is Style.SPECIALISATION else ""
    yield (
        f"On: put this file beside configuration.nix, add ./{FILE_NAME} to its imports{activate}, "
        f"run nixos-rebuild boot and restart{choose}."
    )
    yield (
        "Off: take the import out again and do the same. If the machine does not come up, the previous "
        "generation in the boot menu is the way back."
    )


def _cautions(plan: Plan) -> Iterator[str]:
    """What the user overruled and what could not be proven: the next reader should see it."""
    for one in plan.warnings:
        if one.text.startswith("Allowed by you") or one.id in _IN_HEADER:
            yield f"Note: {one.text}"


_IN_HEADER = frozenset(
    ("group.unknown", "group.overridden", "group.direct-region", "host.excerpt", "bind.address-moves")
)
