"""libvirt's hook for a card that the host uses while the guest does not run: a script, and where it goes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from vfio_wizard.knowledge.libvirt import HOOKS_SINCE
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.hook import Hook
from vfio_wizard.model.plan import Action, Artifact, Run, Stage
from vfio_wizard.model.version import Release
from vfio_wizard.render.hook_body import BODY
from vfio_wizard.render.outcome import Rendered

FOLDER = "/etc/libvirt/hooks"
SIGNATURE = "Written by vfio-wizard"

_PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin"


def script(hook: Hook, *, tool_version: str, root: str = "", path: str = _PATH, mounts: str = "") -> str:
    """The whole script. ``root`` is put before /sys, /dev and /run, for a tree that is not this machine's."""
    return "\n".join(_head(hook, tool_version, root, path, mounts)) + "\n" + BODY


def _head(hook: Hook, tool_version: str, root: str, path: str, mounts: str) -> Iterator[str]:
    yield "#!/bin/sh"
    yield f"# {SIGNATURE} {tool_version}: libvirt calls it with a guest, an operation and a part of it."
    yield "# Before this guest starts the card leaves the host's drivers; when it has ended it comes back."
    yield "# A card that a process holds is never taken: the start fails then, and names the process."
    yield "set -u"
    yield f"PATH={shlex.quote(path)}"
    yield "export PATH"
    yield "umask 077"
    yield ""
    values = {
        "root": root,
        "guest": printable(hook.guest),
        "functions": " ".join(map(str, hook.functions)),
        "display": "yes" if hook.display else "no",
        "wait": str(hook.wait),
        "limit": str(hook.limit),
        "host_cpus": hook.cpus.host if hook.cpus else "",
        "every_cpu": hook.cpus.every if hook.cpus else "",
        "mounts": mounts or "/proc/mounts",
    }
    for name, value in values.items():
        if name == "guest" and ("$" in value or "`" in value):
            yield "# shellcheck disable=SC2016 # a name is taken as it is"
        yield f"{name}={shlex.quote(value) if value else ''}"
    yield f"state=$root/run/vfio-wizard/hook-{slug(hook.guest)}"


def printable(guest: str) -> str:
    """A guest's name; libvirt has none with a newline. Raises UsageError for a control character."""
    if any(ord(char) < 0x20 or ord(char) == 0x7F or 0xD800 <= ord(char) <= 0xDFFF for char in guest):
        message = f"not a guest's name: {guest!r}"
        raise UsageError(message)
    return guest


def slug(guest: str) -> str:
    """A part of a file's name for any guest; two guests never share one."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "" for char in guest)
    if plain == guest and len(guest) <= 60:
        return guest
    import hashlib  # noqa: PLC0415 - only for unusual names

    return f"{plain[:40]}-{hashlib.sha256(guest.encode()).hexdigest()[:12]}"


def place(guest: str, libvirt: Release | None) -> str:
    """Beside other scripts where libvirt runs a folder of them; else the one script that there can be."""
    if libvirt is not None and libvirt < HOOKS_SINCE:
        return f"{FOLDER}/qemu"
    return f"{FOLDER}/qemu.d/50-vfio-wizard-{slug(guest)}"


def render(hook: Hook, libvirt: Release | None, *, tool_version: str) -> Rendered:
    """The file, and what to do so that libvirt sees it."""
    because = "the card goes to the guest when it starts, and back to the host when it ends"
    text = script(hook, tool_version=tool_version)
    file = Artifact(place(hook.guest, libvirt), "0755", Action.CREATE, text, because, Stage.AFTER)
    return Rendered((file,), (), (RESTART,))


RESTART = (
    "libvirt looks for hooks when it starts: `systemctl restart libvirtd` (modular: virtqemud); guests that "
    "run "
    "go on"
)


def restart(unit: str) -> Run:
    """The daemon that runs hooks, begun anew."""
    return Run(("systemctl", "try-restart", unit), Stage.AFTER)
