"""Domains as people write them, and what an edit may change in them."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import NamedTuple

from vfio_wizard.model.domain import Card, Handed
from vfio_wizard.model.pci import PciAddress

GPU = PciAddress(0, 0x0B, 0, 0)
AUDIO = PciAddress(0, 0x0B, 0, 1)
CARD = Card((Handed(GPU, 0), Handed(AUDIO, 1)))

BY_HAND = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- my gaming guest -->
<domain type="kvm" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
  <name>win &amp; more</name>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://microsoft.com/win/11"/>
    </libosinfo:libosinfo>
    <mine:notes xmlns:mine="urn:mine"><![CDATA[ < keep > ]]></mine:notes>
  </metadata>
  <memory unit="GiB">8</memory>
  <vcpu>4</vcpu>   <!-- four -->
  <os firmware="efi">
    <type arch="x86_64" machine="q35">hvm</type>
  </os>

  <features><acpi/><apic/></features>
  <cpu mode="host-passthrough"/>
  <devices>
    <!-- the system disk -->
    <disk type="file" device="disk">
      <source file="/var/lib/libvirt/images/it's &quot;it&quot;.qcow2"/>
      <target dev="vda" bus="virtio"/>
    </disk>
    <memballoon model='virtio'>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </memballoon>
  </devices>
  <qemu:commandline>
    <qemu:arg value="-device"/>
    <qemu:arg value="{'driver':'ivshmem-plain','id':'shmem0','memdev':'looking-glass'}"/>
  </qemu:commandline>
</domain>
"""


class Change(NamedTuple):
    """The lines that one text lacks and the other has."""

    gone: list[str]
    new: list[str]


def change(before: str, after: str) -> Change:
    """What an edit did, line by line."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    found = Change([], [])
    for line in lines:
        if line.startswith("- "):
            found.gone.append(line[2:])
        if line.startswith("+ "):
            found.new.append(line[2:])
    return found


def corpus_domains(shared: Path) -> list[Path]:
    """Every file of the recorded machines that holds a domain."""
    found = [path for path in sorted((shared / "corpus").rglob("*.xml")) if b"<domain" in path.read_bytes()]
    assert found, "the recorded machines hold domains"
    return found
