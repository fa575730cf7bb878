"""Which AMD GPUs are known to come back badly from a reset, and which of them vendor-reset covers.

No AMD GPU is in the kernel's table of device-specific resets (drivers/pci/quirks.c, 6.12). NVIDIA and
Intel cards are judged by the methods that the kernel offers for them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

AMD = "1002"
DEVICE_SPECIFIC = "device_specific"


class Affected(StrEnum):
    """How sure it is that a family fails to reset."""

    YES = "known not to reset, in the words of vendor-reset's author"
    REPORTED = "reported not to reset"
    BOARD = "resets on some boards and not on others"
    UNTOLD = "neither good nor bad reports were found"


class ResetFamily(NamedTuple):
    """One chip family and its device ids (vendor 1002)."""

    generation: str
    family: str
    affected: Affected
    vendor_reset: bool
    """Its ids are in the table of the module vendor-reset."""
    devices: str
    """Device ids, separated by blanks."""
    source: str


FAMILIES: tuple[ResetFamily, ...] = (
    ResetFamily(
        "GCN2",
        "Hawaii",
        Affected.UNTOLD,
        False,
        "67a0 67a1 67a2 67a8 67a9 67aa 67b0 67b1 67b8 67b9 67ba 67be",
        "linux 6.12:amdgpu_drv.c",
    ),
    ResetFamily(
        "GCN3",
        "Stoney APU",
        Affected.UNTOLD,
        False,
        "98e4",
        "linux 6.12:amdgpu_drv.c; linux 6.12:drivers/iommu/amd/init.c",
    ),
    ResetFamily(
        "GCN4",
        "Polaris 10",
        Affected.REPORTED,
        True,
        "67c0 67c1 67c2 67c4 67c7 67c8 67c9 67ca 67cc 67cf 67d0 67df 6fdf",
        "gnif/vendor-reset:src/device-db.h, README",
    ),
    ResetFamily("GCN4", "Polaris 10", Affected.UNTOLD, False, "67d4", "linux 6.12:amdgpu_drv.c"),
    ResetFamily(
        "GCN4",
        "Polaris 11",
        Affected.REPORTED,
        True,
        "67e0 67e1 67e3 67e7 67e8 67e9 67eb 67ef 67ff",
        "gnif/vendor-reset:src/device-db.h, README",
    ),
    ResetFamily(
        "GCN4",
        "Polaris 12",
        Affected.REPORTED,
        True,
        "6980 6981 6985 6986 6987 6995 6997 699f",
        "gnif/vendor-reset:src/device-db.h, README",
    ),
    ResetFamily("GCN4", "Polaris 12", Affected.UNTOLD, False, "698f", "linux 6.12:amdgpu_drv.c"),
    ResetFamily(
        "GCN5",
        "Raven/Picasso APU",
        Affected.UNTOLD,
        False,
        "15d8 15dd",
        "linux 6.12:amdgpu_drv.c; inga-lovinde/RadeonResetBugFix#5",
    ),
    ResetFamily(
        "GCN5",
        "Renoir/Cezanne/Lucienne APU",
        Affected.UNTOLD,
        False,
        "15e7 1636 1638 164c",
        "linux 6.12:amdgpu_drv.c",
    ),
    ResetFamily(
        "GCN5",
        "Vega 20",
        Affected.YES,
        True,
        "66a0 66a1 66a2 66a3 66a4 66a7 66af",
        "gnif/vendor-reset:src/device-db.h, README; gnif/vendor-reset#35",
    ),
    ResetFamily(
        "GCN5",
        "Vega 10",
        Affected.YES,
        True,
        "6860 6861 6862 6863 6864 6867 6868 6869 686a 686b 686c 686d 686e 686f 687f",
        "gnif/vendor-reset:src/device-db.h, README; gnif/vendor-reset#35",
    ),
    ResetFamily("GCN5", "Vega M", Affected.UNTOLD, False, "694c 694e 694f", "linux 6.12:amdgpu_drv.c"),
    ResetFamily(
        "GCN5", "Vega 12", Affected.UNTOLD, False, "69a0 69a1 69a2 69a3 69af", "linux 6.12:amdgpu_drv.c"
    ),
    ResetFamily("CDNA1", "Arcturus", Affected.UNTOLD, False, "7388 738e 7390", "linux 6.12:amdgpu_drv.c"),
    ResetFamily(
        "CDNA1", "Arcturus", Affected.REPORTED, True, "738c", "gnif/vendor-reset:src/device-db.h, README"
    ),
    ResetFamily(
        "RDNA1",
        "Navi 10",
        Affected.YES,
        True,
        "7310 7312 7318 7319 731a 731b 731e 731f",
        "gnif/vendor-reset:src/device-db.h, README; gnif/vendor-reset#35",
    ),
    ResetFamily(
        "RDNA1",
        "Navi 14",
        Affected.REPORTED,
        True,
        "7340 7341 7347 734f",
        "gnif/vendor-reset:src/device-db.h, README",
    ),
    ResetFamily(
        "RDNA1", "Navi 12", Affected.REPORTED, True, "7360 7362", "gnif/vendor-reset:src/device-db.h, README"
    ),
    ResetFamily(
        "RDNA2", "Rembrandt APU (Yellow Carp)", Affected.UNTOLD, False, "164d 1681", "linux 6.12:amdgpu_drv.c"
    ),
    ResetFamily(
        "RDNA2",
        "Navi 21",
        Affected.BOARD,
        False,
        "73a0 73a1 73a2 73a3 73a5 73a8 73a9 73ab 73ac 73ad 73ae 73af 73bf",
        "linux 6.12:amdgpu_drv.c; gnif/vendor-reset#35; gnif/vendor-reset#65; gnif/vendor-reset#41",
    ),
    ResetFamily(
        "RDNA2",
        "Navi 22",
        Affected.BOARD,
        False,
        "73c0 73c1 73c3 73da 73db 73dc 73dd 73de 73df",
        "linux 6.12:amdgpu_drv.c; gnif/vendor-reset#35; gnif/vendor-reset#65; gnif/vendor-reset#41",
    ),
    ResetFamily(
        "RDNA2",
        "Navi 23",
        Affected.BOARD,
        False,
        "73e0 73e1 73e2 73e3 73e8 73e9 73ea 73eb 73ec 73ed 73ef 73ff",
        "linux 6.12:amdgpu_drv.c; gnif/vendor-reset#35; gnif/vendor-reset#65; gnif/vendor-reset#41",
    ),
    ResetFamily(
        "RDNA2",
        "Navi 24",
        Affected.BOARD,
        False,
        "7420 7421 7422 7423 7424 743f",
        "linux 6.12:amdgpu_drv.c; gnif/vendor-reset#35; gnif/vendor-reset#65; gnif/vendor-reset#41",
    ),
    ResetFamily("RDNA3", "Navi 31", Affected.REPORTED, False, "744c", "pci.ids; gnif/vendor-reset#65"),
    ResetFamily("RDNA3", "Navi 32", Affected.UNTOLD, False, "747e", "pci.ids"),
    ResetFamily("RDNA3", "Navi 33", Affected.UNTOLD, False, "7480 7483", "pci.ids"),
    ResetFamily(
        "RDNA4",
        "Navi 48",
        Affected.REPORTED,
        False,
        "7550",
        "pci.ids; urbanyl/GPU-Passthrough-for-KVM-QEMU-on-Linux#4",
    ),
    ResetFamily("RDNA4", "Navi 44", Affected.REPORTED, False, "7590", "pci.ids; gnif/vendor-reset#107"),
)


def reset_family(vendor: str, device: str) -> ResetFamily | None:
    """The family of a GPU by its id; None for other vendors and for ids that are not in the table."""
    if vendor != AMD:
        return None
    return next((row for row in FAMILIES if device in row.devices.split()), None)
