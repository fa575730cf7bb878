"""The hook on a tree that moves like the kernel's, with real processes that hold the card."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.hooks.kernel import AUDIO, GPU, HOST_DRIVERS, Machine, holder
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.hook import CpusMeanwhile, Hook
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.render.hooks import place, script, slug

pytestmark = pytest.mark.scripts

FUNCTIONS = (PciAddress.parse(GPU), PciAddress.parse(AUDIO))
PLAIN = Hook("win11", FUNCTIONS, display=False, wait=0, limit=3)
TAKEN = {GPU: "vfio-pci", AUDIO: "vfio-pci"}
SHELLS = (("dash",), ("busybox", "sh"), ("bash",))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class Ran:
    """A call of the hook, as libvirt makes it."""

    def __init__(self, code: int, said: str) -> None:
        self.code, self.said = code, said


def call(
    machine: Machine, hook: Hook, *words: str, shell: tuple[str, ...] = ("dash",), guest: str | None = None
) -> Ran:
    file = machine.root / "hook"
    path = f"{machine.root}/bin:/usr/bin:/bin"
    text = script(hook, tool_version="0", root=str(machine.root), path=path, mounts=f"{machine.root}/mounts")
    file.write_text(text)
    done = subprocess.run(
        [*shell, str(file), guest or hook.guest, *words],
        input="<domain/>",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stderr)


def begin(machine: Machine, hook: Hook = PLAIN, shell: tuple[str, ...] = ("dash",)) -> Ran:
    return call(machine, hook, "prepare", "begin", "-", shell=shell)


def end(machine: Machine, hook: Hook = PLAIN, shell: tuple[str, ...] = ("dash",)) -> Ran:
    return call(machine, hook, "release", "end", "-", shell=shell)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_the_card_goes_and_comes_back(machine: Machine, shell: tuple[str, ...]) -> None:
    with machine.answering():
        went = begin(machine, shell=shell)
        assert went.code == 0, went.said
        assert machine.drivers() == TAKEN
        assert machine.override(GPU) == "vfio-pci"
        back = end(machine, shell=shell)
    assert back.code == 0, back.said
    assert machine.drivers() == HOST_DRIVERS
    assert machine.override(GPU) == machine.override(AUDIO) == ""
    assert "0000:0b:00.0: amdgpu -> vfio-pci" in went.said
    assert "0000:0b:00.0: vfio-pci -> amdgpu" in back.said
    assert list((machine.root / "run/vfio-wizard/hook-win11").iterdir()) == []


def test_other_guests_and_other_moments_do_nothing(machine: Machine) -> None:
    for words in (("start", "begin"), ("started", "begin"), ("stopped", "end"), ("prepare", "end"), ()):
        assert call(machine, PLAIN, *words).code == 0
    assert call(machine, PLAIN, "prepare", "begin", guest="another").code == 0
    assert machine.drivers() == HOST_DRIVERS


@pytest.mark.parametrize("node", ["dri/card1", "dri/renderD129", "snd/pcmC2D3p", "snd/controlC2"])
@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_a_held_card_stays_and_the_process_is_named(
    machine: Machine, node: str, shell: tuple[str, ...]
) -> None:
    with machine.answering(), holder(machine.root / "dev" / node) as pid:
        refused = begin(machine, shell=shell)
    assert refused.code == 1
    assert f"(process {pid})" in refused.said
    assert f"/dev/{node} open" in refused.said
    assert "python" in refused.said
    assert machine.drivers() == HOST_DRIVERS
    assert machine.override(GPU) == "(null)"


@pytest.mark.parametrize("told", [True, False])
def test_nvidias_nodes_are_its_own(tmp_path: Path, told: bool) -> None:
    """Where NVIDIA's driver does not say which number a card has, any of its nodes may be the card's."""
    machine = Machine(tmp_path, {GPU: "nvidia", AUDIO: "snd_hda_intel"})
    first, second = machine.node("nvidia0"), machine.node("nvidia1")
    if told:
        information = tmp_path / f"proc/driver/nvidia/gpus/{GPU}/information"
        information.parent.mkdir(parents=True)
        information.write_text("Model: \t\t NVIDIA GeForce\nDevice Minor: \t 1\n")
    with machine.answering(), holder(first):
        other = begin(machine)
        assert other.code == (0 if told else 1), other.said
        if told:
            end(machine)
    with machine.answering(), holder(second):
        assert begin(machine).code == 1


def test_another_cards_node_is_no_reason(machine: Machine) -> None:
    other = machine.node("dri/card10")
    with machine.answering(), holder(other), holder(machine.root / "dev/snd/pcmC20D0p"):
        went = begin(machine)
    assert went.code == 0, went.said


def test_it_waits_for_a_process_that_ends(machine: Machine) -> None:
    patient = PLAIN._replace(wait=15)
    code = "import sys, time; f = open(sys.argv[1]); print(flush=True); time.sleep(2)"
    process = subprocess.Popen(
        ["python3", "-c", code, str(machine.root / "dev/dri/card1")], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    with machine.answering():
        went = begin(machine, patient)
    process.communicate()
    assert went.code == 0, went.said
    assert machine.drivers() == TAKEN


def test_a_mounted_disk_of_the_device_is_in_use(machine: Machine) -> None:
    disk = machine.root / f"sys/devices/pci0000:00/{GPU}/nvme/nvme7n1"
    (disk / "nvme7n1p2").mkdir(parents=True)
    (machine.root / "sys/block").mkdir()
    (machine.root / "sys/block/nvme7n1").symlink_to(disk)
    node = machine.node("nvme7n1p2")
    (machine.root / "mounts").write_text(f"{node} /home ext4 rw 0 0\n")
    with machine.answering():
        refused = begin(machine)
    assert refused.code == 1
    assert f"{node} is in use (/home)" in refused.said
    assert machine.drivers() == HOST_DRIVERS


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_an_unbinding_that_hangs_is_left_behind_in_time(machine: Machine, shell: tuple[str, ...]) -> None:
    machine.deaf = {"amdgpu"}
    hook = PLAIN._replace(limit=1)
    started = time.monotonic()
    with machine.answering():
        refused = begin(machine, hook, shell)
    assert refused.code == 1
    assert time.monotonic() - started < 30
    assert "hangs since 1 s" in refused.said
    assert machine.driver(AUDIO) == "snd_hda_intel", "what had left came back"
    (machine.pci / "drivers/amdgpu/unbind").unlink()  # lets the child that hangs go


def test_a_card_that_vfio_does_not_take_goes_back(machine: Machine) -> None:
    machine.refused = {AUDIO}
    with machine.answering():
        refused = begin(machine)
        machine.refused = set()
        again = begin(machine)
    assert refused.code == 1
    assert f"{AUDIO} did not come to vfio-pci" in refused.said
    assert again.code == 0, again.said
    assert machine.drivers() == TAKEN


def test_a_card_that_was_with_vfio_already_stays_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.bind(AUDIO, "vfio-pci")
    (machine.pci / f"devices/{AUDIO}/driver_override").write_text("vfio-pci\n")
    with machine.answering():
        assert begin(machine).code == 0
        assert end(machine).code == 0
    assert machine.drivers() == {GPU: "amdgpu", AUDIO: "vfio-pci"}
    assert machine.override(AUDIO) == "vfio-pci"


def test_a_function_without_a_driver_has_none_afterwards(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {GPU: "amdgpu", AUDIO: None})
    with machine.answering():
        assert begin(machine).code == 0
        assert machine.drivers() == TAKEN
        assert end(machine).code == 0
    assert machine.drivers() == {GPU: "amdgpu", AUDIO: None}


def test_while_qemu_still_has_the_card_it_is_not_taken_back(machine: Machine) -> None:
    with machine.answering():
        assert begin(machine).code == 0
        group = machine.node("vfio/14")
        with holder(group) as pid:
            kept = end(machine)
        assert kept.code == 1
        assert f"(process {pid})" in kept.said
        assert "vfio-wizard recover" in kept.said
        assert machine.drivers() == TAKEN
        assert end(machine).code == 0, "the next call brings it back"
    assert machine.drivers() == HOST_DRIVERS


def test_the_display_manager_stops_and_comes_back(machine: Machine) -> None:
    (machine.root / "display-runs").touch()
    console = machine.console(1, "frame buffer device")
    dummy = machine.console(0, "dummy device")
    hook = PLAIN._replace(display=True)
    with machine.answering():
        went = begin(machine, hook)
        assert went.code == 0, went.said
        assert not (machine.root / "display-runs").exists()
        assert (console / "bind").read_text() == "0\n"
        assert (dummy / "bind").read_text() == "1\n"
        assert end(machine, hook).code == 0
    assert (machine.root / "display-runs").exists()
    assert (console / "bind").read_text() == "1\n"


def test_no_display_manager_is_started_that_did_not_run(machine: Machine) -> None:
    hook = PLAIN._replace(display=True)
    with machine.answering():
        assert begin(machine, hook).code == 0
        assert end(machine, hook).code == 0
    assert not (machine.root / "display-runs").exists()
    assert "start display-manager" not in (machine.root / "systemctl.log").read_text()


def test_the_desktop_comes_back_when_somebody_else_holds_the_card(machine: Machine) -> None:
    (machine.root / "display-runs").touch()
    hook = PLAIN._replace(display=True)
    with machine.answering(), holder(machine.root / "dev/dri/card1"):
        assert begin(machine, hook).code == 1
    assert (machine.root / "display-runs").exists()
    assert machine.drivers() == HOST_DRIVERS


def test_the_firmwares_framebuffer_lets_the_card_go(machine: Machine) -> None:
    folder = machine.root / "sys/bus/platform/drivers/simple-framebuffer"
    (folder / "simple-framebuffer.0").mkdir(parents=True)
    (folder / "unbind").write_text("")
    with machine.answering():
        assert begin(machine, PLAIN._replace(display=True)).code == 0
    assert (folder / "unbind").read_text() == "simple-framebuffer.0\n"


def test_cpus_are_the_guests_meanwhile(machine: Machine) -> None:
    hook = PLAIN._replace(cpus=CpusMeanwhile("0-1,8-9", "0-15"))
    with machine.answering():
        assert begin(machine, hook).code == 0
        first = (machine.root / "systemctl.log").read_text()
        assert end(machine, hook).code == 0
    units = ("init.scope", "system.slice", "user.slice")
    assert first.splitlines() == [f"set-property --runtime -- {one} AllowedCPUs=0-1,8-9" for one in units]
    assert (machine.root / "systemctl.log").read_text().count("AllowedCPUs=0-15") == 3


def test_a_start_after_a_crash_brings_the_card_back_first(machine: Machine) -> None:
    with machine.answering():
        assert begin(machine).code == 0
        again = begin(machine)
        assert again.code == 0, again.said
        assert "was not given back the last time" in again.said
        assert end(machine).code == 0
    assert machine.drivers() == HOST_DRIVERS


def test_a_function_that_is_gone_stops_the_start(machine: Machine) -> None:
    hook = PLAIN._replace(functions=(*FUNCTIONS, PciAddress.parse("0000:0c:00.0")))
    with machine.answering():
        refused = begin(machine, hook)
    assert refused.code == 1
    assert "0000:0c:00.0 is not there" in refused.said
    assert machine.drivers() == HOST_DRIVERS


# -- the text --------------------------------------------------------------------------------------

AWKWARD = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("'\"$`\\ *;&|<>(){}~#!"), min_size=1
)


@given(AWKWARD)
def test_any_name_is_itself_in_the_script(name: str) -> None:
    text = script(Hook(name, FUNCTIONS, display=False), tool_version="0")
    head = text.partition("state=")[0]
    told = subprocess.run(["dash", "-c", head + '\nprintf %s "$guest"'], capture_output=True, check=True)
    assert told.stdout.decode() == name
    assert "/" not in slug(name)


@given(st.lists(AWKWARD, min_size=2, max_size=2, unique=True))
def test_two_guests_never_share_a_file(names: list[str]) -> None:
    assert slug(names[0]) != slug(names[1])


def test_a_control_character_is_no_name() -> None:
    with pytest.raises(UsageError):
        script(Hook("a\nb", FUNCTIONS, display=False), tool_version="0")


@pytest.mark.parametrize("guest", ["win11", "it's $(a) `name`"])
@pytest.mark.parametrize("display", [True, False])
def test_shellcheck_finds_nothing(tmp_path: Path, guest: str, display: bool) -> None:
    file = tmp_path / "hook"
    file.write_text(script(Hook(guest, FUNCTIONS, display, cpus=CpusMeanwhile("0", "0-3")), tool_version="0"))
    done = subprocess.run(
        ["shellcheck", "--shell=sh", "--severity=style", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    for shell in SHELLS:
        if shutil.which(shell[0]):
            subprocess.run([*shell, "-n", str(file)], check=True)


def test_the_place_depends_on_libvirt() -> None:
    assert place("win 11", None).startswith("/etc/libvirt/hooks/qemu.d/50-vfio-wizard-win11-")
    assert place("win11", (6, 5, 0)) == "/etc/libvirt/hooks/qemu.d/50-vfio-wizard-win11"
    assert place("win11", (6, 4, 0)) == "/etc/libvirt/hooks/qemu"
