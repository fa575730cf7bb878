"""When images were built, what ports can separate, and the user's own files: from real trees."""

from __future__ import annotations

import os
from pathlib import Path

from vfio_wizard.model.facts import InstalledKernel
from vfio_wizard.model.pci import Acs
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.acs import parse_acs, read_acs
from vfio_wizard.probe.quirks import read_quirks
from vfio_wizard.probe.times import read_times
from vfio_wizard.system.host import RootHost

PORT = "sys/bus/pci/devices/0000:00:01.0"


def written(root: Path, path: str, content: bytes = b"x", when: int = 2_000_000_000) -> Path:
    """A file below the root, of a given time."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    os.utime(place, (when, when))
    return place


def config_space(*capabilities: tuple[int, int, bytes], size: int = 4096) -> bytes:
    """A configuration space with extended capabilities: (place, id, body), each leading to the next."""
    content = bytearray(size)
    for index, (place, number, body) in enumerate(capabilities):
        after = capabilities[index + 1][0] if index + 1 < len(capabilities) else 0
        header = number | 1 << 16 | after << 20
        content[place : place + 4] = header.to_bytes(4, "little")
        content[place + 4 : place + 4 + len(body)] = body
    return bytes(content)


def kernel(image: str | None) -> InstalledKernel:
    return InstalledKernel("6.12", True, frozenset(), {}, True, image)


def test_access_control_is_found_behind_other_capabilities() -> None:
    space = config_space((0x100, 0x01, b""), (0x140, 0x0D, bytes((0x1F, 0, 0x1D, 0))))
    assert parse_acs(space) == Acs(capable=0x1F, on=0x1D)


def test_port_without_the_capability_has_none() -> None:
    assert parse_acs(config_space((0x100, 0x01, b""))) is None
    assert parse_acs(b"\xff" * 4096) is None
    assert parse_acs(bytes(256)) is None


def test_chain_of_capabilities_that_loops_ends() -> None:
    space = bytearray(config_space((0x100, 0x01, b""), (0x140, 0x02, b"")))
    space[0x140:0x144] = (0x02 | 1 << 16 | 0x100 << 20).to_bytes(4, "little")
    assert parse_acs(bytes(space)) is None


def test_ordinary_user_sees_too_little_to_tell(tmp_path: Path) -> None:
    written(tmp_path, f"{PORT}/config", bytes(64))
    gap = read_acs(RootHost(str(tmp_path)), PORT)
    assert isinstance(gap, Unread)
    assert gap.gap is Gap.DENIED


def test_image_and_what_goes_into_it_are_dated(tmp_path: Path) -> None:
    written(tmp_path, "boot/initrd.img-6.12", when=1_900_000_000)
    written(tmp_path, "etc/modprobe.d/vfio.conf")
    written(tmp_path, "etc/default/grub")
    files = (("etc/default/grub", "x"), ("etc/modprobe.d/vfio.conf", "x"))
    found = read_times(RootHost(str(tmp_path)), (kernel("boot/initrd.img-6.12"),), files)
    assert found == (("boot/initrd.img-6.12", 1_900_000_000), ("etc/modprobe.d/vfio.conf", 2_000_000_000))


def test_stores_that_keep_no_times_tell_none(tmp_path: Path) -> None:
    written(tmp_path, "nix/store/x/initrd", when=1)
    assert read_times(RootHost(str(tmp_path)), (kernel("nix/store/x/initrd"),), ()) == ()


def test_own_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    written(tmp_path, "etc/vfio-wizard/quirks.d/b.toml", b"# b")
    written(tmp_path, "etc/vfio-wizard/quirks.d/a.toml", b"# a")
    written(tmp_path, "etc/vfio-wizard/quirks.d/readme.txt", b"no")
    found = read_quirks(RootHost(str(tmp_path)))
    assert found == (
        ("etc/vfio-wizard/quirks.d/a.toml", "# a"),
        ("etc/vfio-wizard/quirks.d/b.toml", "# b"),
    )


def test_no_folder_means_no_files(tmp_path: Path) -> None:
    assert read_quirks(RootHost(str(tmp_path))) == ()
