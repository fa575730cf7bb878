"""A card that is stuck, on a tree that moves like the kernel's."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import published
from tests.unit.hooks.kernel import AUDIO, GPU, Machine
from vfio_wizard.apply.recover import StuckError, SysfsKernel, carry_out, read_card
from vfio_wizard.cli import main
from vfio_wizard.model.pci import Holder, PciAddress
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.planning.recover import Card, Part, Step, Write, held, steps
from vfio_wizard.system.host import RootHost

BOTH = (PciAddress.parse(GPU), PciAddress.parse(AUDIO))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Both functions with vfio-pci, and room for what the kernel would answer to."""
    made = Machine(tmp_path)
    for address in (GPU, AUDIO):
        at = made.pci / "devices" / address
        made.bind(address, "vfio-pci")
        (at / "driver_override").write_text("vfio-pci\n")
        (at / "vendor").write_text("0x1002\n")
        (at / "power_state").write_text("D3hot\n")
        (at / "config").write_bytes(b"\x02\x10\x9f\x66")
        (at / "remove").write_text("")
    (made.pci / "devices" / GPU / "reset_method").write_text("bus\n")
    (made.pci / "devices" / GPU / "reset").write_text("")
    (made.pci / "rescan").write_text("")
    made.node("vfio/14")
    (tmp_path / "proc/1/fd").mkdir(parents=True)
    return made


def process(machine: Machine, pid: int, name: str, node: str, state: str = "S") -> None:
    """A process of that machine with a file open."""
    at = machine.root / f"proc/{pid}"
    (at / "fd").mkdir(parents=True)
    (at / "fd/7").symlink_to(f"/dev/{node}")
    (at / "comm").write_text(f"{name}\n")
    (at / "stat").write_text(f"{pid} ({name}) {state} 1 1 1 0\n")


def state(machine: Machine) -> Card:
    return read_card(RootHost(str(machine.root)), BOTH)


def step(machine: Machine, word: str) -> Step:
    return next(one for one in steps(state(machine)) if one.id == word)


def test_a_card_is_told_as_it_is(machine: Machine) -> None:
    card = state(machine)
    gpu, audio = card.parts
    assert gpu == Part(BOTH[0], True, "vfio-pci", "vfio-pci", "D3hot", ("bus",), True, ())
    assert audio.resets == ()
    assert held(card) is None
    (machine.pci / "devices" / GPU / "config").write_bytes(b"\xff\xff\xff\xff")
    assert state(machine).parts[0].answers is False


def test_release_then_reset_then_rebind(machine: Machine) -> None:
    kernel = SysfsKernel(str(machine.root), 10)
    assert step(machine, "reset").refused == "0000:0b:00.0 is still with vfio-pci"
    with machine.answering():
        carry_out(step(machine, "release"), kernel)
        _until(lambda: machine.drivers() == {GPU: None, AUDIO: None})
        carry_out(step(machine, "reset"), kernel)
        assert (machine.pci / "devices" / GPU / "reset").read_text() == "1\n"
        carry_out(step(machine, "rebind"), kernel)
        _until(lambda: machine.drivers() == {GPU: "amdgpu", AUDIO: "snd_hda_intel"})
    assert machine.override(GPU) == ""


def _until(true: object) -> None:
    end = time.monotonic() + 10
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_rescan_forgets_the_functions_and_looks_anew(machine: Machine) -> None:
    with machine.answering():
        carry_out(step(machine, "release"), SysfsKernel(str(machine.root), 10))
        _until(lambda: machine.drivers() == {GPU: None, AUDIO: None})
    carry_out(step(machine, "rescan"), SysfsKernel(str(machine.root), 10))
    assert (machine.pci / "devices" / GPU / "remove").read_text() == "1\n"
    assert (machine.pci / "devices" / AUDIO / "remove").read_text() == "1\n"
    assert (machine.pci / "rescan").read_text() == "1\n"


def test_nothing_is_done_to_a_card_that_a_process_holds(machine: Machine) -> None:
    process(machine, 4711, "qemu-system-x86", "vfio/14")
    card = state(machine)
    why = held(card)
    assert why is not None
    assert "qemu-system-x86 (process 4711) has /dev/vfio/14 open" in why
    for one in steps(card):
        assert one.refused == why
        assert one.writes == ()
        with pytest.raises(StuckError):
            carry_out(one, SysfsKernel(str(machine.root)))
    assert machine.driver(GPU) == "vfio-pci"


def test_a_process_that_hangs_in_the_kernel_is_named(machine: Machine) -> None:
    process(machine, 4711, "odd) name (x", "vfio/14", "D")
    card = state(machine)
    assert card.hanging == ((4711, "odd) name (x"),)
    why = held(card)
    assert why is not None
    assert "which hangs in the kernel" in why


def test_who_cannot_be_seen_may_hold_it() -> None:
    part = Part(BOTH[0], True, None, None, None, (), None, Unread("proc/*/fd", Gap.DENIED, "run as root"))
    why = held(Card((part,)))
    assert why is not None
    assert "run as root" in why
    other = part._replace(holders=(Holder(1, "Xorg", "dev/dri/card0"),))
    assert "Xorg" in (held(Card((other,))) or "")


def test_the_hosts_driver_is_not_taken_away(machine: Machine) -> None:
    machine.bind(GPU, "amdgpu")
    assert "amdgpu, which is not taken from it" in (step(machine, "release").refused or "")
    assert step(machine, "rescan").refused == "0000:0b:00.0 is still with amdgpu"


def test_a_word_that_hangs_ends_the_attempt(machine: Machine) -> None:
    """Nobody reads the pipe that stands for the driver's unbind."""
    started = time.monotonic()
    with pytest.raises(StuckError, match=r"hangs since 0\.5 s"):
        carry_out(step(machine, "release"), SysfsKernel(str(machine.root), 0.5))
    assert time.monotonic() - started < 10


def test_a_refusal_of_the_kernel_is_told(machine: Machine) -> None:
    wrong = Step("reset", "reset it", (Write("sys/bus/pci/none/reset", "1"),))
    with pytest.raises(StuckError, match="the kernel refuses '1' in /sys/bus/pci/none/reset"):
        carry_out(wrong, SysfsKernel(str(machine.root)))


def test_words_are_never_a_script(machine: Machine) -> None:
    trap = machine.root / "trap"
    target = machine.root / "a file $(touch trap)"
    SysfsKernel(str(machine.root)).write(Write(target.name, f"$(touch {trap}); touch {trap}"))
    assert target.read_text() == f"$(touch {trap}); touch {trap}\n"
    assert not trap.exists()


# -- the command -----------------------------------------------------------------------------------


def test_a_record_is_not_touched(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = repository / "fixtures/lab-6.12-twins/host.json"
    assert main(["recover", "--gpu", "0000:01:00.0", "--yes", "--host", str(capture)]) == 1
    assert "cannot recover a card on" in capsys.readouterr().err


@pytest.mark.live
def test_a_card_that_is_not_on_the_bus_is_said_to_be_gone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recover", "--gpu", "fffe:77:00.0", "--json"]) == 0
    document = published.document(capsys.readouterr().out, "vfio-wizard/recover/1")
    assert document["functions"][0]["there"] is False
    assert document["done"] == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "which card?"),
        (("--gpu", "there"), "not a PCI address"),
        (("--gpu", "0000:01:00.0", "--steps", "reset,pray"), "no step 'pray'"),
    ],
)
def test_wrong_calls(words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recover", *words]) == 2
    assert complaint in capsys.readouterr().err
