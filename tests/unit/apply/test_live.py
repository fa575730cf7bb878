"""The program itself, by real processes, on a live ``/`` that is a sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from tests.builders import SysfsTree
from tests.faults.trial import difference, snapshot
from tests.unit.apply.sandbox import HERE, Sandbox, sandbox
from vfio_wizard.probe.cpu import CPUS

pytestmark = pytest.mark.live
APPLY = ("apply", "--gpu", "01:00.0", "--user", "nobody", "--yes")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """Not below /tmp, which may be an overlay itself."""
    place = Path("/dev/shm") / f"vfio-wizard-{os.getpid()}"  # noqa: S108 - a folder of its own, of this process
    place.mkdir(mode=0o700)
    try:
        made = sandbox(place)
        yield made
        made.close()
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


PLAN = "/var/tmp/plan.json"  # noqa: S108 - of the sandbox


def checked(output: str, name: str) -> dict[str, object]:
    """A document that keeps to its published schema."""
    schema = json.loads((HERE / f"docs/schema/{name}-1.json").read_text())
    told: dict[str, object] = json.loads(output)
    jsonschema.validate(told, schema)
    return told


def text(box: Sandbox, path: str) -> str:
    return (box.upper / path).read_text()


def lasting(box: Sandbox) -> dict[str, tuple[str, str, int, int, int]]:
    """Without what Python and the tools leave in folders for such things, and beside this checkout."""
    return {
        path: entry
        for path, entry in snapshot(box.upper).items()
        if not path.startswith(("var/tmp", "tmp", "root", "etc/.pwd.lock", HERE.parts[1]))
        and "__pycache__" not in path
    }


def test_apply_verify_undo_and_again(box: Sandbox) -> None:
    before = lasting(box)
    done = box.run(*APPLY)
    assert done.returncode == 0, done.stderr
    assert "DONE: nothing changes until the next boot." in done.stdout
    assert "looking into the built images" in done.stderr
    assert "nobody" in next(one for one in text(box, "etc/group").splitlines() if one.startswith("libvirt:"))
    waiting = box.run("verify")
    assert waiting.returncode == 3
    assert "NOT REBOOTED YET" in waiting.stdout
    again = box.run(*APPLY)
    assert again.returncode == 0
    undone = box.run("undo")
    assert undone.returncode == 0, undone.stderr
    assert "byte for byte as before" in undone.stdout
    assert difference(before, lasting(box)) == ""
    assert "nothing to undo" in box.run("undo").stdout


def test_after_the_reboot_verify_says_that_it_holds_or_what_does_not(box: Sandbox) -> None:
    assert box.run(*APPLY).returncode == 0
    (box.root / "proc/sys/kernel/random/boot_id").write_text("99999999-2222-3333-4444-555555555555\n")
    broken = box.run("verify", "--json")
    assert broken.returncode == 1
    told = checked(broken.stdout, "verify")
    assert told["answer"] == "broken"
    rows = told["functions"]
    assert isinstance(rows, list)
    assert {(one["address"], one["driver"], one["status"]) for one in rows} == {
        ("0000:01:00.0", "radeon", "fail"),
        ("0000:01:00.1", "snd_hda_intel", "fail"),
    }
    line = (box.root / "proc/cmdline").read_text().strip()
    (box.root / "proc/cmdline").write_text(f"{line} {' '.join(_words(told))}\n")
    for address in ("0000:01:00.0", "0000:01:00.1"):
        device = os.path.realpath(box.upper / "sys/bus/pci/devices" / address)
        bound_to_vfio(box.root / os.path.relpath(device, box.upper))
    holds = box.run("verify")
    assert holds.returncode == 0, holds.stdout
    assert "THE CHANGE HOLDS." in holds.stdout


def bound_to_vfio(device: Path) -> None:
    """As the kernel would show it."""
    text = (device / "uevent").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("DRIVER=")]
    (device / "uevent").write_text("\n".join(["DRIVER=vfio-pci", *lines]) + "\n")
    (device / "driver").unlink()
    (device / "driver").symlink_to("../../../../bus/pci/drivers/vfio-pci")


def _words(told: dict[str, object]) -> list[str]:
    rows = told["kernel_parameters"]
    assert isinstance(rows, list)
    return [str(row["word"]) for row in rows if row["wanted"]]


def begun(box: Sandbox) -> None:
    end = time.monotonic() + 60
    while not (box.place / "begun").exists():
        assert time.monotonic() < end, "the command was never begun"
        time.sleep(0.05)


def test_killed_while_a_command_runs_the_undo_waits_for_it_and_restores(box: Sandbox) -> None:
    before = lasting(box)
    (box.place / "hold").touch()
    process = box.start(*APPLY)
    begun(box)
    process.kill()
    process.communicate(timeout=60)
    waits = box.run("undo")
    assert waits.returncode == 1
    assert "a command that it started still runs" in waits.stderr
    (box.place / "hold").unlink()
    end = time.monotonic() + 60
    while (undone := box.run("undo")).returncode == 1:
        assert time.monotonic() < end, undone.stderr
        time.sleep(0.2)
    assert undone.returncode == 0, undone.stderr
    assert difference(before, lasting(box)) == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_asked_to_stop_it_waits_for_the_command_and_takes_all_back(
    number: signal.Signals, box: Sandbox
) -> None:
    before = lasting(box)
    (box.place / "hold").touch()
    process = box.start(*APPLY)
    begun(box)
    process.send_signal(number)
    time.sleep(0.3)
    (box.place / "hold").unlink()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "everything was taken back" in told
    assert difference(before, lasting(box)) == ""


def test_without_a_terminal_and_without_yes_nothing_is_done(box: Sandbox) -> None:
    before = lasting(box)
    done = box.run("apply", "--gpu", "01:00.0")
    assert done.returncode == 2
    assert "add --yes" in done.stderr
    assert difference(before, lasting(box)) == ""


def test_an_ordinary_user_hands_the_plan_to_root(box: Sandbox) -> None:
    """With a stand-in for sudo that keeps the file; root takes it as it is, and refuses it when altered."""
    python = "/usr/bin/python3"
    can = box.command("setpriv", "--reuid=65534", "--clear-groups", *box.wizard("--version", python=python))
    if subprocess.run(can, capture_output=True, check=False).returncode:
        pytest.skip("an ordinary user cannot run this checkout with the system's Python")
    box.program(
        "sudo", '#!/bin/sh\nwhile [ "$1" != --plan ]; do shift; done; cp -p "$2" /var/tmp/plan.json; exit 7\n'
    )
    words = box.wizard("apply", "--gpu", "01:00.0", "--yes", python=python)
    argv = box.command(
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "TMPDIR=/var/tmp", *words
    )
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 7, done.stderr
    plan = box.root / "var/tmp/plan.json"
    good = plan.read_text()
    plan.write_text(good.replace("vfio_pci", "evil_pci"))
    refused = box.run("apply", "--plan", PLAN, "--yes", SUDO_UID="65534")
    assert refused.returncode == 1
    assert "the plan was altered" in refused.stderr
    plan.write_text(good)
    stranger = box.run("apply", "--plan", PLAN, "--yes", SUDO_UID="1234")
    assert stranger.returncode == 2
    assert "who did not call this" in stranger.stderr
    made = box.run("apply", "--plan", PLAN, "--yes", "--json", SUDO_UID="65534")
    assert made.returncode == 0, made.stderr
    assert checked(made.stdout, "apply")["outcome"] == "applied"
    assert checked(box.run("undo", "--json").stdout, "undo")["outcome"] == "undone"
    assert checked(box.run("undo", "--json").stdout, "undo")["outcome"] == "nothing-to-undo"
    assert checked(box.run("verify", "--json").stdout, "verify")["answer"] == "nothing-applied"


def test_undo_from_outside_as_from_a_rescue_system(box: Sandbox) -> None:
    before = lasting(box)
    assert box.run("apply", "--gpu", "01:00.0", "--yes").returncode == 0
    env = os.environ | {"PYTHONPATH": str(HERE)}
    argv = box.wizard("undo", "--root", str(box.upper))[2:]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert difference(before, lasting(box)) == ""


def test_on_nixos_the_module_goes_where_the_user_says_and_nothing_is_run(box: Sandbox) -> None:
    (box.root / "etc/os-release").write_text('ID=nixos\nNAME=NixOS\nVERSION_ID="25.11"\n')
    (box.root / "etc/NIXOS").touch()
    (box.root / "etc/nixos").mkdir()
    nowhere = box.run("apply", "--gpu", "01:00.0", "--yes")
    assert nowhere.returncode == 2
    assert "say where the module goes: -o" in nowhere.stderr
    done = box.run("apply", "--gpu", "01:00.0", "--yes", "-o", "/etc/nixos", "--json")
    assert done.returncode == 0, done.stderr
    told = checked(done.stdout, "apply")
    assert told["outcome"] == "written"
    assert told["commands"] == []
    assert (
        any("imports" in str(step) for step in told["reasons"])
        if isinstance(told["reasons"], list)
        else False
    )
    assert "vfio-pci" in text(box, "etc/nixos/gpu_passthrough.nix")
    assert not (box.upper / "var/lib/vfio-wizard").exists()


def test_a_record_is_never_changed(box: Sandbox) -> None:
    done = box.run("apply", "--host", "/", "--gpu", "01:00.0", "--yes")
    assert done.returncode == 1
    assert "it is a record, not this machine" in done.stderr


def mounted(box: Sandbox, script: str) -> None:
    """Change the mounts of the sandbox; ``$0`` is its root."""
    space = f"/proc/{box.holder.pid}/ns/mnt"
    argv = ["nsenter", f"--mount={space}", "sh", "-ec", script, str(box.place / "merged")]
    subprocess.run(argv, check=True, capture_output=True)


def test_a_boot_that_is_mounted_read_only_is_refused_untouched(box: Sandbox) -> None:
    before = lasting(box)
    mounted(box, 'mount --bind "$0/boot" "$0/boot"; mount -o remount,ro,bind "$0/boot"')
    done = box.run(*APPLY)
    assert done.returncode == 1
    assert "is mounted read-only; nothing was changed" in done.stderr
    assert difference(before, lasting(box)) == ""


def test_a_boot_that_is_too_full_for_a_second_image_is_refused_untouched(box: Sandbox) -> None:
    before = lasting(box)
    mounted(
        box,
        'cp -a "$0/boot" "$0/var/tmp/boot"; mount -t tmpfs -o size=600k,mode=755 small "$0/boot";'
        'cp -a "$0/var/tmp/boot/." "$0/boot"',
    )
    done = box.run(*APPLY)
    assert done.returncode == 1
    assert "too little room on the file system of /boot" in done.stderr
    assert difference(before, lasting(box)) == ""


def test_an_edit_since_is_shown_and_only_force_goes_over_it(box: Sandbox) -> None:
    before = lasting(box)
    assert box.run(*APPLY).returncode == 0
    path = box.root / "etc/initramfs-tools/modules"
    path.write_text(path.read_text() + "mine\n")
    conflict = box.run("undo")
    assert conflict.returncode == 1
    assert "/etc/initramfs-tools/modules was edited after the change" in conflict.stderr
    assert "  -mine" in conflict.stderr
    assert box.run("undo", "--force").returncode == 0
    assert difference(before, lasting(box)) == ""


def test_hooks_are_put_there_once_and_taken_away(box: Sandbox) -> None:
    before = lasting(box)
    done = box.run("watch", "install")
    if "lies in an open place" in done.stderr:
        pytest.skip("this checkout lies where others may write, from which no hook is installed")
    assert done.returncode == 0, done.stderr
    hook = box.upper / "etc/kernel/postinst.d/zz-vfio-wizard"
    assert hook.stat().st_mode & 0o777 == 0o755
    assert "installed already" in box.run("watch", "install").stdout
    told = subprocess.run(
        box.command("sh", "/etc/kernel/postinst.d/zz-vfio-wizard"), capture_output=True, text=True, check=True
    )
    assert told.stderr == ""
    assert box.run("watch", "remove").returncode == 0
    assert "not installed" in box.run("watch", "remove").stdout
    assert difference(before, lasting(box)) == ""


def test_a_hook_for_the_cpus_is_placed_with_the_plan_and_taken_back(box: Sandbox) -> None:
    six_cores(box)
    before = lasting(box)
    (box.root / "var/tmp/answers.toml").write_text('guest = "win11"\n[cpus]\nguest = "2-3,8-9"\n')
    words = ("--gpu", "01:00.0", "--user", "nobody", "--answers", "/var/tmp/answers.toml")  # noqa: S108 - of the sandbox
    planned = checked(box.run("plan", "--json", *words).stdout, "plan")
    assert CPU_HOOK in str(planned["steps"])
    assert box.run("apply", "--yes", *words).returncode == 0
    file = box.upper / CPU_HOOK
    assert file.stat().st_mode & 0o777 == 0o755
    again = box.run("plan", "--json", *words)
    assert CPU_HOOK not in str(checked(again.stdout, "plan")["artifacts"])
    assert asked_for_cpus(file, box, "prepare", "begin") == ["0-1,4-7,10-11"] * 3
    assert asked_for_cpus(file, box, "release", "end") == ["0-11"] * 3
    assert asked_for_cpus(file, box, "started", "begin") == []
    undone = box.run("undo")
    assert undone.returncode == 0, undone.stderr
    assert difference(before, lasting(box)) == ""


def test_a_hook_for_the_cpus_alone_is_installed_and_taken_back(box: Sandbox) -> None:
    six_cores(box)
    before = lasting(box)
    words = ("hooks", "--gpu", "01:00.0", "--name", "win11", "--cpus", "2-3,8-9", "--install", "--yes")
    done = box.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert checked(done.stdout, "hooks")["state"] == "is-installed"
    assert "cpus=0-1,4-7,10-11" in text(box, CPU_HOOK)
    assert checked(box.run(*words, "--json").stdout, "hooks")["state"] == "is-there-already"
    assert box.run("undo").returncode == 0
    assert difference(before, lasting(box)) == ""


CPU_HOOK = "etc/libvirt/hooks/qemu.d/40-vfio-wizard-cpus-win11"


def six_cores(box: Sandbox) -> None:
    """With two threads each, and libvirt's folders as this system has them."""
    (box.root / "etc/libvirt").mkdir(exist_ok=True)
    for folder in ("etc/libvirt", "etc/libvirt/hooks", "etc/libvirt/hooks/qemu.d"):
        if (box.root / folder).exists():
            (box.root / folder).chmod(0o755)  # so that it is in the upper layer before anything is compared
    tree = SysfsTree(box.root).files(CPUS, online="0-11", present="0-11", isolated="")
    for number in range(12):
        siblings = f"{number % 6},{number % 6 + 6}"
        tree.cpu(number, core_cpus_list=siblings, physical_package_id=0, core_id=number % 6)


def asked_for_cpus(hook: Path, box: Sandbox, operation: str, part: str) -> list[str]:
    """What libvirt's call of the hook makes it ask systemd for, by a stand-in for systemctl."""
    place = box.place / "tools"
    place.mkdir(exist_ok=True)
    log = place / "log"
    log.write_text("")
    (place / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>{log}\n')
    (place / "systemctl").chmod(0o755)
    env = {"PATH": f"{place}:{os.environ['PATH']}"}
    argv = [str(hook), "win11", operation, part, "-"]
    subprocess.run(argv, input="<domain/>", text=True, env=env, check=True)
    other = [str(hook), "another", operation, part, "-"]
    subprocess.run(other, input="<domain/>", text=True, env=env, check=True)
    return [line.rpartition("=")[2] for line in log.read_text().splitlines()]
