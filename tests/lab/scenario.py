"""One topology on one kernel: what goes into the machine, the boot, what came out."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tests.lab import acpi, cpio, judge
from tests.lab.guest.rootfs import Base, compile_tree
from tests.lab.judge import Answer
from tests.lab.machine import Boot, LabError, Machine
from tests.lab.topologies import FIRST_FUNCTIONS, SUITES, Topology

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT = 300.0
"""Seconds for one boot. It takes about 20; a loaded machine may need several times that."""

PARAMETERS = ("console=ttyS0", "panic=-1", "quiet", "no_timer_check")
"""On a loaded host, emulated timer ticks come too late for the kernel's check of its timer: a panic."""

IDENTITY = (
    "-uuid", "7f1d2c3b-4a59-4687-9a0b-1c2d3e4f5a6b",
    "-smbios", "type=1,manufacturer=VFIO Lab,product=Emulated Q35,serial=LABSYSTEM7731",
    "-smbios", "type=2,manufacturer=VFIO Lab,product=Emulated Board,version=1,serial=LABBOARD7731",
    "-smbios", "type=3,serial=LABCHASSIS7731",
)  # fmt: skip
"""A machine with serial numbers, so that a capture has something to leave out."""

SECRETS = ("7731", "7f1d2c3b", "labhostname", "0123456789abcdef0123456789abcdef", "52:54:00")

RUN = """\
ask() {{
    name=$1; shift
    python3 -m vfio_wizard "$@" >"$name" 2>"$name.err" </dev/null
    echo $? >"$name.code"
}}
ask check --check --json
ask groups groups --json
ask check-text --check
ask capture capture -o /lab/out/host.json
su -s /busybox/sh tester -c 'python3 -m vfio_wizard --check --json' >check-user 2>check-user.err </dev/null
echo $? >check-user.code
{selected}
"""

SELECTED = """\
ask check-gpu --check --json {gpus}
ask export export {gpus} -o /lab/out/gpu_passthrough.nix
"""


class Outcome(NamedTuple):
    """What became of one boot."""

    suite: str
    topology: Topology
    seconds: float
    problems: tuple[str, ...]
    verdict: str
    folder: Path

    @property
    def name(self) -> str:
        """Kernel and topology, as the fixture is called."""
        return fixture_name(self.suite, self.topology)


def fixture_name(suite: str, topology: Topology) -> str:
    """``lab-6.1-twins``: the folder below ``fixtures/`` for the capture of this boot."""
    return f"lab-{SUITES[suite]}-{topology.name}"


def build_wheel(lab: Path) -> Path:
    """The project's wheel, built from the working tree."""
    target = lab / "wheel"
    shutil.rmtree(target, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "-w", str(target), str(REPOSITORY)], check=True
    )
    return next(target.glob("*.whl"))


def install_wheel(wheel: Path, base: Base) -> Path:
    """The wheel's content compiled for the machine's Python, and packed to be appended to the base."""
    folder = base.archive.parent / "site"
    site = folder / "opt/lab/site"
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, "--no-deps", "--target", str(site), str(wheel)], check=True)
    compile_tree(base.root, site, folder)
    packed = base.archive.parent / "site.cpio"
    with packed.open("wb") as out:
        archive = cpio.Archive(out)
        archive.tree(folder)
        archive.close()
    return packed


def run(topology: Topology, base: Base, site: Path, lab: Path) -> Outcome:
    """Boot, judge, and compare the machine's own answers with those from its capture."""
    folder = lab / "runs" / fixture_name(base.suite, topology)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        seconds = _boot(topology, base, site, folder)
        answers = _answers(folder / "out")
        problems = [
            *judge.unmet(topology.expected(base.suite), answers),
            *_differences(topology, folder / "out", base),
            *_leaks(folder / "out/host.json"),
            *_attach(topology, base.suite, folder / "out"),
            *_handed_over(topology, folder / "out"),
        ]
    except (LabError, OSError, tarfile.TarError) as error:
        return Outcome(base.suite, topology, 0.0, (str(error),), "-", folder)
    finally:
        (folder / "initrd").unlink(missing_ok=True)
    verdict = str(answers["check"].json().get("verdict", "-"))
    return Outcome(base.suite, topology, seconds, tuple(problems), verdict, folder)


def _boot(topology: Topology, base: Base, site: Path, folder: Path) -> float:
    initrd = folder / "initrd"
    table = acpi.reserving(topology, base, folder) if topology.table else b""
    with initrd.open("wb") as out:
        if table:
            _first(out, topology.table, table)
        for part in (base.archive, site):
            with part.open("rb") as content:
                shutil.copyfileobj(content, out)
        _configuration(cpio.Archive(out), topology)
    boot = Boot(base.kernel, initrd, (*PARAMETERS, *topology.parameters))
    devices = (*IDENTITY, *(firmware(folder) if topology.uefi else ()), *topology.devices)
    with Machine(folder, boot, devices, cpu=topology.cpu) as machine:
        seconds = machine.wait_for_power_off(TIMEOUT)
        if "lab: finished" not in machine.shown():
            message = f"the scenario did not finish; see {machine.console}"
            raise LabError(message)
        machine.unpack_report(folder)
    return seconds


def _first(out: BinaryIO, name: str, table: bytes) -> None:
    """The kernel takes tables from an archive that stands before all others."""
    archive = cpio.Archive(out)
    for directory in ("kernel", "kernel/firmware", "kernel/firmware/acpi"):
        archive.directory(directory)
    archive.file(f"kernel/firmware/acpi/{name}.aml", table)
    archive.close()


def firmware(folder: Path) -> tuple[str, ...]:
    """UEFI firmware with variables of its own."""
    code = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
    variables = folder / "variables.fd"
    shutil.copy(code.with_name("OVMF_VARS_4M.fd"), variables)
    return (
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
        "-drive", f"if=pflash,format=raw,unit=1,file={variables}",
    )  # fmt: skip


def _configuration(archive: cpio.Archive, topology: Topology) -> None:
    gpus = " ".join(f"--gpu {shlex.quote(address)}" for address in topology.gpus)
    script = RUN.format(selected=SELECTED.format(gpus=gpus) if gpus else "")
    archive.file("etc/hostname", b"labhostname\n")
    archive.file("etc/machine-id", b"0123456789abcdef0123456789abcdef\n")
    archive.file("etc/modprobe.d/lab.conf", "".join(f"{line}\n" for line in topology.modprobe).encode())
    archive.directory("lab")
    if topology.attaches:
        script += f"python3 /lab/attach.py {topology.gpus[0]} >attach\n"
    if topology.attaches or topology.hands_over:
        archive.file("lab/attach.py", (REPOSITORY / "tests/lab/guest/attach.py").read_bytes())
    if topology.hands_over:
        script += f"sh /lab/hook_trial {' '.join(FIRST_FUNCTIONS)} >hook\n"
        archive.file("lab/hook_trial", (REPOSITORY / "tests/lab/guest/hook_trial").read_bytes())
    archive.file("lab/run", script.encode())
    archive.close()


def _answers(out: Path) -> dict[str, Answer]:
    return {
        path.stem: Answer(
            out=(out / path.stem).read_text(errors="replace"),
            err=(out / f"{path.stem}.err").read_text(errors="replace"),
            code=int(path.read_text()),
        )
        for path in sorted(out.glob("*.code"))
    }


def _differences(topology: Topology, out: Path, base: Base) -> list[str]:
    """The capture must give the findings that the machine gave itself."""
    if not (out / "host.json").is_file():
        return [f"capture wrote nothing: {(out / 'capture.err').read_text().strip()[-200:]}"]
    gpus = [word for address in topology.gpus for word in ("--gpu", address)]
    asked = {"check": ["--check", "--json"], "groups": ["groups", "--json"]}
    if gpus:
        asked["check-gpu"] = ["--check", "--json", *gpus]
    found = []
    for name, arguments in asked.items():
        outside = wizard(base, *arguments, "--host", str(out / "host.json"))
        inside = (out / name).read_text()
        found += [f"replay of {name}: {line}" for line in _compared(inside, outside)]
    return [*found, *_other_module(base, out, gpus)]


def _other_module(base: Base, out: Path, gpus: list[str]) -> list[str]:
    """The NixOS module from the capture must be the one that was written on the machine."""
    inside = out / "gpu_passthrough.nix"
    if not inside.is_file():
        return []
    outside = out / "from_capture.nix"
    told = wizard(base, "export", *gpus, "--host", str(out / "host.json"), "-o", str(outside))
    if not outside.is_file():
        return [f"export from the capture wrote nothing: {told.err.strip()[-200:]}"]
    if outside.read_text() != inside.read_text():
        return [f"replay of export: {outside} differs from {inside.name}"]
    return []


def _compared(inside: str, outside: Answer) -> list[str]:
    try:
        return judge.replay_differences(inside, outside.out)
    except ValueError:
        return [f"no JSON to compare; {outside.err.strip()[-200:]}"]


def wizard(base: Base, *arguments: str) -> Answer:
    """Run the same wheel here, on this machine's Python."""
    site = base.archive.parent / "site/opt/lab/site"
    command = [sys.executable, "-m", "vfio_wizard", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=base.root
    )
    return Answer(done.stdout, done.stderr, done.returncode)


def _attach(topology: Topology, suite: str, out: Path) -> list[str]:
    """What VFIO itself says must be what the topology's kernel is known to do."""
    if not topology.attaches:
        return []
    said = (out / "attach").read_text().strip()
    expected = topology.attaches[SUITES[suite]]
    return [] if (said == "attached") == expected else [f"VFIO itself: {said or 'no answer'}, not expected"]


HANDED_OVER = (
    "before {gpu} radeon (null)",
    "before {audio} snd_hda_intel (null)",
    "held 1",
    "held {gpu} radeon (null)",
    "held {audio} snd_hda_intel (null)",
    "took 0",
    "taken {gpu} vfio-pci vfio-pci",
    "taken {audio} vfio-pci vfio-pci",
    "vfio attached",
    "gave 0",
    "back {gpu} radeon (null)",
    "back {audio} snd_hda_intel (null)",
    "recover 0",
)
"""What the trial of the hook must say, line by line."""


def _handed_over(topology: Topology, out: Path) -> list[str]:
    """A held card stays, a free one goes to vfio-pci, opens there, and comes back."""
    if not topology.hands_over:
        return []
    said = (out / "hook").read_text().splitlines()
    gpu, audio = FIRST_FUNCTIONS
    expected = [line.format(gpu=gpu, audio=audio) for line in HANDED_OVER]
    found = [
        f"hook: {line!r} instead of {must!r}"
        for line, must in zip(said, expected, strict=False)
        if line != must
    ]
    if len(said) != len(expected):
        found.append(f"hook: {len(said)} lines instead of {len(expected)}")
    named = (out / "hook-held").read_text() if (out / "hook-held").is_file() else ""
    return (
        found
        if "sleep (process " in named
        else [*found, "hook: the process that holds the card is not named"]
    )


def _leaks(capture: Path) -> list[str]:
    """The machine's secrets are known here, so a capture can be searched for each of them."""
    if not capture.is_file():
        return []
    text = capture.read_text()
    return [f"the capture holds {secret!r}" for secret in SECRETS if secret in text]
