"""Looking again after kernel updates and at boot: hooks and a unit that only look, and say what they see."""

from __future__ import annotations

from vfio_wizard.model.plan import Action, Artifact, Run, Stage
from vfio_wizard.render.outcome import Rendered

UNIT = "vfio-wizard-verify.service"
_DRIFT = ("drift.kernels", "drift.images", "drift.parameters")
_BECAUSE = "looks after each kernel update whether the change still holds, and says so if not"
_WANTS = f"etc/systemd/system/multi-user.target.wants/{UNIT}"


def watch(program: str, *, debian_hooks: bool, kernel_install: bool, systemd: bool) -> Rendered:
    """``program`` is the command line of this program, quoted for a shell and for systemd alike."""
    found = Rendered()
    if debian_hooks:
        text = _hook(program, "")
        found = found.joined(_file("/etc/kernel/postinst.d/zz-vfio-wizard", text, "0755"))
    elif kernel_install:
        text = _hook(program, '[ "$1" = add ] || exit 0\n')
        found = found.joined(_file("/etc/kernel/install.d/99-vfio-wizard.install", text, "0755"))
    if systemd:
        enable = Run(("systemctl", "enable", UNIT), Stage.AFTER, makes=(_WANTS,))
        found = found.joined(_file(f"/etc/systemd/system/{UNIT}", _unit(program), "0644"))
        found = found.joined(Rendered(commands=(enable,)))
    return found


def _file(path: str, text: str, mode: str) -> Rendered:
    return Rendered((Artifact(path, mode, Action.CREATE, text, _BECAUSE, Stage.AFTER),))


def _hook(program: str, guard: str) -> str:
    """Its exit code is 0 whatever it sees: a kernel update must not fail because a card moved."""
    wanted = " ".join(f"--only {one}" for one in _DRIFT)
    return f"""#!/bin/sh
# Written by vfio-wizard watch. Taken away by vfio-wizard watch remove.
{guard}told=$({program} check --strict {wanted} 2>&1)
if [ $? = 1 ]; then
    printf 'vfio-wizard: after the next boot, GPU passthrough may not be as it was:\\n%s\\n' "$told" >&2
fi
exit 0
"""


def _unit(program: str) -> str:
    """Drivers come while other units start already: it waits until udev has handed them out."""
    return f"""# Written by vfio-wizard watch. Taken away by vfio-wizard watch remove.
[Unit]
Description=Whether GPU passthrough is as vfio-wizard set it up
ConditionPathExists=/var/lib/vfio-wizard/state.json

[Service]
Type=oneshot
SyslogIdentifier=vfio-wizard
ExecStartPre=-udevadm settle
ExecStart={program} verify

[Install]
WantedBy=multi-user.target
"""
