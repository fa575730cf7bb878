"""The only commands that are ever run to learn something, and how.

No shell, no words from outside: a command is in the table, whole, or it is not run.
"""

from __future__ import annotations

from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Command

COMMANDS: frozenset[tuple[str, ...]] = frozenset(
    (
        ("bootctl", "status", "--no-pager"),
        ("dmesg",),
        ("journalctl", "--boot", "--dmesg", "--no-pager", "--output=short-monotonic"),
        ("libvirtd", "--version"),
        ("loginctl", "--no-legend", "list-sessions"),
        ("lspci", "-Dvmmnn"),
        ("qemu-system-x86_64", "--version"),
        ("qemu-kvm", "--version"),
        ("swtpm", "--version"),
        ("systemd-detect-virt",),
        ("uname", "-r"),
        ("virsh", "--version"),
        ("zfs", "get", "-H", "-t", "filesystem", "-o", "name,value,source", "org.zfsbootmenu:commandline"),
    )
)
"""Each reads and changes nothing."""

ADAPTERS: dict[tuple[str, ...], tuple[str, str]] = {
    ("@libvirt", "state"): ("vfio_wizard.system.libvirt", "state_text"),
    ("@pylspci", "names"): ("vfio_wizard.system.lspci", "names_text"),
    ("@pyroute2", "links"): ("vfio_wizard.system.netlink", "links_text"),
    ("@pyudev", "pci"): ("vfio_wizard.system.udev", "properties_text"),
}
"""Pseudo commands, and the module and function that answer them with JSON text."""

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:/run/current-system/sw/bin"
"""Fixed, so that root never runs what an unprivileged user put first in PATH."""


def answer(command: Command) -> str | Unread:
    """The output of a command in the table on this machine; any other is refused as untold."""
    shown = " ".join(command.argv)
    if command.argv in ADAPTERS:
        return _adapter(command)
    if command.argv not in COMMANDS:
        return Unread(shown, Gap.UNTOLD, "not a command that is run to learn something")
    return _output(command, shown)


def _adapter(command: Command) -> str | Unread:
    import importlib  # noqa: PLC0415 - as the adapters themselves, only where one is asked

    module, function = ADAPTERS[command.argv]
    told: str | Unread = getattr(importlib.import_module(module), function)()
    return told


def _output(command: Command, shown: str) -> str | Unread:
    import subprocess  # noqa: PLC0415 - costs more than all files that a check reads

    try:
        done = subprocess.run(  # noqa: S603 - the argument list comes from COMMANDS
            command.argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=command.timeout,
            env={"PATH": _PATH, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"},
            check=False,
        )
    except FileNotFoundError:
        return Unread(shown, Gap.ABSENT, f"{command.argv[0]} is not installed")
    except PermissionError:
        return Unread(shown, Gap.DENIED)
    except (OSError, subprocess.TimeoutExpired) as error:
        late = isinstance(error, subprocess.TimeoutExpired)
        return Unread(shown, Gap.MALFORMED, f"no answer in {command.timeout:g} s" if late else str(error))
    if done.returncode:
        return _refusal(shown, done.returncode, done.stderr.decode("utf-8", "backslashreplace"))
    return done.stdout.decode("utf-8", "backslashreplace").rstrip("\n\0")


def _refusal(shown: str, code: int, complaint: str) -> Unread:
    words = complaint.strip().partition("\n")[0][:200]
    denied = "not permitted" in words or "ermission denied" in words
    return Unread(shown, Gap.DENIED if denied else Gap.MALFORMED, words or f"exit code {code}")
