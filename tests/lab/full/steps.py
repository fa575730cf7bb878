"""What a scenario is made of: steps with their expectations, each of which holds or says what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from tests.lab.full.session import DOWN, ENTER, LOGIN, File, FullMachine, Menu
from tests.lab.judge import Answer

BUILDING = "pgrep -f 'mkinitramfs|dracut' >/dev/null"
"""A shell's question: is an image being built?"""

KEPT = ("etc", "boot", "usr/local", "usr/lib/modprobe.d", "usr/lib/dracut", "usr/lib/kernel", "efi")
"""Where a change of the boot chain could leave something; read as a whole."""

OF_THE_MACHINE = ("/boot/efi/loader/random-seed", "/boot/grub/grubenv", "/etc/.pwd.lock", "/etc/ld.so.cache")
"""Files that a boot itself may change: a seed that systemd-boot renews every time, GRUB's notes."""

GRUB_RECOVERY = Menu("GNU GRUB", (DOWN, ENTER, DOWN, ENTER))
"""Advanced options, then the second line: the newest kernel's recovery mode."""

SECOND = Menu("Boot in", (DOWN, ENTER))
"""systemd-boot's second line. Its countdown is waited for: the serial port loses parts of longer lines."""


class Run(NamedTuple):
    """One scenario's way through its machine: what steps leave for later ones."""

    machine: FullMachine
    kept: dict[str, dict[str, File]]


class Step(Protocol):
    """One thing that is done, or looked at."""

    @property
    def name(self) -> str:
        """What holds when it held."""

    def perform(self, run: Run) -> list[str]:
        """Do it; what did not hold."""


class Install(NamedTuple):
    """The freshly built program is installed as a console command."""

    name: str = "the wheel is installed"

    def perform(self, run: Run) -> list[str]:
        """Unpack it where its environment is; a power cut later on is not to take the program away."""
        told = run.machine.run("tar -C / -xf /run/share/program.tar && sync && vfio-wizard --version")
        return _differing(told, 0, ("vfio-wizard",), ())


class Ask(NamedTuple):
    """A command, its exit code, words that it must print, and words that it must not."""

    name: str
    command: str
    code: int = 0
    shows: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ("Traceback",)

    def perform(self, run: Run) -> list[str]:
        """Run it."""
        return _differing(run.machine.run(self.command), self.code, self.shows, self.lacks)


class AskJson(NamedTuple):
    """A command that answers in JSON, and what must stand in it."""

    name: str
    command: str
    expects: Mapping[str, object]
    code: int = 0

    def perform(self, run: Run) -> list[str]:
        """Run it."""
        told = run.machine.run(self.command)
        problems = _differing(told, self.code, (), ("Traceback",))
        try:
            said = json.loads(told.out)
        except ValueError:
            return [*problems, f"no JSON: {told.out[:100]!r}"]
        found = {key: said.get(key) for key in self.expects}
        return problems + [
            f"{key} is {json.dumps(value)[:300]}, not {self.expects[key]!r}"
            for key, value in found.items()
            if value != self.expects[key]
        ]


class Checked(NamedTuple):
    """``--check --json``: statuses by check id and subject, and the exit code."""

    name: str
    command: str
    statuses: Mapping[tuple[str, str | None], str]
    code: int = 0

    def perform(self, run: Run) -> list[str]:
        """Run it."""
        told = run.machine.run(f"{self.command} --json")
        problems = _differing(told, self.code, (), ("Traceback",))
        findings = {
            (one["id"], one["subject"]): one for one in json.loads(told.out or "{}").get("findings", ())
        }
        return problems + list(_other_statuses(self.statuses, findings))


class Predicted(NamedTuple):
    """``predict --json``: the driver of each function, on every installed kernel."""

    name: str
    drivers: Mapping[str, str]

    def perform(self, run: Run) -> list[str]:
        """Run it."""
        told = run.machine.run("vfio-wizard predict --json")
        if not told.out.strip():
            return _differing(told, 0, ("{",), ())
        kernels = json.loads(told.out)["kernels"]
        found = {
            (kernel["release"], one["address"]): one for kernel in kernels for one in kernel["functions"]
        }
        return [
            f"{address} on {release}: {one['driver']} predicted, because {one['why']}"
            for (release, address), one in found.items()
            if one["driver"] != self.drivers.get(address, one["driver"])
        ] + ([] if kernels else ["no kernel is known"])


class Drivers(NamedTuple):
    """sysfs: which driver has which function, once udev has nothing left to do."""

    name: str
    drivers: Mapping[str, str]

    def perform(self, run: Run) -> list[str]:
        """Look."""
        script = (
            "udevadm settle; for one in /sys/bus/pci/devices/*;"
            ' do driver=$(readlink $one/driver); echo "${one##*/} ${driver##*/}"; done'
        )
        lines = run.machine.run(script).out.splitlines()
        found = {address: driver for address, _, driver in (line.partition(" ") for line in lines)}
        return [
            f"{address} is on {found.get(address) or 'no driver'}, not {driver}"
            for address, driver in self.drivers.items()
            if found.get(address, "") != driver
        ]


LIBVIRT_IS_UP = """\
command -v virsh >/dev/null || exit 0
for what in nwfilter-list net-list secret-list list; do virsh -q -c qemu:///system $what; done
"""


class Remember(NamedTuple):
    """All files of the boot chain are read and kept under a label."""

    label: str

    @property
    def name(self) -> str:
        """What it does."""
        return f"files {self.label}: read"

    def perform(self, run: Run) -> list[str]:
        """Read them, once libvirt has written its own: it numbers its filters in its first moments."""
        run.machine.run(LIBVIRT_IS_UP)
        run.kept[self.label] = run.machine.files(*KEPT)
        return [] if len(run.kept[self.label]) > 100 else ["there are hardly any files"]


class Unchanged(NamedTuple):
    """The files are, byte for byte, mode and owner included, what they were."""

    name: str
    label: str
    but: str = ""
    """Paths that begin so may differ."""

    def perform(self, run: Run) -> list[str]:
        """Read and compare them."""
        found = differences(run.kept[self.label], run.machine.files(*KEPT))
        return [one for one in found if not (self.but and one.startswith(self.but))]


class Restart(NamedTuple):
    """Shut down in order, then boot from the disk; ``menu`` chooses another entry than the first."""

    name: str = "it shuts down and boots again"
    menu: Menu | None = None
    words: tuple[str, ...] = ()
    """Of the kernel command line that it must come up with."""
    absent: tuple[str, ...] = ()
    devices: str = ""
    """What is plugged in from now on, where that changes."""

    def perform(self, run: Run) -> list[str]:
        """Restart it; a machine that does not come back raises."""
        if run.machine.is_on:
            run.machine.power_off()
        if self.devices:
            run.machine.plug(self.devices)
        run.machine.power_on(self.menu)
        line = run.machine.run("cat /proc/cmdline").out.split()
        lacking = [f"{word} is not on the command line {line}" for word in self.words if word not in line]
        return lacking + [f"{word} is on the command line" for word in self.absent if word in line]


class KilledAndCut(NamedTuple):
    """A command is killed at a moment, and before what it started has ended, the power goes."""

    name: str
    command: str
    moment: str = BUILDING
    after: float = 2.0
    """Seconds from the moment to the kill."""

    def perform(self, run: Run) -> list[str]:
        """Start, wait, kill, cut."""
        told = run.machine.run(
            f"{self.command} >/run/killed.log 2>&1 </dev/null & victim=$!\n"
            f"for try in $(seq 600); do {self.moment} && break; kill -0 $victim || break; sleep 0.2; done\n"
            f"{self.moment} || {{ cat /run/killed.log; exit 9; }}\n"
            f"sleep {self.after}\n"
            "kill -9 $victim || exit 8\n"
            f"{self.moment} && echo still building"
        )
        run.machine.power_cut()
        return _differing(told, 0, ("still building",), ())


class Cut(NamedTuple):
    """The power goes while a command runs, at a moment."""

    name: str
    command: str
    moment: str
    after: float = 0.0

    def perform(self, run: Run) -> list[str]:
        """Start, wait, cut."""
        told = run.machine.run(
            f"{self.command} >/run/cut.log 2>&1 </dev/null & victim=$!\n"
            f"for try in $(seq 600); do {self.moment} && break; kill -0 $victim || break; sleep 0.1; done\n"
            f"{self.moment} || {{ cat /run/cut.log; exit 9; }}\n"
            f"sleep {self.after}"
        )
        run.machine.power_cut()
        return _differing(told, 0, (), ())


class Typed(NamedTuple):
    """A person logs in at the serial console, or gives the password in rescue mode, and types a command."""

    name: str
    command: str
    prompt: str = LOGIN
    code: int = 0

    def perform(self, run: Run) -> list[str]:
        """Type it."""
        run.machine.log_in(self.prompt)
        code = run.machine.type(self.command)
        return (
            [] if code == self.code else [f"exit code {code}, not {self.code}; see {run.machine.console.log}"]
        )


def _differing(told: Answer, code: int, shows: tuple[str, ...], lacks: tuple[str, ...]) -> list[str]:
    said = told.out + told.err
    problems = [] if told.code == code else [f"exit code {told.code}, not {code}: {said.strip()[-600:]}"]
    problems += [f"it does not say {word!r}: {said.strip()[-300:]}" for word in shows if word not in said]
    return problems + [f"it says {word!r}: {said.strip()[-600:]}" for word in lacks if word in said]


def _other_statuses(
    expected: Mapping[tuple[str, str | None], str], findings: dict[tuple[str, str | None], dict[str, Any]]
) -> Iterator[str]:
    for key, status in expected.items():
        found = findings.get(key)
        if found is None:
            yield f"{key[0]} of {key[1]}: no finding"
        elif found["status"] != status:
            yield f"{key[0]} of {key[1]}: {found['status']}, not {status}: {found['summary']}"


def differences(before: Mapping[str, File], now: Mapping[str, File]) -> Iterator[str]:
    """What is not as it was, in words, but for files that belong to the running machine."""
    for path in sorted({*before, *now}):
        if before.get(path) != now.get(path) and path not in OF_THE_MACHINE:
            yield f"{path}: {_described(before.get(path))} became {_described(now.get(path))}"


def _described(file: File | None) -> str:
    if file is None:
        return "nothing"
    return f"{file.kind} {file.mode} {file.owner} {file.content[:12]}"
