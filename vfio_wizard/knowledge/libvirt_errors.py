"""What libvirt's errors mean to somebody at the machine, and what to do about each.

"libvirt 9.0" is a message format of that release's libraries, "QEMU 7.2" one of QEMU's that libvirt hands
through. The first row that matches speaks; ``{1}`` is what the pattern's first group found.
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
        "no-kvm",
        r"(?:could not get preferred machine for .* type=kvm|virt(?:ualization)? type 'kvm'"
        r"|[Dd]omain type 'kvm'|KVM .*not available|/dev/kvm)",
        "KVM is not available: `vfio-wizard --check --only cpu.virtualization` says why",
        "libvirt 9.0",
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
        "firmware-missing",
        r"Unable to find any firmware to satisfy|[Uu]nable to find any master var store",
        "install UEFI firmware (Debian: ovmf, Fedora and Arch: edk2-ovmf), with Secure Boot where it is "
        "asked for",
        "libvirt 9.0",
    ),
    Meaning(
        "swtpm-missing",
        r"'?swtpm(?:_setup|_ioctl)?'?.*(?:not found|No such file|[Uu]nable to find)|"
        r"[Uu]nable to find '?swtpm|TPM .*emulator.* not supported",
        "install swtpm with its tools (Debian: swtpm swtpm-tools), or set [libvirt] tpm = false in the "
        "answers",
        "libvirt 9.0",
    ),
    Meaning(
        "spice-missing",
        r"spice .*not supported (?:with|by) this QEMU|spicevmc .*not supported",
        "install QEMU's SPICE (Debian 13 and Ubuntu: qemu-system-modules-spice, Arch: qemu-full), or set "
        "[domain] "
        'spice = "off" in the answers',
        "libvirt 11.3",
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
        r"group (\d+) is not viable",
        "another device of IOMMU group {1} is still with a driver of the host: `vfio-wizard groups` names it",
        "QEMU 7.2",
    ),
    Meaning(
        "card-in-guest",
        r"PCI device (\S+) is in use by driver \S+, domain (.*)",
        "the guest {2} has the card ({1}); shut it down first",
        "libvirt 9.0",
    ),
    Meaning(
        "card-lost",
        r"Unknown PCI header type '127'",
        "the card does not answer since its last reset; `vfio-wizard recover` tries what is safe, else "
        "switch the "
        "machine off and on (a restart may not be enough)",
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
        r"host doesn't support passthrough of host PCI devices|VFIO PCI device assignment is not supported "
        r"by the "
        r"host",
        "no IOMMU group, or vfio-pci is not there: `vfio-wizard --check --only iommu.enabled`, `modprobe "
        "vfio-pci`",
        "libvirt 9.0",
    ),
    Meaning(
        "vfio-node",
        r"(?:[Ff]ailed to open|[Cc]ould not open|[Uu]nable to open) '?(/dev/vfio/\S+?)'?: (?:No such "
        r"file|Permission)",
        "{1} cannot be opened: is the card with vfio-pci (`vfio-wizard --check --only vfio.bound`), and is "
        "QEMU "
        "let to it (qemu.conf: user, cgroup_device_acl)?",
        "QEMU 7.2",
    ),
    Meaning(
        "memlock",
        r"cannot limit locked memory|VFIO_MAP_DMA|vfio_dma_map.*-12|RLIMIT_MEMLOCK",
        "the guest's memory cannot be pinned for the card: a user's own libvirt needs a higher limit "
        "(/etc/security/limits.d: NAME - memlock SIZE), else lower the guest's memory",
        "libvirt 9.0; QEMU 7.2",
    ),
    Meaning(
        "huge-pages",
        r"hugetlbfs|[Hh]ugepages?.*not|unable to map backing store for guest RAM|no usable hugetlbfs",
        "there are not enough huge pages of that size: `grep Huge /proc/meminfo`; take <hugepages> out, or "
        "set "
        "more aside at boot",
        "libvirt 9.0; QEMU 7.2",
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
        "file-denied",
        r"(?:Cannot access storage file|[Cc]ould not open|cannot open file) '([^']*)'.*: Permission denied",
        "QEMU's user may not read {1}: put it below /var/lib/libvirt/images, or let that user through every "
        "folder on the way (`setfacl -m u:libvirt-qemu:x FOLDER`)",
        "libvirt 9.0",
    ),
    Meaning(
        "file-absent",
        r"(?:Cannot access storage file|[Cc]ould not open|cannot open file) '([^']*)'.*: No such file",
        "{1} is not there; --create-disk SIZE makes the disk",
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
        "in "
        "`journalctl -t vfio-wizard`",
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
