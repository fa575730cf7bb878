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
    "Network not found: no network with matching name 'default'": "network-default-absent",
    "Domain requires KVM, but it is not available. Check that virtualization is enabled in the host BIOS, and"
    " host configuration is setup to load the kvm modules.": "no-kvm",
    "qemu-system-x86_64: Could not access KVM kernel module: No such file or directory": "no-kvm",
    "qemu-system-x86_64: Could not access KVM kernel module: Permission denied": "kvm-denied",
    "operation failed: Unable to find 'efi' firmware that is compatible with the current configuration":
        "firmware-missing",
    "unsupported configuration: Secure boot is supported with q35 machine types only": "secure-boot-machine",
    "internal error: qemu unexpectedly closed the monitor: cfi.pflash01: device requires 4194304 bytes, block"
    " backend provides 2097152 bytes": "firmware-variables",
    "unsupported configuration: The QEMU executable /usr/bin/qemu-system-x86_64 does not support TPM backend"
    " type emulator": "swtpm-missing",
    "internal error: swtpm socket did not show up": "swtpm-failed",
    "operation failed: swtpm died and reported: Could not open TPM state directory": "swtpm-failed",
    "internal error: Could not run '/usr/bin/swtpm_setup'. exitstatus: 1; Check error log"
    " '/var/log/swtpm/libvirt/qemu/w-swtpm.log' for details.": "swtpm-failed",
    "unsupported configuration: domain configuration does not support video model 'qxl'": "video-missing",
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
    "Requested operation is not valid: PCI device 0000:05:10.2 allocated from network vf is already in use by"
    " domain win10": "card-in-guest",
    "vfio 0000:01:00.0: failed to open /dev/vfio/14: Device or resource busy": "card-in-guest",
    "qemu-system-x86_64: -device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: error\nPlease ensure all"
    " devices"
    " within the iommu_group are bound to their vfio bus driver.": "group-not-viable",
    "Failed to unbind PCI device '0000:0b:00.0' from nvidia": "bind-failed",
    "internal error: Failed to load PCI driver module vfio_pci: administratively prohibited":
        "module-prohibited",
    "Device 0000:03:00.0 is behind a switch lacking ACS and cannot be assigned": "not-assignable",
    "unsupported configuration: Non-endpoint PCI devices cannot be assigned to guests": "not-assignable",
    "internal error: Unable to reset PCI device 0000:0b:00.0: internal error: Active 0000:0b:00.1"
    " devices on bus"
    " with 0000:0b:00.0, not doing bus reset": "no-reset",
    "operation failed: Did not find USB device 046d:c52b": "usb-absent",
    "unsupported configuration: host doesn't support VFIO PCI passthrough": "no-iommu",
    "vfio 0000:01:00.0: failed to setup container for group 14: Failed to set iommu for container:"
    " Operation not"
    " permitted": "interrupt-remapping",
    "vfio 0000:01:00.0: failed to setup container for group 14: memory listener initialization failed: Region"
    " pc.ram: vfio_container_dma_map(0x55d1, 0x0, 0x80000000, 0x7fb9) = -12 (Cannot allocate"
    " memory)": "memlock",
    "kvm: vfio_dma_map(0x5e04, 0x380010000000, 0x2000000, 0x771a) = -22 (Invalid argument)": "address-bits",
    "qemu-system-x86_64: VFIO_MAP_DMA failed: Invalid argument": "address-bits",
    "qemu-system-x86_64: Address space limit 0x7fffffffff < 0x8043fffffff phys-bits too low"
    " (39)": "address-bits",
    "internal error: qemu unexpectedly closed the monitor: -object"
    " {\"qom-type\":\"memory-backend-file\",\"id\":"
    "\"shmmem-shmem0\",\"mem-path\":\"/dev/shm/looking-glass\",\"size\":67108864,\"share\":true}:"
    " backing store"
    " size 0x2000000 does not match 'size' option 0x4000000": "shared-memory-size",
    "qemu: /dev/shm/looking-glass backing store size 0x2000000 is too small for 'size' option 0x4000000 plus"
    " 'offset' option 0x0": "shared-memory-size",
    "can't open backing store /dev/kvmfr0 for guest RAM: Operation not permitted": "kvmfr-denied",
    "can't open backing store /dev/kvmfr0 for guest RAM: No such file or directory": "kvmfr-absent",
    "can't open backing store /dev/shm/looking-glass for guest RAM: Permission"
    " denied": "shared-memory-denied",
    "internal error: hugetlbfs filesystem is not mounted or disabled by administrator config": "huge-pages",
    "cannot bind memory to host NUMA nodes: Operation not permitted": "numa-memory",
    "-object input-linux,evdev=/dev/input/event7: Could not open '/dev/input/event7': Permission"
    " denied": "evdev",
    "-device vfio-pci,romfile=/home/a/card.rom: failed to find romfile \"/home/a/card.rom\"": "rom-file",
    "romfile \"/a.rom\" (524288 bytes) is too large for ROM size 262144": "rom-file",
    "-device virtio-blk-pci: Failed to get \"write\" lock\nIs another process using the image [/srv/a.img]?":
        "disk-locked",
    "-blockdev file: Could not open '/tank/w.qcow2': filesystem does not support O_DIRECT": "no-direct",
    "-device ivshmem-plain,id=shmem0,memdev=looking-glass: PCI: slot 1 function 0 not available for"
    " ivshmem-plain, in use by pcie-root-port,id=pci.1": "slot-clash",
    "internal error: qemu unexpectedly closed the monitor": "qemu-ended",
    "internal error: process exited while connecting to monitor": "qemu-ended",
    "Unable to read from monitor: Connection reset by peer": "qemu-ended",
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


def test_who_may_delete_shared_memory_that_is_left_over() -> None:
    said = next(message for message in MESSAGES if "mem-path" in message)
    found = meaning(said)
    assert found is not None
    assert "/dev/shm/looking-glass is left over" in found.advice  # noqa: S108 - what people have there
    assert "only that user or root may delete it" in found.advice
    assert "sudo rm /dev/shm/looking-glass" in found.advice


def test_what_qemu_said_counts_more_than_that_it_ended() -> None:
    """libvirt puts QEMU's last lines behind its own words, whichever these are."""
    sources = {row.id: row.source for row in MEANINGS}
    by_qemu = [said for said, expected in MESSAGES.items() if sources[expected].startswith("QEMU")]
    assert len(by_qemu) > 20
    for said in by_qemu:
        found = meaning(f"internal error: qemu unexpectedly closed the monitor: {said}")
        assert found is not None
        assert found.id == MESSAGES[said], said
