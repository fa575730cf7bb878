"""Bad input gets one clear line and the right exit code; hostile strings reach no terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts import synthetic

COMMANDS = [("--check",), ("groups",), ("--check", "--json"), ("groups", "--json")]


class Told(NamedTuple):
    """What one run of the program said."""

    code: int
    out: str
    err: str


def wizard(*arguments: str | Path, stdin: bytes = b"") -> Told:
    """Run the console script as a user would, without a terminal."""
    program = Path(sys.executable).parent / "vfio-wizard"
    env = {
        name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "VFIO_WIZARD_DEBUG")
    }
    done = subprocess.run(
        (program, *map(str, arguments)), check=False, capture_output=True, input=stdin, timeout=120, env=env
    )
    return Told(
        done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )


def refused(told: Told, code: int = 2) -> str:
    """Assert that this was a refusal of one line with this exit code, and give the line back."""
    assert told.code == code, told
    assert told.out == ""
    assert told.err.count("\n") == 1, told.err
    assert told.err.startswith("vfio-wizard: ")
    assert_no_bug(told)
    return told.err


def assert_no_bug(told: Told) -> None:
    """No traceback, and no confession of one, neither by the program nor by one of its checks."""
    assert "Traceback" not in told.err, told.err
    assert "this is a bug" not in told.err, told.err
    assert "failed in itself" not in told.out, told.out


def judgements(told: Told) -> list[tuple[object, ...]]:
    """What was found, without the evidence, which also says why something was not told."""
    return [
        tuple(one[key] for key in ("id", "subject", "status", "severity", "summary"))
        for one in json.loads(told.out)["findings"]
    ]


@pytest.fixture(params=COMMANDS, ids=" ".join)
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Each command that takes a SOURCE."""
    words: tuple[str, ...] = request.param
    return words


# ---------------------------------------------------------------- sources that are none


def test_a_source_that_does_not_exist(command: tuple[str, ...], tmp_path: Path) -> None:
    line = refused(wizard(*command, "--host", tmp_path / "nowhere"))
    assert "nowhere" in line


def test_an_empty_directory(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    line = refused(wizard(*command, "--host", tmp_path / "empty"))
    assert "empty" in line


def test_an_empty_file(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "nothing.txt").touch()
    assert "nothing.txt" in refused(wizard(*command, "--host", tmp_path / "nothing.txt"))


def test_a_truncated_capture(command: tuple[str, ...], tmp_path: Path, desktop: Path) -> None:
    whole = tmp_path / "whole.json"
    assert wizard("capture", "--host", desktop, "-o", whole).code == 0
    cut = tmp_path / "cut.json"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "cut.json" in refused(wizard(*command, "--host", cut))


@pytest.mark.parametrize(
    "foreign",
    [b'{"name": "left-pad", "version": "1.3.0"}', b"[1, 2, 3]", b"null", b"{}", b'"text"'],
    ids=["package", "list", "null", "object", "string"],
)
def test_json_of_somebody_else(command: tuple[str, ...], tmp_path: Path, foreign: bytes) -> None:
    (tmp_path / "foreign.json").write_bytes(foreign)
    assert "foreign.json" in refused(wizard(*command, "--host", tmp_path / "foreign.json"))


def test_bytes_that_are_no_text(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "image.bin").write_bytes(bytes(range(256)) * 64)
    assert "image.bin" in refused(wizard(*command, "--host", tmp_path / "image.bin"))


def test_deeply_nested_json(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert "deep.json" in refused(wizard(*command, "--host", tmp_path / "deep.json"))


def test_prose_on_standard_input(command: tuple[str, ...]) -> None:
    refused(wizard(*command, "--host", "-", stdin=b"Dear forum,\nmy VM does not start. Please help.\n"))


def test_a_source_name_with_escapes_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    line = refused(wizard("--check", "--host", tmp_path / "\x1b[31mred\nline"))
    assert "\x1b" not in line


def test_a_source_that_may_not_be_read(tmp_path: Path) -> None:
    closed = tmp_path / "closed.json"
    closed.write_text("{}")
    closed.chmod(0)
    # root reads everything, unless it gives up the capabilities that say so
    as_a_user = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    program = Path(sys.executable).parent / "vfio-wizard"
    done = subprocess.run(
        (*as_a_user, program, "--check", "--host", closed), check=False, capture_output=True, text=True
    )
    assert "closed.json" in refused(Told(done.returncode, done.stdout, done.stderr))


# ---------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    "arguments",
    [
        ("--chek",),
        ("frobnicate",),
        ("explain", "no.such.check"),
        ("--check", "--only", "no.such.check"),
        ("--check", "--skip", "no.such.check"),
        ("--check", "--gpu", "0b:00"),
        ("--check", "--gpu", "ff:1f.7"),
        ("--check", "groups"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_two(arguments: tuple[str, ...], desktop: Path) -> None:
    host = () if arguments[0] == "explain" else ("--host", str(desktop))
    told = wizard(*arguments, *host)
    assert told.code == 2, told
    assert told.out == ""
    assert told.err.strip()
    assert_no_bug(told)


def test_help_and_version_go_to_standard_output() -> None:
    for option, word in (("--help", "exit codes"), ("--version", "vfio-wizard ")):
        told = wizard(option)
        assert (told.code, told.err) == (0, "")
        assert word in told.out


def test_a_reader_that_goes_away_is_no_error(desktop: Path) -> None:
    program = Path(sys.executable).parent / "vfio-wizard"
    script = '"$1" groups --json --host "$2" | head -c 1 >/dev/null; exit "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ("bash", "-c", script, "-", program, desktop), check=False, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.returncode == 0


# ---------------------------------------------------------------- exit codes that say how the machine is


def test_the_exit_code_agrees_with_the_verdict(desktop: Path) -> None:
    told = wizard("--check", "--json", "--host", desktop)
    report = json.loads(told.out)
    assert told.code == {"ready": 0, "blocked": 1, "unknown": 3}[report["verdict"]]
    assert told.err == ""


def test_a_machine_without_groups_is_blocked(tmp_path: Path) -> None:
    root = synthetic.make(tmp_path / "machine", 12)
    for link in root.glob("sys/devices/**/iommu_group"):
        link.unlink()
    subprocess.run(("rm", "-r", root / "sys/kernel/iommu_groups"), check=True)
    (root / "sys/kernel/iommu_groups").mkdir()
    told = wizard("--check", "--json", "--host", root)
    failed = [one["id"] for one in json.loads(told.out)["findings"] if one["status"] == "fail"]
    assert told.code == 1
    assert "iommu.enabled" in failed


def test_groups_has_no_opinion(desktop: Path) -> None:
    assert wizard("groups", "--host", desktop).code == 0


# ---------------------------------------------------------------- machines with hostile strings

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\"; rm -rf ~ $(id) `id` ${builtins.readFile /etc/passwd} ''"
    " \r\nsecond line\x9b31m\u202e"
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic desktop with a hostile string wherever a machine may hold one."""
    root = synthetic.make(tmp_path_factory.mktemp("hostile"))
    for path in (
        "proc/cmdline",
        "proc/version",
        "proc/modules",
        "etc/os-release",
        "etc/modprobe.d/vfio.conf",
        "sys/class/dmi/id/board_name",
        "sys/class/dmi/id/board_vendor",
        "sys/class/dmi/id/bios_version",
        "sys/devices/pci0000:00/0000:00:14.3/class",
        "sys/devices/pci0000:00/0000:00:14.3/modalias",
        "sys/devices/pci0000:00/0000:00:14.0/resource",
    ):
        (root / path).write_text(HOSTILE)
    driver = root / "sys/bus/pci/drivers" / HOSTILE.replace("/", "_")
    driver.mkdir()
    link = root / "sys/devices/pci0000:00/0000:00:03.1/0000:0b:00.0/driver"
    link.unlink()
    link.symlink_to(driver)
    (root / "etc/modprobe.d/\x1b[31m.conf").write_text("options vfio-pci ids=10de:2204\n")
    return root


def test_hostile_strings_are_shown_and_not_obeyed(command: tuple[str, ...], hostile: Path) -> None:
    told = wizard(*command, "--host", hostile)
    assert told.code in (0, 1, 3), told
    assert_no_bug(told)
    assert not [sign for sign in "\x1b\x07\x9b\r\u202e" if sign in told.out + told.err]


def test_hostile_strings_survive_in_a_capture(hostile: Path, tmp_path: Path) -> None:
    record = tmp_path / "capture.json"
    assert wizard("capture", "--host", hostile, "-o", record).code == 0
    assert b"\x1b" not in record.read_bytes()
    ours, theirs = (judgements(wizard("--check", "--json", "--host", host)) for host in (record, hostile))
    assert ours == theirs


# ---------------------------------------------------------------- files of absurd size and form


@pytest.mark.parametrize(
    "path",
    [
        "sys/devices/pci0000:00/0000:00:03.1/0000:0b:00.0/vendor",
        "sys/devices/pci0000:00/0000:00:03.1/0000:0b:00.0/resource",
        "sys/kernel/iommu_groups/16/type",
        "proc/cmdline",
        "proc/cpuinfo",
        "etc/default/grub",
    ],
)
def test_a_file_of_ten_megabytes(path: str, tmp_path: Path) -> None:
    root = synthetic.make(tmp_path)
    (root / path).write_bytes(b"0x10de " * 1_500_000)
    for words in (("--check", "--json"), ("groups", "--json")):
        told = wizard(*words, "--host", root)
        assert told.code in (0, 1, 3), told.err
        assert_no_bug(told)
        assert len(told.out) < 1_000_000
        json.loads(told.out)


def test_files_that_never_end_are_not_read(tmp_path: Path) -> None:
    """A fifo where sysfs has a file would block a careless reader for ever."""
    root = synthetic.make(tmp_path)
    for path in ("proc/cmdline", "sys/devices/pci0000:00/0000:00:14.0/vendor"):
        (root / path).unlink()
        os.mkfifo(root / path)
    told = wizard("--check", "--json", "--host", root)
    assert told.code in (0, 1, 3), told
    assert_no_bug(told)


def test_links_in_circles_and_out_of_the_root(tmp_path: Path) -> None:
    root = synthetic.make(tmp_path / "root")
    (tmp_path / "secret").write_text("ID=outside\nNAME=outside\n")
    release = root / "etc/os-release"
    release.unlink()
    release.symlink_to("../../../../../../../../../.." + str(tmp_path / "secret"))
    (root / "proc/cmdline").unlink()
    (root / "proc/cmdline").symlink_to("cmdline")
    told = wizard("--check", "--json", "--host", root)
    assert told.code in (0, 1, 3), told
    assert "outside" not in told.out
