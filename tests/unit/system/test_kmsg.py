"""The kernel's log, record by record."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vfio_wizard.model.unread import Unread
from vfio_wizard.system.host import KERNEL_LOG, RootHost
from vfio_wizard.system.kmsg import first_lines
from vfio_wizard.system.recording import RecordingHost


def device(*answers: bytes | type[OSError]) -> Callable[[], bytes]:
    """What one read after the other gives; then the log has ended, as the kernel says it."""
    left = iter(answers)

    def read() -> bytes:
        answer = next(left, BlockingIOError)
        if isinstance(answer, bytes):
            return answer
        raise answer

    return read


def test_the_first_line_of_each_record_is_told() -> None:
    record = (
        b"6,339,5140900,-;vfio-pci 0000:01:00.0: enabling device\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01:00.0\n"
    )
    told = first_lines(device(record), 1 << 20)
    assert told == ["6,339,5140900,-;vfio-pci 0000:01:00.0: enabling device"]


def test_what_programs_write_into_the_log_does_not_speak_for_the_kernel() -> None:
    forged = b"12,340,5140901,-;AMD-Vi: Interrupt remapping enabled\n"
    assert first_lines(device(forged, b"4,341,5140902,-;kernel\n"), 1 << 20) == ["4,341,5140902,-;kernel"]


def test_records_that_were_overwritten_meanwhile_are_passed_over() -> None:
    told = first_lines(device(b"6,1,0,-;one\n", BrokenPipeError, b"6,9,0,-;nine\n"), 1 << 20)
    assert told == ["6,1,0,-;one", "6,9,0,-;nine"]


def test_a_log_that_grows_while_it_is_read_has_an_end() -> None:
    endless = device(*([b"6,1,0,-;" + b"x" * 992 + b"\n"] * 5000))
    assert 0 < len(first_lines(endless, 1 << 20)) < 2000


@pytest.mark.live
def test_this_machine_tells_its_log_or_why_not() -> None:
    told = RootHost().lines(KERNEL_LOG, ("",))
    may_read = os.access("/dev/kmsg", os.R_OK) and os.geteuid() == 0
    if isinstance(told, Unread):
        assert not may_read
    else:
        assert all(line[:2].strip("01234567") == "," for line in told)


def test_a_device_of_that_name_in_another_root_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    os.mkfifo(tmp_path / KERNEL_LOG)
    assert isinstance(RootHost(str(tmp_path)).lines(KERNEL_LOG, ("",)), Unread)


def test_a_capture_holds_the_lines_without_the_moment_of_each(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / KERNEL_LOG).write_text("5,0,0,-;Linux version 6.12\n6,7731,997731,-;AMD-Vi: on\n")
    recorder = RecordingHost(RootHost(str(tmp_path)))
    told = recorder.lines(KERNEL_LOG, (), ("Linux version ", "AMD-Vi"))
    assert told == ("5,0,0,-;Linux version 6.12", "6,0,0,-;AMD-Vi: on")
    assert "7731" not in str(recorder.sections)
