"""Which files a command may have written."""

from __future__ import annotations

from pathlib import Path

from vfio_wizard.apply.allowed import is_target
from vfio_wizard.apply.disk import RootDisk
from vfio_wizard.apply.patterns import folders_matching, is_exactly, is_match, matching

UKI = "efi/EFI/Linux/*.efi"


def test_names_in_capitals_are_the_same_files_on_an_efi_partition(tmp_path: Path) -> None:
    for name in ("ARCH.EFI", "arch.efi.bak", "other.efi"):
        place = tmp_path / "efi/EFI/Linux" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    disk = RootDisk(str(tmp_path))
    assert matching(disk, (UKI,)) == ("efi/EFI/Linux/ARCH.EFI", "efi/EFI/Linux/other.efi")
    assert matching(disk, ("efi/*/*/arch.*",)) == ("efi/EFI/Linux/ARCH.EFI", "efi/EFI/Linux/arch.efi.bak")
    assert folders_matching(disk, ("efi/efi*/x",)) == ("efi/EFI", "efi")
    assert is_match("efi/EFI/LINUX/ARCH.EFI", (UKI,))
    assert not is_match("efi/EFI/LINUX/deep/ARCH.EFI", (UKI,))


def test_what_may_be_written_is_spelled_exactly() -> None:
    assert is_exactly("efi/EFI/Linux/arch.efi", (UKI,))
    assert not is_exactly("efi/EFI/LINUX/arch.efi", (UKI,))
    assert is_target("etc/default/grub")
    assert not is_target("etc/default/GRUB")
