"""The steps Do it and After: what can be done with a confirmed plan, each with the command of the same."""

from __future__ import annotations

import shlex

from vfio_wizard.model.record import NamedTuple
from vfio_wizard.report.pages.rows import Line, Row, Tone, said
from vfio_wizard.report.wrap import wrap


class Situation(NamedTuple):
    """What decides which ways are open."""

    source: str | None
    """What ``--host`` was given; None on this machine."""
    answers: str
    """Where the answers are kept."""
    look_only: bool
    is_root: bool
    is_nixos: bool
    guest: str
    picture: str = ""
    """The node or file of Looking Glass' memory; empty where it was not asked for."""
    confirmed: bool = False
    settled: bool = False
    applied: bool = False
    """A change waits for its proof."""
    restarted: bool = False
    """And the machine was started anew since."""
    changed: bool = False
    """A change of this program is in force, proven or not."""
    chosen: bool = True
    """Anything is to leave the host."""


class Way(NamedTuple):
    """One thing that can be done."""

    key: str
    title: str
    about: str
    argv: tuple[str, ...]
    """The command line with the same result."""
    why_not: str = ""
    asks: str = ""
    """A file name to ask for, with this answer proposed."""
    root_for: str = ""
    """What root's rights are needed for; empty where they are not."""
    confirm: str = ""
    """A question to be answered before it begins."""
    unasked: tuple[str, ...] = ()
    """Words that are added, since the wizard has asked already."""
    is_done: bool = False
    """It was gone on an earlier visit; it may be gone again."""

    @property
    def command(self) -> str:
        """As a person would type it."""
        words = shlex.join((*self.argv, *self.unasked))
        return f"sudo {words}" if self.root_for else words


_MODULE = "/etc/nixos/gpu_passthrough.nix"
_LOCKED = "the review is not confirmed yet (step 5)"
_ELSEWHERE = "this is a record of another machine, which cannot be changed from here"


def doing(at: Situation) -> tuple[Way, ...]:
    """The ways of the step Do it, the likeliest first."""
    own = ("--answers", at.answers)
    host = ("--host", at.source) if at.source else ()
    locked = "" if at.confirmed else _LOCKED
    export = Way(
        "export",
        "Write the Nix module",
        "One file to import into the system's configuration. Taking the import out again is the way back.",
        ("vfio-wizard", "export", *host, *own, "-o", "gpu_passthrough.nix"),
        locked,
        asks="gpu_passthrough.nix",
    )
    apply = Way(
        "apply",
        "Make the change on this machine",
        "Every file that may change is kept first, each step is written into a journal, and an "
        "interruption at any point can be taken back with vfio-wizard undo. It takes effect with the next "
        "start of the machine.",
        ("vfio-wizard", "apply", *own, *(("-o", _MODULE) if at.is_nixos else ())),
        _ELSEWHERE if at.look_only else (locked or _why_not_apply(at)),
        root_for="writing boot configuration and rebuilding the initramfs",
        confirm="Make the change now?",
        asks=_MODULE if at.is_nixos else "",
        unasked=("--yes",),
    )
    files = Way(
        "files",
        "Write all files into a folder",
        "The files of the plan below a folder of yours, to look at or to copy by hand, and STEPS.txt with "
        "the commands in their order.",
        ("vfio-wizard", "export", *host, *own, "--format", "host", "-o", "vfio-wizard-plan/"),
        locked,
        asks="vfio-wizard-plan/",
    )
    domain = Way(
        "domain",
        "Write the guest as libvirt XML",
        "The definition of the virtual machine with the card in it.",
        ("vfio-wizard", "domain", *host, *own, "-o", f"{at.guest}.xml"),
        locked,
        asks=f"{at.guest}.xml",
    )
    answers = Way(
        "answers",
        "Save the answers",
        "Every command takes this file with --answers: the same result without the wizard, today or on a "
        "fresh system.",
        ("vfio-wizard", "plan", *host, "--answers", "answers.toml"),
        asks="answers.toml",
    )
    page = Way(
        "report",
        "Save a page for a forum",
        "Findings, groups and plan as one HTML page without serial numbers, for somebody who helps you.",
        ("vfio-wizard", "report", *host, *own, "-o", "report.html"),
        asks="report.html",
    )
    first = (export, apply) if at.is_nixos else (apply, files)
    return tuple(_for(at, one) for one in (*first, domain, answers, page))


def _for(at: Situation, way: Way) -> Way:
    """Who is root already needs no word about root's rights."""
    return way._replace(root_for="") if at.is_root else way


def _why_not_apply(at: Situation) -> str:
    if at.settled:
        return "this machine has all of it already"
    return ""


def afterwards(at: Situation) -> tuple[Way, ...]:
    """The ways of the step After, in the order of doing."""
    elsewhere = _ELSEWHERE if at.look_only else ""
    nobody = "" if at.chosen else "no card is chosen yet (step 3)"
    own = ("--answers", at.answers)
    verify = Way(
        "verify",
        "Prove that the change holds",
        "Reads the running kernel: is each function on vfio-pci, are the parameters on its command line, "
        "is the IOMMU on.",
        ("vfio-wizard", "verify"),
        elsewhere or ("" if at.changed else "no change of this program is in force here"),
        is_done=at.changed and not at.applied,
    )
    define = Way(
        "define",
        "Hand the guest to libvirt",
        "libvirt then knows the guest. A guest of this name that is there already is kept and can be "
        "brought back.",
        ("vfio-wizard", "domain", *own, "--define"),
        elsewhere or nobody,
        confirm=f"Hand the guest {at.guest} to libvirt?",
    )
    start = Way(
        "start",
        "Start the guest",
        "Its picture comes on the screen that is plugged into the card.",
        ("vfio-wizard", "domain", *own, "--start"),
        elsewhere or nobody,
    )
    client = Way(
        "client",
        "Show its picture here",
        "Looking Glass' client, once the guest runs the other half. Its release must be the guest's.",
        ("looking-glass-client", "-f", at.picture or "/dev/kvmfr0"),
        elsewhere or ("" if at.picture else "Looking Glass was not asked for (step 4)"),
    )
    undo = Way(
        "undo",
        "Take the change back",
        "Puts every file back byte for byte, as the journal holds it, and looks that it is so.",
        ("vfio-wizard", "undo"),
        elsewhere or ("" if at.changed else "no change of this program is in force here"),
        root_for="putting boot configuration back",
        confirm="Take the change back?",
    )
    return tuple(_for(at, one) for one in (verify, define, start, client, undo))


def rows(ways: tuple[Way, ...], done: dict[str, bool]) -> tuple[Row, ...]:
    """One row per way; what was done says how it ended."""
    return tuple(_row(one, done.get(one.key, True if one.is_done else None)) for one in ways)


def _row(way: Way, done: bool | None) -> Row:
    if way.why_not:
        return Row(way.key, way.title, "[-]", Tone.FAINT, tail="locked", why_not=way.why_not)
    word = {None: "[ ]", True: "[x]", False: "[!]"}[done]
    tone = {None: Tone.PLAIN, True: Tone.GOOD, False: Tone.BAD}[done]
    tail = "asks for root's password" if way.root_for else ""
    return Row(way.key, way.title, word, tone, tail=tail)


def detail(way: Way, width: int) -> list[Line]:
    """What it does, the command, and what hinders it."""
    lines = [*said(way.title, width, Tone.HEAD), *said(way.about, width)]
    if way.why_not:
        lines += said(way.why_not, width, Tone.WARN, "Not now: ")
    if way.root_for:
        lines += said(
            f"root's rights, for {way.root_for}; nothing else runs with them.", width, Tone.WARN, "Needs "
        )
    lines += [Line(""), Line("The same without the wizard", Tone.HEAD)]
    return [*lines, *command_lines(way, width)]


def command_lines(way: Way, width: int) -> list[Line]:
    """The command line, wrapped where a shell would go on."""
    pieces = wrap(way.command, width - 8)
    ends = [*(f"{one} \\" for one in pieces[:-1]), pieces[-1]]
    return [Line(("  $ " if at == 0 else "      ") + one, Tone.ADDED) for at, one in enumerate(ends)]
