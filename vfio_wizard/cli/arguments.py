"""Which words the program understands.

Only the command that was asked for gets its options built, and only its module is imported.
"""

from __future__ import annotations

import argparse
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable

from vfio_wizard import __version__
from vfio_wizard.cli.given import Given

PROGRAM = "vfio-wizard"

DESCRIPTION = """GPU passthrough on Linux: look, explain, propose, change, prove, take back.
Without a command: the interactive wizard."""

EPILOG = """exit codes: 0 nothing blocks, 1 a blocker failed or a refusal, 2 usage,
3 a blocker could not be measured, 4 a change stopped part way, 130 interrupted"""


def parse(argv: list[str]) -> Given:
    """Understand the words of a call. Leaves with code 2 and a usage line where it cannot."""
    asked = next((word for word in argv if word in _COMMANDS), None)
    parser = _parser(asked)
    values = vars(parser.parse_args(argv))
    command = values.pop("command", None)
    if values.pop("check", False):
        if command not in (None, "check"):
            parser.error(f"--check is a command of its own; leave out {command!r}")
        command = "check"
    return Given(command or "wizard", values)


def all_parsers() -> dict[str, tuple[str, ArgumentParser]]:
    """The program (``""``) and every command with all its options, for the manual and the completions."""
    found = {"": (DESCRIPTION, _parser(None))}
    for name, (help_text, options) in _COMMANDS.items():
        child = ArgumentParser(prog=f"{PROGRAM} {name}", description=help_text, allow_abbrev=False)
        options(child)
        found[name] = (help_text, child)
    return found


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: argparse makes one per option, and would import shutil (3 ms) to ask for it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=78)


def _parser(asked: str | None) -> ArgumentParser:
    parser = ArgumentParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument("--check", action="store_true", help="diagnose; the same as the command check")
    _check(parser)
    commands = parser.add_subparsers(prog=PROGRAM, dest="command", metavar="COMMAND", title="commands")
    for name, (help_text, options) in _COMMANDS.items():
        child = commands.add_parser(
            name, help=help_text, description=help_text, allow_abbrev=False, formatter_class=_Help
        )
        if name == asked:
            options(child)
    return parser


# SUPPRESS everywhere: an option given before the command must not be undone by the command's default.


def _json(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", default=SUPPRESS, help="one JSON object on standard output"
    )


def _source(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        metavar="SOURCE",
        default=SUPPRESS,
        help="another machine: its root directory, a capture, a report or listing, - or ssh://name",
    )
    _json(parser)


def _selection(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--gpu", metavar="ADDRESS", action="append", default=SUPPRESS, help="a GPU to pass through")
    add("--also", metavar="ADDRESS", action="append", default=SUPPRESS, help="another device to give along")
    add("--answers", metavar="FILE", default=SUPPRESS, help="TOML file with the answers of a wizard run")


def _check(parser: ArgumentParser) -> None:
    _source(parser)
    _selection(parser)
    add = parser.add_argument
    add("--only", metavar="ID", action="append", default=SUPPRESS, help="run only this check")
    add("--skip", metavar="ID", action="append", default=SUPPRESS, help="leave out this check")
    add("--strict", action="store_true", default=SUPPRESS, help="warnings count in the exit code too")
    add("--verbose", action="store_true", default=SUPPRESS, help="show in full what passed, too")


def _capture(parser: ArgumentParser) -> None:
    _source(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="where to write; - is standard output"
    )


def _plan(parser: ArgumentParser) -> None:
    _source(parser)
    _selection(parser)
    add = parser.add_argument
    add("--allow", metavar="ID", action="append", default=SUPPRESS, help="overrule this refusal")
    add("--bind", choices=("auto", "id", "address"), default=SUPPRESS, help="how vfio-pci gets its functions")
    add("--user", metavar="NAME", action="append", default=SUPPRESS, help="who will run the guest")
    add(
        "--looking-glass",
        metavar="WxH|off",
        default=SUPPRESS,
        help="shared memory for a picture of this size, as in 2560x1440; with @hdr, @kvmfr, @b7 or @idd "
        "behind it",
    )


def _export(parser: ArgumentParser) -> None:
    _plan(parser)
    add = parser.add_argument
    add("-o", "--output", metavar="FILE", default=SUPPRESS, help="where to write; left out: standard output")
    add(
        "--force",
        action="store_true",
        default=SUPPRESS,
        help="replace a file that this program did not write",
    )
    add(
        "--format",
        metavar="NAME",
        default=SUPPRESS,
        help="nix (the default), or another artifact; see --format list",
    )
    add(
        "--style",
        choices=("module", "option", "specialisation"),
        default=SUPPRESS,
        help="shape of the Nix module",
    )
    add(
        "--nixos-release", metavar="YY.MM", default=SUPPRESS, help="left out: the host's own, else the newest"
    )


def _domain(parser: ArgumentParser) -> None:
    _plan(parser)
    add = parser.add_argument
    add("--guest", choices=("windows11", "windows10", "linux"), default=SUPPRESS, help="what it will run")
    add("--name", metavar="NAME", default=SUPPRESS, help="the guest's name in libvirt")
    add("--memory", metavar="SIZE", default=SUPPRESS, help="as in 16G or 12288M")
    add("--vcpus", metavar="N", default=SUPPRESS, help="how many CPUs; left out: what the host can spare")
    add("--disk", metavar="PATH|POOL/VOLUME|none", default=SUPPRESS, help="file, block device or volume")
    add("--disk-size", metavar="GIB", default=SUPPRESS, help="how large to make it where there is none")
    add("--iso", metavar="FILE", default=SUPPRESS, help="disc image of the installer")
    add("--virtio-iso", metavar="FILE", default=SUPPRESS, help="disc image with virtio-win's drivers")
    add("--network", metavar="KIND:NAME", default=SUPPRESS, help="network:, bridge: or direct:, auto or none")
    add("--rom", metavar="FILE", default=SUPPRESS, help="the ROM of the first card")
    add("--evdev", metavar="NODE", action="append", default=SUPPRESS, help="a keyboard or mouse to share")
    add("--usb", metavar="ID", action="append", default=SUPPRESS, help="a USB device, as in 046d:c52b")
    add("--sound", choices=("auto", "spice", "pipewire", "off"), default=SUPPRESS, help="where sound goes")
    add(
        "--firmware",
        choices=("auto", "secure-boot", "uefi"),
        default=SUPPRESS,
        help="UEFI with or without Secure Boot; a guest that is there gets it too, and begins with no boot "
        "entries",
    )
    add("--libvirt", metavar="VERSION", default=SUPPRESS, help="write for this one, as in 11.3")
    add("--qemu", metavar="VERSION", default=SUPPRESS, help="write for this one, as in 10.0")
    add("--emulated", action="store_true", default=SUPPRESS, help="without KVM: very slow, for trying")
    add("--checklist", action="store_true", default=SUPPRESS, help="the steps around the first start")
    for name, help_text in (
        ("define", "hand it to libvirt; a guest that is there is changed in place, and kept as it was"),
        ("diff", "what --define would change, and nothing changed"),
        ("replace", "with --define: the whole guest anew instead of in place"),
        ("undo", "bring back what the guest was before the last --define"),
        ("start", "start it"),
        ("stop", "ask it to shut down, and wait"),
    ):
        add(f"--{name}", action="store_true", default=SUPPRESS, help=help_text)
    add("--connect", metavar="URI", default=SUPPRESS, help="another libvirt than qemu:///system")
    add("--create-disk", metavar="SIZE", default=SUPPRESS, help="with --define: make the disk, as in 120G")
    add("-o", "--output", metavar="FILE", default=SUPPRESS, help="where to write; left out: standard output")
    add("--force", action="store_true", default=SUPPRESS, help="replace a file that is there")


def _hooks(parser: ArgumentParser) -> None:
    _plan(parser)
    add = parser.add_argument
    add("--name", metavar="NAME", default=SUPPRESS, help="the guest's name in libvirt")
    add(
        "--display-manager",
        action="store_true",
        default=SUPPRESS,
        help="stop the desktop meanwhile, for the card that shows it",
    )
    add("--wait", metavar="SECONDS", default=SUPPRESS, help="for processes that have the card open; 20")
    add(
        "--cpus",
        metavar="LIST|auto",
        default=SUPPRESS,
        help="another hook: keep the host off these CPUs while the guest runs, and leave the card alone",
    )
    add("--libvirt", metavar="VERSION", default=SUPPRESS, help="write for this one, as in 11.3")
    add("--install", action="store_true", default=SUPPRESS, help="put it where libvirt runs it")
    add("--yes", action="store_true", default=SUPPRESS, help="do not ask")


def _recover(parser: ArgumentParser) -> None:
    _source(parser)
    add = parser.add_argument
    add("--gpu", metavar="ADDRESS", action="append", default=SUPPRESS, help="the card that is stuck")
    add("--steps", metavar="LIST", default=SUPPRESS, help="only these: release,reset,rescan,rebind")
    add("--yes", action="store_true", default=SUPPRESS, help="do not ask before each step")


def _apply(parser: ArgumentParser) -> None:
    _plan(parser)
    add = parser.add_argument
    add("--yes", action="store_true", default=SUPPRESS, help="do not ask")
    add(
        "--unproven",
        action="store_true",
        default=SUPPRESS,
        help="go on where it cannot be known beforehand whether the card will be bound",
    )
    add(
        "-o",
        "--output",
        metavar="FILE",
        default=SUPPRESS,
        help="on NixOS: where the module goes, as in /etc/nixos/gpu_passthrough.nix",
    )
    add("--plan", metavar="FILE", default=SUPPRESS, help="a plan that an ordinary user made (plan.json)")


def _undo(parser: ArgumentParser) -> None:
    _json(parser)
    add = parser.add_argument
    add("--root", metavar="DIR", default=SUPPRESS, help="the system mounted here, from a rescue system")
    add(
        "--force",
        action="store_true",
        default=SUPPRESS,
        help="put the old content back over what was edited since, too",
    )


def _watch(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=("install", "remove"), help="put the hooks there, or take them away")


def _predict(parser: ArgumentParser) -> None:
    _source(parser)
    add = parser.add_argument
    add("--gpu", metavar="ADDRESS", action="append", default=SUPPRESS, help="only this card and what changes")
    add("--verbose", action="store_true", default=SUPPRESS, help="show all functions")


def _lint(parser: ArgumentParser) -> None:
    _source(parser)
    add = parser.add_argument
    add("files", metavar="FILE", nargs="*", help="configuration to review; - is standard input")
    add("--cmdline", metavar="TEXT", action="append", default=SUPPRESS, help="a kernel command line as text")
    add("--kernel", metavar="VERSION", default=SUPPRESS, help="judge for this kernel, as in 6.12")
    add("--nixos-release", metavar="YY.MM", default=SUPPRESS, help="judge for this release of NixOS")
    add("--rules", action="store_true", default=SUPPRESS, help="list all rules")


def _cores(parser: ArgumentParser) -> None:
    _source(parser)
    add = parser.add_argument
    add("--gpu", metavar="ADDRESS", action="append", default=SUPPRESS, help="the card that the guest gets")
    add("--answers", metavar="FILE", default=SUPPRESS, help="TOML file with the answers of a wizard run")
    add("--vcpus", metavar="N", default=SUPPRESS, help="CPUs that the guest should have")
    add("--cpus", metavar="LIST", default=SUPPRESS, help="exactly these CPUs of the host, as in 2-5,8-11")
    add("--memory", metavar="MIB", default=SUPPRESS, help="memory of the guest, for its huge pages")
    add("--hook", metavar="GUEST", default=SUPPRESS, help="print libvirt's hook that keeps the host off them")
    add("-o", "--output", metavar="FILE", default=SUPPRESS, help="where to write the hook")
    add("--force", action="store_true", default=SUPPRESS, help="replace a file that something else wrote")


def _rom(parser: ArgumentParser) -> None:
    _source(parser)
    add = parser.add_argument
    add("file", metavar="FILE", nargs="?", help="the ROM to judge")
    add("--gpu", metavar="ADDRESS", action="append", default=SUPPRESS, help="the card that it must be for")
    add("--strip", action="store_true", default=SUPPRESS, help="write the ROM without a header before it")
    add("--dump", action="store_true", default=SUPPRESS, help="read the card's own ROM, where that is safe")
    add("-o", "--output", metavar="FILE", default=SUPPRESS, help="where to write with --strip or --dump")
    add("--force", action="store_true", default=SUPPRESS, help="replace that file")


def _explain(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("id", metavar="ID", nargs="?", help="a check, as in iommu.enabled")
    add(
        "--search", metavar="WORDS", default=SUPPRESS, help="what you see, or a line of a log: what tells why"
    )
    _json(parser)


def _report(parser: ArgumentParser) -> None:
    _plan(parser)
    add = parser.add_argument
    add("-o", "--output", metavar="FILE", default=SUPPRESS, help="where to write; left out: standard output")
    add("--force", action="store_true", default=SUPPRESS, help="replace a file that something else wrote")


_COMMANDS: dict[str, tuple[str, Callable[[ArgumentParser], None]]] = {
    "check": ("diagnose: one finding per check and subject, with evidence and fix", _check),
    "groups": ("IOMMU groups, functions, GPUs, isolation, twins", _source),
    "predict": ("which driver will claim each function at the next boot, and why", _predict),
    "plan": ("the whole change, as it would be made on this host", _plan),
    "export": ("write gpu_passthrough.nix, or another artifact of the plan", _export),
    "domain": ("the virtual machine, as a libvirt domain for this host", _domain),
    "hooks": ("a card that the host uses while the guest does not run, by libvirt's hook", _hooks),
    "recover": ("look at a card that is stuck, and try what is safe, step by step", _recover),
    "apply": ("make the plan so, journalled, and look that the next boot will hold it", _apply),
    "undo": ("take the last change back, byte for byte", _undo),
    "watch": ("hooks that look again after kernel updates and at boot, and only say what they see", _watch),
    "verify": ("after the reboot: does this host do what the change was for?", _source),
    "cores": ("a picture of the processor, and the CPUs that a guest would get", _cores),
    "rom": ("judge a ROM file for a card; dump the card's own where that is safe", _rom),
    "lint": ("review passthrough configuration: Nix, modprobe.d, GRUB, libvirt XML …", _lint),
    "capture": ("write a redacted record of this host for --host", _capture),
    "explain": ("what a check looks at, why it matters, how to fix it", _explain),
    "checks": ("the list of all checks", _json),
    "report": ("one page about this machine, for a forum or a friend", _report),
}
