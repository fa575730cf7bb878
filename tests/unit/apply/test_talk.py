"""What a person sees while a change is made."""

from __future__ import annotations

import pytest

from vfio_wizard.cli.talk import Talk
from vfio_wizard.report.apply_text import ending


def test_hundreds_of_firmware_warnings_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    talk = Talk()
    talk.say("running update-initramfs")
    talk.line("update-initramfs: Generating /boot/initrd.img-6.1.0-41-amd64")
    for number in range(300):
        talk.line(f"W: Possible missing firmware /lib/firmware/amdgpu/{number}.bin for module amdgpu")
    talk.line("W: mkconf: MD subsystem is not loaded")
    talk.say("done")
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 5
    assert "Generating" in told[1]
    assert "MD subsystem" in told[2]
    assert "300 lines about files of firmware" in told[3]


def test_what_a_command_prints_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Talk().line("\x1b]0;owned\x07\x1b[2J")
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_last_screen_names_the_entry_the_undo_and_the_next_step(width: int) -> None:
    told = ending(("Choose the entry that ends with (without passthrough).",), 7, width)
    assert "without passthrough" in told
    assert "sudo vfio-wizard undo" in told
    assert "vfio-wizard verify" in told
    assert "transactions/0007/undo.sh" in told.replace("\n    ", "")
    assert all(len(line) <= width for line in told.splitlines())
