"""A hook for libvirt that keeps the host's processes off a guest's CPUs while it runs, by cpusets.

For a guest whose card is bound at boot; the hook of a card that comes and goes does this as well.
"""

from __future__ import annotations

import shlex

from vfio_wizard.knowledge.libvirt import CPU_HOOK, HOOKS_FOLDER
from vfio_wizard.model.plan import Action, Artifact, CpuIsolation, Stage
from vfio_wizard.planning.cpus import UNITS
from vfio_wizard.render.hooks import RESTART, SIGNATURE, printable, slug
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.scene import Scene

_BECAUSE = "while the guest runs, the host's own processes stay off its CPUs"


def place(guest: str) -> str:
    """Before the hook of a card, in the folder that libvirt runs from 6.5 on."""
    return f"/{HOOKS_FOLDER}/{CPU_HOOK}{slug(guest)}"


def script(guest: str, cpus: CpuIsolation) -> str:
    """The file. Raises UsageError for what cannot be a guest's name.

    A unit that cannot be moved does not keep the guest from starting: it only stutters more. The fact
    ``cpu_hooks`` is read from these lines.
    """
    lines = (
        "#!/bin/sh",
        f"# {SIGNATURE}: libvirt calls it with a guest, an operation and a part of it.",
        "# While this guest runs, the host's own processes stay off its CPUs, until the next boot at most.",
        "set -u",
        f'[ "${{1:-}}" = {shlex.quote(printable(guest))} ] || exit 0',
        'case "${2:-}/${3:-}" in',
        f"prepare/begin) cpus={shlex.quote(cpus.host)} ;;",
        f"release/end) cpus={shlex.quote(cpus.every)} ;;",
        "*) exit 0 ;;",
        "esac",
        f"for unit in {' '.join(UNITS)}; do",
        '    systemctl set-property --runtime -- "$unit" "AllowedCPUs=$cpus" </dev/null >/dev/null 2>&1 ||',
        '        echo "vfio-wizard: $unit could not be moved to CPUs $cpus" >&2',
        "done",
        "cat >/dev/null",
        "exit 0",
    )
    return "\n".join(lines) + "\n"


def file(guest: str, cpus: CpuIsolation, action: Action = Action.CREATE) -> Artifact:
    """The script in its place: nothing boots with it."""
    return Artifact(place(guest), "0755", action, script(guest, cpus), _BECAUSE, Stage.AFTER)


def render(scene: Scene) -> Rendered:
    """The hook that a plan wants, and what to do so that libvirt sees it."""
    guest, cpus = scene.plan.guest, scene.plan.cpus
    if cpus is None or not cpus.hook_wanted:
        return Rendered()
    action = Action.REPLACE if scene.has(place(guest).lstrip("/")) else Action.CREATE
    return Rendered((file(guest, cpus, action),), (), (RESTART,))
