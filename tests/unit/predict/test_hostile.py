"""Texts and captures made to keep a prediction busy: bounded work, and an answer in the usual form."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import RELEASE
from tests.published import document
from vfio_wizard.cli import main
from vfio_wizard.predict.overrides import read_override
from vfio_wizard.system.capture import SCHEMA

LONG = 1 << 17
TEXTS = {
    "blanks": "echo" + " " * LONG,
    "echoes": "echo " * (LONG // 5),
    "half redirections": "echo vfio-pci " * (LONG // 14),
    "addresses": "0000:01:00.0 " * (LONG // 13) + "> driver_override",
    "loads": "modprobe -a " + "x " * (LONG // 2),
    "assignments": "a=b;" * (LONG // 4) + "driver_override",
    "backslashes": "\\\n" * (LONG // 2) + "driver_override",
    "quotes": 'KERNEL=="' * (LONG // 9) + "driver_override",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("path", ["etc/x.rules", "etc/x.service", "scripts/init-top/x"])
def test_long_texts_take_no_time_to_speak_of(path: str, text: str) -> None:
    begun = time.monotonic()
    read_override(path, text)
    assert time.monotonic() - begun < 5


@given(
    st.text(max_size=300), st.sampled_from(["x.rules", "x.service", "scripts/init-top/x", "hooks/pre-udev/x"])
)
def test_any_text_is_read(text: str, path: str) -> None:
    read_override(path, f"driver_override {text}")


def test_a_capture_with_endless_folders_and_a_forged_image_is_predicted_soon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [f"unit{number}.service" for number in range(50_000)]
    rules = [f"{number}.rules" for number in range(50_000)]
    image = {"signs": ["dracut"], "texts": {"etc/x": ["9" * 4000 + ":x"]}, "modules": {"": ["x " * LONG]}}
    sections = {
        "schema": SCHEMA,
        "files": {"proc/sys/kernel/osrelease": RELEASE, "proc/cmdline": "quiet"},
        "directories": {
            "boot": [f"initrd.img-{RELEASE}", f"vmlinuz-{RELEASE}"],
            "lib/modules": [RELEASE],
            "sys/bus/pci/devices": ["0000:01:00.0"],
            "usr/lib/systemd/system": ["sysinit.target.wants"],
            "usr/lib/systemd/system/sysinit.target.wants": many,
            "usr/lib/udev/rules.d": rules,
        },
        "commands": {f"@initramfs boot/initrd.img-{RELEASE}": json.dumps(image)},
    }
    record = tmp_path / "capture.json"
    record.write_text(json.dumps(sections))
    begun = time.monotonic()
    assert main(["predict", "--json", "--host", str(record)]) == 0
    assert time.monotonic() - begun < 10
    told = document(capsys.readouterr().out, "vfio-wizard/predict/1")
    assert {one["driver"] for one in told["kernels"][0]["functions"]} == {"unknown"}
