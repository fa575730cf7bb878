"""From an ordinary user to root by the real sudo, with the program where a package puts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import in_ci
from tests.faults.trial import difference
from tests.unit.apply.sandbox import HERE, Sandbox, sandbox
from tests.unit.apply.test_live import begun, lasting, mounted
from tests.unit.apply.test_stop import Terminal

pytestmark = pytest.mark.live

USER, NUMBER = "wizardtester", 64123
PYTHON = "/usr/bin/python3"
PROGRAM = "/usr/bin/vfio-wizard"
APPLY = (PROGRAM, "apply", "--gpu", "01:00.0", "--yes")
HOME = f"/var/tmp/{USER}"  # noqa: S108 - of the sandbox
PLAN = f"{HOME}/plan.json"


def needed(place: Path) -> None:
    """A program of the system, which scripts/install-test-tools.sh installs."""
    if not place.exists():
        if in_ci():
            pytest.fail(f"no {place.name}, which scripts/install-test-tools.sh installs")
        pytest.skip(f"needs {place.name}")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    needed(Path("/usr/bin/sudo"))
    new = "import sys; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run([PYTHON, "-c", new], check=False, capture_output=True).returncode:
        pytest.skip("the system's own Python is older than 3.11")
    place = Path("/dev/shm") / f"vfio-wizard-sudo-{os.getpid()}"  # noqa: S108 - a folder of its own, of this process
    place.mkdir(mode=0o755)  # an ordinary user must get through to it
    try:
        made = sandbox(place)
        installed(made)
        yield made
        made.close()
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


def installed(box: Sandbox) -> None:
    """The program, the user, and what lets the user call sudo."""
    package = box.root / "usr/lib/python3/dist-packages/vfio_wizard"
    shutil.copytree(HERE / "vfio_wizard", package, ignore=shutil.ignore_patterns("__pycache__"))
    launcher = box.root / PROGRAM.lstrip("/")
    launcher.write_text(f"#!{PYTHON} -I\nimport sys\nfrom vfio_wizard.cli import main\nsys.exit(main())\n")
    launcher.chmod(0o755)
    for path, line in (
        ("etc/passwd", f"{USER}:x:{NUMBER}:{NUMBER}::/var/tmp/{USER}:/bin/sh\n"),
        ("etc/group", f"{USER}:x:{NUMBER}:\n"),
        ("etc/shadow", f"{USER}:!:20000:0:99999:7:::\n"),
    ):
        place = box.root / path
        place.write_text(place.read_text() + line)
    rule = box.root / "etc/sudoers.d/wizardtester"
    rule.parent.mkdir(exist_ok=True)
    rule.write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    rule.chmod(0o440)
    home = box.root / "var/tmp" / USER
    home.mkdir()
    os.chown(home, NUMBER, NUMBER)


def as_user(box: Sandbox, *argv: str) -> list[str]:
    """As after a log-in."""
    numbers = (f"--reuid={NUMBER}", f"--regid={NUMBER}", "--clear-groups")
    clean = ("env", "-i", f"HOME={HOME}", f"TMPDIR={HOME}", f"USER={USER}", "PATH=/usr/bin:/bin", "TERM=dumb")
    return box.command("setpriv", *numbers, *clean, *argv)


def run(box: Sandbox, *argv: str) -> subprocess.CompletedProcess[str]:
    words = as_user(box, *argv)
    return subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL
    )


def test_an_ordinary_user_plans_applies_and_takes_back(box: Sandbox) -> None:
    before = lasting(box)
    planned = run(box, PROGRAM, "plan", "--gpu", "01:00.0")
    assert planned.returncode == 0, planned.stderr
    assert "vfio-pci.ids=" in planned.stdout
    assert difference(before, lasting(box)) == ""
    done = run(box, *APPLY)
    assert done.returncode == 0, done.stderr
    assert "looking into the built images" in done.stderr
    assert "DONE: nothing changes until the next boot." in done.stdout
    assert list((box.root / "var/tmp" / USER).iterdir()) == []
    owner = (box.upper / "etc/modprobe.d/vfio-wizard.conf").stat()
    assert (owner.st_uid, owner.st_mode & 0o777) == (0, 0o644)
    assert run(box, PROGRAM, "undo").returncode == 1
    undone = run(box, "sudo", "-n", PROGRAM, "undo")
    assert undone.returncode == 0, undone.stderr
    assert difference(before, lasting(box)) == ""


def test_what_a_user_puts_into_the_environment_does_not_get_through(box: Sandbox) -> None:
    """A module and a program of the user's own, before those of the system."""
    home = box.root / "var/tmp" / USER
    for name in ("json.py", "vfio_wizard.py", "update-grub"):
        (home / name).write_text(f"#!/bin/sh\n''''touch {PLAN}.evil #'''\nopen('{PLAN}.evil', 'w')\n")
        (home / name).chmod(0o755)
    argv = (
        "env",
        f"PYTHONPATH=/var/tmp/{USER}",
        f"PATH=/var/tmp/{USER}:/usr/bin:/bin",
        f"--chdir=/var/tmp/{USER}",
    )
    done = run(box, *argv, *APPLY)
    assert done.returncode == 0, done.stderr
    assert not (home / "plan.json.evil").exists()


@pytest.fixture
def plan(box: Sandbox) -> Path:
    """The plan as the user's side hands it over, by a sudo that keeps it; then the real one is back."""
    real = box.root / "usr/bin/sudo"
    real.rename(real.with_name("sudo.real"))
    real.write_text(f'#!/bin/sh\nwhile [ "$1" != --plan ]; do shift; done; cp "$2" {PLAN}; exit 7\n')
    real.chmod(0o755)
    assert run(box, *APPLY).returncode == 7
    real.unlink()
    real.with_name("sudo.real").rename(real)
    return box.root / PLAN.lstrip("/")


HOSTILE = {
    "a link": ("mv {plan} {plan}.1; ln -s {plan}.1 {plan}", "it is a link", 2),
    "a hard link": ("ln {plan} {plan}.1", "it has another name as well", 2),
    "group-writable": ("chmod 0660 {plan}", "others may write it", 2),
    "world-writable": ("chmod 0606 {plan}", "others may write it", 2),
    "a pipe": ("rm {plan}; mkfifo {plan}", "it is no regular file", 2),
    "not there": ("rm {plan}", "no such file", 2),
    "another path": ("sed -i s,modprobe.d/vfio,cron.d/vfio, {plan}", "the plan was altered", 1),
    "another text": ("sed -i s/vfio_pci/evil_pci/ {plan}", "the plan was altered", 1),
    "another command": ("sed -i s/update-grub/update-evil/ {plan}", "the plan was altered", 1),
    "no JSON": ("echo no >{plan}", "plan", 2),
    "too large": ("head -c 2000000 /dev/zero >{plan}", "it is larger than", 2),
}


def test_hostile_plans_are_refused_by_the_side_of_root(box: Sandbox, plan: Path) -> None:
    good = plan.read_bytes()
    before = lasting(box)
    call = ("sudo", "-n", PYTHON, "-I", "-m", "vfio_wizard", "apply", "--plan", PLAN, "--yes")
    for what, (script, told, code) in HOSTILE.items():
        for path in plan.parent.iterdir():
            path.unlink()
        plan.write_bytes(good)
        plan.chmod(0o600)
        os.chown(plan, NUMBER, NUMBER)
        assert run(box, "sh", "-ec", script.format(plan=PLAN)).returncode == 0, what
        refused = run(box, *call)
        assert refused.returncode == code, (what, refused.stderr)
        assert told in refused.stderr, (what, refused.stderr)
        assert "Traceback" not in refused.stderr
    for path in plan.parent.iterdir():
        path.unlink()
    plan.write_bytes(good)
    os.chown(plan, 1, 1)
    stranger = run(box, *call)
    assert stranger.returncode == 2
    assert "it belongs to user 1, who did not call this" in stranger.stderr
    assert difference(before, lasting(box)) == ""
    os.chown(plan, NUMBER, NUMBER)
    made = run(box, *call, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["outcome"] == "applied"


def test_ctrl_c_in_the_terminal_of_the_user_waits_for_root_and_tells_how_it_ended(box: Sandbox) -> None:
    before = lasting(box)
    (box.place / "hold").touch()
    terminal = Terminal(as_user(box, *APPLY))
    begun(box)
    terminal.press(b"\x03")
    said = terminal.shows("waiting for this command to end")
    (box.place / "hold").unlink()
    said += terminal.shows("byte for byte as before")
    assert "Traceback" not in said
    assert terminal.code() == 130
    assert difference(before, lasting(box)) == ""
    assert list((box.root / "var/tmp" / USER).iterdir()) == []


def test_a_kill_of_the_side_of_the_user_is_not_the_end_of_the_change(box: Sandbox) -> None:
    """It has no right to stop root's side: it waits, and tells how that ended."""
    (box.place / "hold").touch()
    process = subprocess.Popen(
        as_user(box, *APPLY), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    begun(box)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None
    (box.place / "hold").unlink()
    _, told = process.communicate(timeout=60)
    assert process.returncode in (0, 130), told
    assert (box.upper / "etc/modprobe.d/vfio-wizard.conf").exists() is (process.returncode == 0)


def test_without_any_way_to_root_it_says_so(box: Sandbox) -> None:
    before = lasting(box)
    for name in ("sudo", "pkexec", "run0"):
        (box.root / "usr/bin" / name).unlink(missing_ok=True)
    done = run(box, *APPLY)
    assert done.returncode == 1
    assert "none of sudo, run0, pkexec is installed: log in as root" in done.stderr
    before.pop("usr/bin/sudo", None)
    assert not (box.upper / "etc/modprobe.d/vfio-wizard.conf").exists()


def test_pkexec_without_a_system_bus_changes_nothing_and_says_why(box: Sandbox) -> None:
    needed(box.root / "usr/bin/pkexec")
    (box.root / "usr/bin/sudo").unlink()
    mounted(box, REAL_PROC)
    done = run(box, "env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere", *APPLY)
    assert done.returncode == 127
    assert "Error getting authority" in done.stderr
    assert not (box.upper / "etc/modprobe.d/vfio-wizard.conf").exists()
    assert list((box.root / "var/tmp" / USER).iterdir()) == []


def test_pkexec_with_a_bus_and_polkit_hands_the_plan_over(box: Sandbox) -> None:
    """The real ones, on a bus of the sandbox; systemd is not needed."""
    for path in ("usr/bin/pkexec", "usr/bin/dbus-daemon", "usr/lib/polkit-1/polkitd"):
        needed(box.root / path)
    (box.root / "usr/bin/sudo").unlink()
    mounted(box, REAL_PROC)
    rule = box.root / "etc/polkit-1/rules.d/10-wizardtester.rules"
    rule.parent.mkdir(parents=True, exist_ok=True)
    rule.parent.chmod(0o755)
    answer = f'return s.user == "{USER}" ? polkit.Result.YES : polkit.Result.NO;'
    rule.write_text(f"polkit.addRule(function(action, s) {{ {answer} }});\n")
    rule.chmod(0o644)
    mounted(box, 'mkdir -p "$0/run"; mount -t tmpfs none "$0/run"; mkdir "$0/run/dbus"')
    bus = subprocess.Popen(box.command("dbus-daemon", "--system", "--nofork", "--nopidfile"))
    try:
        waited(box)
        done = run(box, *APPLY)
    finally:
        bus.terminate()
        bus.wait(30)
    assert done.returncode == 0, done.stderr
    assert "DONE: nothing changes until the next boot." in done.stdout
    assert (box.upper / "etc/modprobe.d/vfio-wizard.conf").stat().st_uid == 0


def waited(box: Sandbox) -> None:
    """Until the bus is there and has started polkit."""
    ask = ("pkexec", "/usr/bin/true")
    end = time.monotonic() + 30
    while run(box, "sh", "-c", f"{' '.join(ask)}; exit $?").returncode:
        assert time.monotonic() < end, "polkit never answered"
        time.sleep(0.3)


REAL_PROC = """
cp -a "$0/proc" "$0/var/tmp/proc"
mount -t proc proc "$0/proc"
for one in cmdline cpuinfo sys/kernel/osrelease sys/kernel/random/boot_id; do
    mount --bind "$0/var/tmp/proc/$one" "$0/proc/$one"
done
"""
"""pkexec asks /proc when its caller was started."""
