"""Messages that people paste, and what is said about each."""

from __future__ import annotations

import re

import pytest

from vfio_wizard.knowledge.libvirt_errors import MEANINGS, meaning

MESSAGES = {
    "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied": "socket-denied",
    "Failed to connect socket to '/var/run/libvirt/virtqemud-sock': No such file or directory":
        "daemon-not-running",
    "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'":
        "polkit",
    "operation virDomainDefineXMLFlags forbidden for read only access": "read-only",
    "Requested operation is not valid: network 'default' is not active": "network-inactive",
    "Network not found: no network with matching name 'lab'": "network-absent",
    "Unable to find 'dnsmasq' binary in $PATH: No such file or directory": "dnsmasq",
    "Cannot get interface MTU on 'br7': No such device": "bridge-absent",
    "Unable to open /dev/net/tun, is tun module loaded?: No such file or directory": "tun",
    "invalid argument: could not get preferred machine for /usr/bin/qemu-system-x86_64 type=kvm": "no-kvm",
    "unsupported configuration: CPU mode 'host-passthrough' for x86_64 qemu domain on x86_64 host is not"
    " supported by hypervisor": "no-passthrough-cpu",
    "Cannot check QEMU binary /usr/bin/qemu-kvm: No such file or directory": "no-emulator",
    "unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does not support machine type"
    " 'pc-q35-9.2'": "machine-unknown",
    "operation failed: Unable to find any firmware to satisfy 'efi'": "firmware-missing",
    "operation failed: Unable to find 'swtpm_setup' binary in $PATH: No such file or directory":
        "swtpm-missing",
    "unsupported configuration: spice graphics are not supported with this QEMU": "spice-missing",
    "operation failed: domain 'win11' already exists with uuid 6f3d": "name-taken",
    "Requested operation is not valid: domain is already running": "running-already",
    "Domain not found: no domain with matching name 'w'": "no-such-guest",
    "internal error: qemu unexpectedly closed the monitor: -device vfio-pci,host=0000:01:00.0: vfio"
    " 0000:01:00.0: group 14 is not viable": "group-not-viable",
    "Requested operation is not valid: PCI device 0000:01:00.0 is in use by driver QEMU, domain win10":
        "card-in-guest",
    "internal error: Unknown PCI header type '127' for device '0000:0b:00.0'": "card-lost",
    "Device 0000:0b:00.0 not found: could not access /sys/bus/pci/devices/0000:0b:00.0/config: No such file"
    " or directory": "card-absent",
    "unsupported configuration: host doesn't support passthrough of host PCI devices": "no-iommu",
    "vfio 0000:01:00.0: failed to open /dev/vfio/14: Permission denied": "vfio-node",
    "cannot limit locked memory of process 4711 to 17179869184: Operation not permitted": "memlock",
    "qemu-system-x86_64: VFIO_MAP_DMA failed: Cannot allocate memory": "memlock",
    "unable to map backing store for guest RAM: Cannot allocate memory": "huge-pages",
    "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory": "no-memory",
    "internal error: cannot load AppArmor profile 'libvirt-6f3d'": "apparmor",
    "unable to set security context 'system_u:object_r:svirt_image_t' on '/srv/a.img'": "selinux",
    "Cannot access storage file '/home/a/win.iso' (as uid:64055, gid:107): Permission denied": "file-denied",
    "Cannot access storage file '/srv/gone.iso': No such file or directory": "file-absent",
    "storage volume name 'win11.qcow2' already in use.": "volume-there",
    "Storage pool not found: no storage pool with matching name 'games'": "pool-absent",
    "Requested operation is not valid: storage pool 'games' is not active": "pool-inactive",
    "cannot fill file '/x.img': No space left on device": "no-space",
    "Hook script execution failed: internal error: Child process (/etc/libvirt/hooks/qemu.d/50-x) unexpected"
    " exit status 1: 0000:0b:00.0 is held by kwin_wayland (4711)": "hook",
    "XML document failed to validate against schema: Unable to validate doc": "schema",
    "no connection driver available for storage:///session": "driver-missing",
    "no connection driver available for vmware:///x": "no-driver",
    "Requested operation is not valid: domain is not running": "not-running",
    "Requested operation is not valid: cpuset contains CPUs that are offline: 12": "pins",
}  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), MESSAGES.items(), ids=MESSAGES.values())
def test_a_message_has_its_meaning(message: str, expected: str) -> None:
    found = meaning(message)
    assert found is not None
    assert found.id == expected
    assert not re.search(r"\{\d\}", found.advice)


def test_every_meaning_has_a_message_here() -> None:
    assert {row.id for row in MEANINGS} == set(MESSAGES.values())


def test_what_nobody_wrote_down_yet_has_none() -> None:
    assert meaning("internal error: something new") is None


def test_names_come_back_in_the_advice() -> None:
    found = meaning("network 'my net' is not active")
    assert found is not None
    assert "virsh net-start my net" in found.advice
