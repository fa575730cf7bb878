"""``vfio-wizard predict`` from the command line, on a tree and on a text."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.builders import RELEASE, SysfsTree
from vfio_wizard.cli import main

CARD = "0000:01:00.0"
FILES = {
    f"lib/modules/{RELEASE}/modules.alias": "alias pci:v00001002d00005159sv*sd*bc*sc*i* radeon\n",
    f"lib/modules/{RELEASE}/modules.dep": "kernel/radeon.ko:\nkernel/vfio-pci.ko:\n",
    f"lib/modules/{RELEASE}/modules.builtin": "kernel/fs/ext4.ko\n",
    f"lib/modules/{RELEASE}/modules.softdep": "",
    f"boot/vmlinuz-{RELEASE}": "",
    "boot/grub/grub.cfg": "menuentry 'Debian' {\n\tlinux /vmlinuz root=/dev/sda1 quiet\n}\n",
    "proc/sys/kernel/osrelease": RELEASE,
    "proc/cmdline": "BOOT_IMAGE=/vmlinuz quiet",
    "proc/modules": "",
    "etc/modprobe.d/vfio.conf": "options vfio-pci ids=1002:5159\nsoftdep radeon pre: vfio-pci\n",
}


def _tree(tmp_path: Path) -> Path:
    SysfsTree(tmp_path).pci(CARD, vendor=0x1002, device=0x5159, cls=0x030000, driver="radeon", group=5)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_kernel_without_image_gets_the_card_to_vfio_on_the_root(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "--json", "--host", str(_tree(tmp_path))]) == 0
    document = json.loads(capsys.readouterr().out)
    (kernel,) = document["kernels"]
    (card,) = kernel["functions"]
    assert (kernel["release"], card["driver"], card["stage"]) == (RELEASE, "vfio-pci", "root")
    assert any("etc/modprobe.d/vfio.conf:1" in reason for reason in card["why"])
    assert any("grub.cfg" in note for note in kernel["notes"])


def test_an_image_that_cannot_be_read_leaves_it_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = _tree(tmp_path)
    (root / f"boot/initrd.img-{RELEASE}").write_bytes(gzip.compress(b"no archive at all"))
    assert main(["predict", "--json", "--host", str(root)]) == 0
    (card,) = json.loads(capsys.readouterr().out)["kernels"][0]["functions"]
    assert (card["driver"], card["stage"]) == ("unknown", None)


def test_a_listing_cannot_be_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = tmp_path / "lspci.txt"
    listing.write_text("01:00.0 VGA compatible controller [0300]: AMD RV100 [1002:5159]\n")
    assert main(["predict", "--host", str(listing)]) == 2
    assert "cannot be predicted" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--gpu", "0000:09:00.0", "--host", str(_tree(tmp_path))]) == 2
    assert "0000:09:00.0" in capsys.readouterr().err
