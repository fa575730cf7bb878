"""A hook for libvirt that keeps the host's processes off a guest's CPUs while it runs, by cpusets.

For a guest whose card is bound at boot; the hook of a card that comes and goes does this as well.
"""

from __future__ import annotations

import shlex

from vfio_wizard.model.plan import CpuIsolation
from vfio_wizard.planning.cpus import UNITS
from vfio_wizard.render.hooks import FOLDER, SIGNATURE, printable, slug


def place(guest: str) -> str:
    """Before the hook of a card, in the folder that libvirt runs from 6.5 on."""
    return f"{FOLDER}/qemu.d/40-vfio-wizard-cpus-{slug(guest)}"


def script(guest: str, cpus: CpuIsolation, *, tool_version: str) -> str:
    """The file. Raises UsageError for what cannot be a guest's name.

    A unit that cannot be moved does not keep the guest from starting: it only stutters more.
    """
    lines = (
        "#!/bin/sh",
        f"# {SIGNATURE} {tool_version}: libvirt calls it with a guest, an operation and a part of it.",
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
