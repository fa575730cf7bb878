"""Asks VFIO itself whether a function's group can be given away: the kernel's own answer.

Runs inside the lab machine: opens the group, puts it into a container, and sets the IOMMU, which is
all that QEMU does before it maps memory. Prints ``attached``, or the step and the error.
"""

import errno
import fcntl
import os
import struct
import sys
from pathlib import Path

SET_IOMMU = 0x3B66
SET_CONTAINER = 0x3B68
TYPE1_V2 = 3


def main(address: str) -> str:
    """``attached``, or what the kernel refused, and how."""
    number = Path(f"/sys/bus/pci/devices/{address}/iommu_group").readlink().name
    step = "open the group"
    try:
        container = os.open("/dev/vfio/vfio", os.O_RDWR)
        group = os.open(f"/dev/vfio/{number}", os.O_RDWR)
        step = "put it into a container"
        fcntl.ioctl(group, SET_CONTAINER, struct.pack("i", container))
        step = "set the IOMMU"
        fcntl.ioctl(container, SET_IOMMU, TYPE1_V2)
    except OSError as error:
        return f"{step}: {errno.errorcode.get(error.errno or 0, '?')}"
    return "attached"


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1]) + "\n")
