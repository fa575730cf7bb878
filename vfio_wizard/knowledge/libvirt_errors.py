"""What libvirt's errors mean to somebody at the machine, and what to do about each.

"libvirt 9.0" is a message format of that release's libraries, "QEMU 7.2" one of QEMU's that libvirt hands
through. The first row that matches speaks, so that what QEMU said stands before that it ended; ``{1}`` is
what the pattern's first group found.
"""

from __future__ import annotations

import re

from vfio_wizard.model.record import NamedTuple


class Meaning(NamedTuple):
    """One kind of error: how to know it, and what to do."""

    id: str
    pattern: str
    advice: str
    source: str


_GROUP = (
    "add yourself to its group (`usermod -aG libvirt NAME`, on NixOS `libvirtd`) and log in anew, or be root"
)

MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "socket-denied",
        r"Failed to connect socket to '([^']*)': Permission denied",
        f"you may not talk to libvirt: {_GROUP}",
        "libvirt 9.0",
    ),
    Meaning(
        "daemon-not-running",
        r"Failed to connect socket to '([^']*)': (?:No such file or directory|Connection refused)",
        "libvirt's daemon does not run: `systemctl enable --now libvirtd.socket` (modular: virtqemud.socket)",
        "libvirt 9.0",
    ),
    Meaning(
        "polkit",
        r"polkit|authentication (?:unavailable|failed|cancelled)|access denied",
        f"libvirt does not let you in: {_GROUP}; without a desktop no password can be asked for",
        "libvirt 9.0",
    ),
    Meaning(
        "read-only",
        r"operation \S+ forbidden for read only access",
        f"the connection may only look: {_GROUP}",
        "libvirt 9.0",
    ),
    Meaning(
        "network-inactive",
        r"network '(.*)' is not active",
        "start it, now and at every boot: `virsh net-start {1}`, `virsh net-autostart {1}`",
        "libvirt 9.0",
    ),
    Meaning(
        "network-default-absent",
        r"no network with matching name 'default'",
        "libvirt's own network is not there (`virsh net-list --all`): `virsh net-define "
        "/usr/share/libvirt/networks/default.xml` (Debian: libvirt-daemon-config-network has the file), "
        "`virsh net-start default`, `virsh net-autostart default`; "
        'or a bridge of the host ([domain] network = "bridge:NAME")',
        "libvirt 9.0",
    ),
    Meaning(
        "network-absent",
        r"no network with matching name '(.*)'",
        "libvirt has no network {1}: `virsh net-list --all` lists them; a bridge of the host does as well "
        '([domain] network = "bridge:NAME")',
        "libvirt 9.0",
    ),
    Meaning(
        "dnsmasq",
        r"Unable to find 'dnsmasq' binary",
        "install dnsmasq (Debian: dnsmasq-base); libvirt's own networks need it",
        "libvirt 9.0",
    ),
    Meaning(
        "bridge-absent",
        r"[Cc]annot get interface MTU on '(.*)'",
        "the host has no interface {1}: `ip link` lists them",
        "libvirt 9.0",
    ),
    Meaning(
        "tun",
        r"/dev/net/tun",
        "load the module tun (`modprobe tun`); in a container the device must be handed in",
        "libvirt 9.0",
    ),
    Meaning(
        "kvm-denied",
        r"Could not access KVM kernel module: Permission denied|/dev/kvm\b.*Permission denied",
        "QEMU's user may not open /dev/kvm: `ls -l /dev/kvm` shows its group, and user and group in "
        "/etc/libvirt/qemu.conf must fit it",
        "QEMU 7.2",
    ),
    Meaning(
        "no-kvm",
        r"(?:could not get preferred machine for .* type=kvm|virt(?:ualization)? type 'kvm'"
        r"|[Dd]omain type 'kvm'|KVM\b.*not available|KVM kernel module|/dev/kvm\b)",
        "KVM is not available: `vfio-wizard --check --only cpu.virtualization` says why",
        "libvirt 9.0; QEMU 7.2",
    ),
    Meaning(
        "no-passthrough-cpu",
        r"CPU mode 'host-passthrough' for .* is not supported",
        "only KVM hands the host's processor through: `vfio-wizard --check --only cpu.virtualization`",
        "libvirt 9.0",
    ),
    Meaning(
        "no-emulator",
        r"(?:Cannot check QEMU binary|QEMU binary|Cannot find suitable emulator for|"
        r"could not find capabilities for|[Nn]o emulator found for)\s*(\S*)",
        "QEMU is not installed, or elsewhere than the domain says: install it (Debian: qemu-system-x86) and "
        "leave out <emulator>",
        "libvirt 9.0",
    ),
    Meaning(
        "machine-unknown",
        r"Emulator '.*' does not support machine type '(.*)'",
        "this QEMU has no machine {1}; `qemu-system-x86_64 -machine help` lists them, `q35` is always the "
        "newest",
        "libvirt 9.0",
    ),
    Meaning(
        "secure-boot-machine",
        r"Secure boot is supported with q35 machine types only|Secure boot requires SMM",
        "Secure Boot takes a q35 machine with <smm state='on'/>; `vfio-wizard domain --define --firmware "
        "uefi` takes it out of a guest that cannot have it",
        "libvirt 9.0",
    ),
    Meaning(
        "firmware-variables",
        r"device requires (\d+) bytes, .* provides",
        "the guest's firmware variables are of another firmware's size: `virsh start NAME --reset-nvram` "
        "makes them anew (boot entries are lost; from libvirt 8.1)",
        "QEMU 7.2",
    ),
    Meaning(
        "firmware-missing",
        r"Unable to find any firmware to satisfy|[Uu]nable to find any master var store"
        r"|Unable to find '\S+' firmware that is compatible",
        "install UEFI firmware (Debian: ovmf, Fedora and Arch: edk2-ovmf), with Secure Boot where it is "
        "asked for; --firmware uefi goes without it",
        "libvirt 9.0, 11.3",
    ),
    Meaning(
        "swtpm-missing",
        r"'?swtpm(?:_setup|_ioctl)?'?.*(?:not found|No such file|[Uu]nable to find)|"
        r"[Uu]nable to find '?swtpm|TPM .*emulator.* not supported|does not support TPM (?:backend|model)",
        "install swtpm with its tools (Debian: swtpm swtpm-tools), or set [libvirt] tpm = false in the "
        "answers",
        "libvirt 9.0",
    ),
    Meaning(
        "swtpm-failed",
        r"swtpm socket did not show up|swtpm didn't show up|swtpm died|Could not run '\S*swtpm\S*'",
        "the emulated TPM did not start: /var/log/swtpm/libvirt/qemu/NAME-swtpm.log says why, mostly a "
        "folder below /var/lib/libvirt/swtpm or /var/lib/swtpm-localca that its user may not write",
        "libvirt 9.0, 11.3",
    ),
    Meaning(
        "spice-missing",
        r"spice .*not supported (?:with|by) this QEMU|spicevmc .*not supported"
        r"|Spice audio is not supported without spice",
        "install QEMU's SPICE (Debian 13 and Ubuntu: qemu-system-modules-spice, Arch: qemu-full), or set "
        '[domain] spice = "off" in the answers',
        "libvirt 11.3",
    ),
    Meaning(
        "video-missing",
        r"does not support video model '(\S+)'|'(qxl\S*)' is not a valid device model name",
        "this QEMU has no such display: `<model type='vga'/>` is in every one, or install the package with "
        "it (Debian 13: qemu-system-modules-spice for qxl, qemu-system-modules-opengl for virtio with 3D)",
        "libvirt 9.0; QEMU 7.2",
    ),
    Meaning(
        "name-taken",
        r"domain '(.*)' (?:already exists|is already defined) with uuid (\S+)",
        "another guest has this name or identity ({2}): give yours another name (guest = in the answers), or "
        "take the <uuid> out",
        "libvirt 9.0",
    ),
    Meaning(
        "name-taken",
        r"domain (\S+) exists already",
        "another guest has this name or identity: give yours another name (guest = in the answers)",
        "libvirt 9.0",
    ),
    Meaning(
        "running-already",
        r"[Dd]omain is already running|Domain '.*' is already running|domain '.*' is already active",
        "it runs already; `vfio-wizard domain --stop` shuts it down",
        "libvirt 9.0",
    ),
    Meaning(
        "not-running",
        r"domain is not running",
        "it does not run; `vfio-wizard domain --start` starts it",
        "libvirt 9.0",
    ),
    Meaning(
        "no-such-guest",
        r"[Dd]omain not found|[Nn]o domain with matching name '(.*)'",
        "`virsh list --all` lists the guests of this connection; --connect URI asks another",
        "libvirt 9.0",
    ),
    Meaning(
        "group-not-viable",
        r"group (\d+) is not viable|[Pp]lease ensure all devices within the (iommu_group)"
        r"|Verify all devices in group (\d+)",
        "another device of that IOMMU group is still with a driver of the host, and all of a group but "
        "bridges must be with vfio-pci: `vfio-wizard groups` names it, and `vfio-wizard plan --gpu ADDRESS "
        "--also ADDRESS` takes it along; else move the card to another slot",
        "QEMU 7.2, 10.0",
    ),
    Meaning(
        "card-in-guest",
        r"PCI device (\S+) (?:allocated from network .* )?is (?:already )?in use by (?:driver \S+, )?"
        r"domain (.*)",
        "the guest {2} has the card ({1}); shut it down first: `virsh shutdown {2}`",
        "libvirt 9.0, 11.3",
    ),
    Meaning(
        "card-in-guest",
        r"PCI device (\S+) is in use|failed to open /dev/vfio/\S+: Device or resource busy",
        "another guest or program has the card or a device of its IOMMU group: `virsh list` shows the guests "
        "that run",
        "libvirt 9.0; QEMU 7.2",
    ),
    Meaning(
        "bind-failed",
        r"Failed to (?:unbind|bind) (?:PCI device )?'?([0-9a-f]{4,}:\S+?)'? (?:from|on to) (\S+)",
        "the host's driver does not let go of {1}: `vfio-wizard recover` names who holds it; have it bound "
        "to vfio-pci at boot (`vfio-wizard plan`)",
        "libvirt 9.0, 11.3",
    ),
    Meaning(
        "module-prohibited",
        r"Failed to load PCI (?:driver|stub) module (\S+?): administratively prohibited",
        "modprobe's configuration forbids {1}: `modprobe --showconfig | grep -i vfio` shows the line",
        "libvirt 9.0, 11.3",
    ),
    Meaning(
        "not-assignable",
        r"Device (\S+) is behind a switch lacking ACS|Non-endpoint PCI devices cannot be assigned",
        "that device cannot go to a guest by itself: a bridge never, and one behind a switch without ACS "
        "only with its whole IOMMU group; `vfio-wizard groups`",
        "libvirt 9.0, 11.3",
    ),
    Meaning(
        "no-reset",
        r"Unable to reset PCI device (\S+?):",
        "{1} cannot be reset while others on its bus are in use: give the guest all functions of the card, "
        "and see `vfio-wizard explain gpu.reset`",
        "libvirt 9.0, 11.3",
    ),
    Meaning(
        "usb-absent",
        r"Did not find USB device (\S+)",
        "the host has no USB device {1} just now: plug it in, or let the guest start without it "
        "(startupPolicy='optional' in its <source>)",
        "libvirt 9.0, 11.3",
    ),
    Meaning(
        "card-lost",
        r"Unknown PCI header type '127'",
        "the card does not answer since its last reset; `vfio-wizard recover` tries what is safe, else "
        "switch the machine off and on (a restart may not be enough)",
        "libvirt 9.0",
    ),
    Meaning(
        "card-absent",
        r"Device (\S+) not found: could not access|PCI device (\S+) not found",
        "the host has no such device any more; addresses move when hardware is added: `vfio-wizard groups`",
        "libvirt 9.0",
    ),
    Meaning(
        "no-iommu",
        r"host doesn't support (?:passthrough of host PCI devices|(?:VFIO|legacy) PCI passthrough)"
        r"|VFIO (?:PCI )?device assignment is (?:currently )?not supported|no iommu_group found",
        "no IOMMU group, or vfio-pci is not there: `vfio-wizard --check --only iommu.enabled`, `modprobe "
        "vfio-pci`",
        "libvirt 9.0, 11.3; QEMU 7.2",
    ),
    Meaning(
        "vfio-node",
        r"(?:[Ff]ailed to open|[Cc]ould not open|[Uu]nable to open) '?(/dev/vfio/\S+?)'?: (?:No such "
        r"file|Permission)",
        "{1} cannot be opened: is the card with vfio-pci (`vfio-wizard --check --only vfio.bound`), and is "
        "QEMU let to it (qemu.conf: user, cgroup_device_acl)?",
        "QEMU 7.2",
    ),
    Meaning(
        "interrupt-remapping",
        r"Failed to set iommu for container: Operation not permitted",
        "VFIO does not take the device: interrupts are not remapped (`vfio-wizard --check --only "
        "iommu.interrupt-remapping`), or the firmware keeps it for itself (`journalctl -k | grep -i rmrr`)",
        "QEMU 7.2; kernel: vfio_iommu_type1.c, intel/iommu.c",
    ),
    Meaning(
        "address-bits",
        r"VFIO_MAP_DMA failed: Invalid argument|vfio_(?:container_)?dma_map\(.*\) = -22|phys-bits too low",
        "the guest's addresses are wider than the IOMMU's: with libvirt 9.3 or later `vfio-wizard domain` "
        "writes <maxphysaddr mode='passthrough' limit='N'/> where that is so; before, give QEMU's CPU "
        "host-phys-bits-limit=N (39 on many Intel desktops)",
        "QEMU 7.2; libvirt-go-xml-module a8eaad5",
    ),
    Meaning(
        "shared-memory-size",
        r"mem-path\"?[:=]\"?(/dev/shm/[^\",}]+).*backing store size \S+ (?:does not match|is too small)",
        "{1} is left over with another size. It belongs to whoever made it, and only that user or root may "
        "delete it: with no guest running `sudo rm {1}`, then `sudo systemd-tmpfiles --create` where a line "
        "in /etc/tmpfiles.d makes it; or give the guest the old size",
        "QEMU 7.2, 10.0; LookingGlass:doc/ivshmem_shm.rst",
    ),
    Meaning(
        "shared-memory-size",
        r"backing store size \S+ (?:does not match|is too small for) 'size' option",
        "the file behind the guest's shared memory has another size; for Looking Glass that is "
        "/dev/shm/looking-glass, which only its owner or root may delete: with no guest running `sudo rm "
        "/dev/shm/looking-glass`, then `sudo systemd-tmpfiles --create`",
        "QEMU 7.2, 10.0; LookingGlass:doc/ivshmem_shm.rst",
    ),
    Meaning(
        "kvmfr-denied",
        r"can't open backing store (/dev/kvmfr\d+) for guest RAM: (?:Permission denied"
        r"|Operation not permitted)",
        "QEMU may not open {1}: it must stand in cgroup_device_acl of /etc/libvirt/qemu.conf, in AppArmor's "
        "local rule, and belong to a group of QEMU's; `vfio-wizard plan --looking-glass WxH@kvmfr` has all "
        "three",
        "QEMU 7.2; LookingGlass:doc/ivshmem_kvmfr.rst",
    ),
    Meaning(
        "kvmfr-absent",
        r"can't open backing store (/dev/kvmfr\d+) for guest RAM: No such",
        "the module is not loaded: `modprobe kvmfr`; after a kernel update it is built anew (`dkms status`)",
        "QEMU 7.2; LookingGlass:doc/ivshmem_kvmfr.rst",
    ),
    Meaning(
        "shared-memory-denied",
        r"can't open backing store (/dev/shm/\S+) for guest RAM: Permission denied",
        "QEMU may not write {1}: it wants mode 0660 with your user and the group kvm; with no guest running "
        "`sudo rm {1}`, then `sudo systemd-tmpfiles --create`",
        "QEMU 7.2; LookingGlass:doc/ivshmem_shm.rst",
    ),
    Meaning(
        "memlock",
        r"cannot limit locked memory|Failed to adjust locked memory limit|VFIO_MAP_DMA"
        r"|vfio_(?:container_)?dma_map\(.*\) = -12|RLIMIT_MEMLOCK",
        "the guest's memory cannot be pinned for the card: a user's own libvirt needs a higher limit "
        "(/etc/security/limits.d: NAME - memlock SIZE), else lower the guest's memory",
        "libvirt 9.0; QEMU 7.2",
    ),
    Meaning(
        "huge-pages",
        r"hugetlbfs|[Hh]ugepages?.*not|unable to map backing store for guest RAM"
        r"|can't open backing store (?:/dev/hugepages|\S*libvirt/qemu)\S* for guest RAM",
        "there are not enough huge pages of that size: `grep Huge /proc/meminfo`; take <hugepages> out, or "
        "set more aside at boot; `vfio-wizard cores --memory MIB` says how many",
        "libvirt 9.0; QEMU 7.2",
    ),
    Meaning(
        "numa-memory",
        r"cannot bind memory to host NUMA nodes",
        "the NUMA node of <numatune> has no memory, or not so much: `numactl --hardware`; mode='preferred' "
        "takes what is elsewhere",
        "QEMU 7.2, 10.0",
    ),
    Meaning(
        "no-memory",
        r"cannot set up guest memory|Cannot allocate memory",
        "the host has not so much free memory; lower memory_mib in the answers",
        "QEMU 7.2",
    ),
    Meaning(
        "apparmor",
        r"AppArmor",
        "AppArmor stands against it: `journalctl -k | grep apparmor` names the file; rules of your own go to "
        "/etc/apparmor.d/local/abstractions/libvirt-qemu",
        "libvirt 9.0",
    ),
    Meaning(
        "selinux",
        r"security context|SELinux",
        "SELinux stands against it: `ausearch -m avc -ts recent` names the file; put images below "
        "/var/lib/libvirt/images, or `restorecon -v FILE`",
        "libvirt 9.0",
    ),
    Meaning(
        "evdev",
        r"[Cc]ould not open '(/dev/input/[^']*)'|(/dev/input/\S+): is not an evdev device",
        "the input device is not there, or QEMU may not open it: `ls -l /dev/input/by-id` shows what there "
        "is; libvirt lets QEMU to devices of <input type='evdev'>, those on QEMU's own command line must "
        "stand in cgroup_device_acl",
        "QEMU 7.2, 10.0",
    ),
    Meaning(
        "rom-file",
        r"failed to (?:find|load) romfile \"([^\"]*)\"|romfile \"([^\"]*)\" (?:is empty|.*too large)",
        "the ROM file is not there, or QEMU's user may not read it (`chmod 644`, and 755 for each folder on "
        "the way; AppArmor: `journalctl -k | grep apparmor`), or it is no ROM: `vfio-wizard rom FILE --gpu "
        "ADDRESS`",
        "QEMU 7.2, 10.0",
    ),
    Meaning(
        "disk-locked",
        r"Failed to get \"\w+\" lock|Is another process using the image \[([^\]]*)\]",
        "another guest or program has the disk open: `virsh list` shows the guests that run, `fuser -v FILE` "
        "who else",
        "QEMU 7.2, 10.0",
    ),
    Meaning(
        "no-direct",
        r"file ?system (?:may|does) not support O_DIRECT|Could not find working O_DIRECT alignment",
        "the file system of the disk does not take cache='none' (older ZFS and tmpfs): change its <driver> "
        "to cache='writeback' without io=, or put the disk elsewhere",
        "QEMU 7.2, 10.0",
    ),
    Meaning(
        "slot-clash",
        r"PCI: slot (\d+) function (\d+) not available|PCI: slot (\d+) function 0 already occupied",
        "two devices want one slot of the guest: for kvmfr, QEMU's own arguments must be JSON (`vfio-wizard "
        "domain --looking-glass WxH@kvmfr` writes them so), else take the <address> out of one",
        "QEMU 7.2, 10.0; LookingGlass:doc/ivshmem_kvmfr.rst",
    ),
    Meaning(
        "file-denied",
        r"(?:Cannot access storage file|[Cc]ould not open|cannot open file) '([^']*)'.*: Permission denied",
        "QEMU's user may not read {1}: put it below /var/lib/libvirt/images, or let that user through every "
        "folder on the way (`setfacl -m u:libvirt-qemu:x FOLDER`)",
        "libvirt 9.0",
    ),
    Meaning(
        "file-absent",
        r"(?:Cannot access storage file|[Cc]ould not open|cannot open file) '([^']*)'.*: No such file",
        "{1} is not there: whole paths of the host count; --create-disk SIZE makes a disk that is missing",
        "libvirt 9.0",
    ),
    Meaning(
        "volume-there",
        r"[Ss]torage volume name '(.*)' already in use|storage vol '(.*)' already exists|exists already",
        "a volume of this name is there; it is not written over",
        "libvirt 9.0",
    ),
    Meaning(
        "pool-absent",
        r"[Ss]torage pool not found|no storage pool with matching name '(.*)'",
        '`virsh pool-list --all` lists the pools; name one (disk = "POOL/VOLUME"), or a path',
        "libvirt 9.0",
    ),
    Meaning(
        "pool-inactive",
        r"storage pool '(.*)' is not active",
        "start it: `virsh pool-start {1}`, `virsh pool-autostart {1}`",
        "libvirt 9.0",
    ),
    Meaning(
        "no-space",
        r"No space left on device",
        "the file system of the pool is full; make room, or a smaller disk",
        "libvirt 9.0",
    ),
    Meaning(
        "hook",
        r"Hook script execution failed",
        "a hook in /etc/libvirt/hooks stopped the start; its own words stand at the end of the message, and "
        "in `journalctl -t vfio-wizard`",
        "libvirt 9.0",
    ),
    Meaning(
        "pins",
        r"cpuset|[Cc]annot set CPU affinity|VCPU .* out of range|pinning",
        "the domain pins to CPUs that the host has not, or not online: `lscpu -e`, and [cpus] in the answers",
        "libvirt 9.0",
    ),
    Meaning(
        "schema",
        r"failed to validate against schema",
        "this libvirt does not know something in the domain: `virt-xml-validate FILE domain` says where; "
        "`vfio-wizard domain` writes for the libvirt that it finds",
        "libvirt 9.0",
    ),
    Meaning(
        "driver-missing",
        r"no connection driver available for (network|storage|nodedev|secret|interface)",
        "libvirt's part for {1} is not installed (Debian 13: libvirt-daemon-driver-{1})",
        "libvirt 11.3",
    ),
    Meaning(
        "no-driver",
        r"no connection driver available for (\S+)",
        "this libvirt has no driver for {1}; URIs look like qemu:///system",
        "libvirt 9.0",
    ),
    Meaning(
        "qemu-ended",
        r"[Uu]nable to read from monitor|unexpectedly closed the monitor|exited while connecting to monitor",
        "QEMU ended while it started, and what it said does not stand here: the end of "
        "/var/log/libvirt/qemu/NAME.log has it (a user's own libvirt: ~/.cache/libvirt/qemu/log/NAME.log), "
        "and `journalctl -k` what the kernel said of vfio, apparmor or memory",
        "libvirt 9.0, 11.3",
    ),
)


def meaning(message: str) -> Meaning | None:
    """The first row that fits an error, its advice filled in; None for an error that nobody wrote down "
    "yet."""
    for row in MEANINGS:
        match = re.search(row.pattern, message)
        if match is not None:
            return row._replace(advice=_filled(row.advice, match))
    return None


def _filled(advice: str, match: re.Match[str]) -> str:
    for number, found in enumerate(match.groups(), 1):
        advice = advice.replace(f"{{{number}}}", found or "it")
    return advice
