"""What the owners of recorded machines reported, and the findings that would have told them beforehand.

Written by thinking from the owners' reports and the raw data, before the program was run on them. A
machine without a told outcome is not here. ``(check id, subject, status)``; a subject of None stands for
the whole machine, and ``*`` for any (a file, a release).
"""

from __future__ import annotations

from typing import NamedTuple

Expected = tuple[str, str | None, str]


class Story(NamedTuple):
    """One machine (and state) as its owner told it, in short and in our words."""

    machine: str
    outcome: str
    """worked, worked after a fix, blocked, no passthrough, or in doubt."""
    told: str
    gpus: tuple[str, ...]
    """Cards that the owner gives away: as ``--gpu``."""
    expected: tuple[Expected, ...]


STORIES: tuple[Story, ...] = (
    Story(
        "b350-plus-r9390-rx550",
        "worked",
        "the guest's R9 390 has its own group; the host's RX 550 shares one with chipset devices",
        ("0000:07:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:07:00.0", "pass"),
            ("group.isolated", "0000:06:00.0", "fail"),
            ("gpu.twins", "0000:07:00.0", "pass"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "b450m-mortar-max-gtx960-hd7450",
        "worked",
        "guest card alone in its group, host card in the chipset's",
        ("0000:26:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:26:00.0", "pass"),
            ("group.isolated", "0000:25:00.0", "fail"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "b550-pro-vega56-rx550-bios-acs",
        "worked",
        "guest card in the first slot; it has the reset bug; the host card is in the chipset's group",
        ("0000:0b:00.0",),
        (
            ("group.isolated", "0000:0b:00.0", "pass"),
            ("group.isolated", "0000:04:00.0", "fail"),
            ("gpu.reset", "0000:0b:00.0", "fail"),
            ("vfio.bound", "0000:0b:00.0", "pass"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "b550-pro-vega56-rx550-bios-acs:bios-acs-on",
        "worked",
        "the firmware's ACS switch splits the groups; the Vega keeps its reset bug",
        ("0000:08:00.0",),
        (
            ("group.isolated", "0000:08:00.0", "pass"),
            ("gpu.reset", "0000:08:00.0", "fail"),
        ),
    ),
    Story(
        "b550-pro-vega56-rx550-bios-acs:rx6950xt",
        "worked",
        "the RX 6950 XT worked out of the box",
        ("0000:08:00.0",),
        (("group.isolated", "0000:08:00.0", "pass"),),
    ),
    Story(
        "b550i-3600-rx5600xt-macos",
        "worked",
        "the only card, bound to vfio-pci; the host runs without a screen",
        ("0000:09:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:09:00.0", "pass"),
            ("vfio.bound", "0000:09:00.0", "pass"),
            ("gpu.spare", None, "fail"),
        ),
    ),
    Story(
        "b550m-4750g-gtx970",
        "worked",
        "card alone in its group; the integrated GPU shares its own with USB, sound and PSP",
        ("0000:01:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:01:00.0", "pass"),
            ("group.isolated", "0000:08:00.0", "fail"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "b560-rocket-rx7600",
        "worked",
        "the only display device, used in a guest; its two functions have a group each",
        ("0000:03:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:03:00.0", "pass"),
            ("gpu.spare", None, "fail"),
        ),
    ),
    Story(
        "dual-xeon-e5-4gpu",
        "worked",
        "three cards in guests at once without any quirk; the management chip's display stays",
        ("0000:04:00.0", "0000:05:00.0", "0000:82:00.0"),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:04:00.0", "pass"),
            ("group.isolated", "0000:05:00.0", "pass"),
            ("group.isolated", "0000:82:00.0", "pass"),
            ("gpu.twins", "0000:04:00.0", "pass"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "imac20-radeon-pro5300-tb3",
        "no passthrough",
        "a report about something else; the group holds the card, its switch and the root port only",
        (),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:03:00.0", "pass"),
            ("gpu.spare", None, "fail"),
        ),
    ),
    Story(
        "intel-rtx2070s-usbc-unbound",
        "blocked",
        "the group was not viable: USB and UCSI of the card stayed with drivers of the host",
        ("0000:01:00.0",),
        (
            ("vfio.bound", "0000:01:00.0", "fail"),
            ("gpu.host-driver", "0000:01:00.0", "fail"),
        ),
    ),
    Story(
        "msi-cyborg15-rtx4050-vtd-no-groups",
        "no passthrough",
        "the firmware has its table, but the kernel was started without intel_iommu=on",
        ("0000:01:00.0",),
        (
            ("iommu.firmware", None, "pass"),
            ("iommu.enabled", None, "fail"),
            ("gpu.boot-display", "0000:01:00.0", "pass"),
            ("vfio.bound", "0000:01:00.0", "fail"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "nixos-latitude5520-vmd-domain",
        "no passthrough",
        "VFIO is configured, but there is no card to give away",
        (),
        (("iommu.enabled", None, "pass"),),
    ),
    Story(
        "nixos-raptorlake-rtx4090",
        "worked",
        "the owner marks the card's group as the one to pass, and his module binds its two ids",
        ("0000:01:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:01:00.0", "pass"),
            ("gpu.twins", "0000:01:00.0", "pass"),
        ),
    ),
    Story(
        "proxmox-5700u-igpu",
        "worked",
        "the boot display of a host without a screen; an ACS override is on, amd_iommu=on is refused",
        ("0000:05:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("iommu.firmware", None, "pass"),
            ("group.isolated", "0000:05:00.0", "pass"),
            ("acs.override", "0000:05:00.0", "fail"),
            ("boot.stale-parameters", None, "fail"),
            ("gpu.boot-display", "0000:05:00.0", "fail"),
            ("gpu.spare", None, "fail"),
        ),
    ),
    Story(
        "pve-i5-9400f-gtx1660ti-bar3",
        "worked after a fix",
        "bound, yet black: the boot framebuffer held a BAR until initcall_blacklist=sysfb_init",
        ("0000:01:00.0",),
        (
            ("vfio.bound", "0000:01:00.0", "pass"),
            ("gpu.framebuffer", "0000:01:00.0", "fail"),
        ),
    ),
    Story(
        "raptorlake-uhd770-7vfs",
        "worked",
        "any of the seven virtual functions can be given away; all share the id of the real GPU",
        ("0000:00:02.1",),
        (
            ("gpu.present", None, "pass"),
            ("gpu.twins", "0000:00:02.1", "fail"),
            ("gpu.twins", "0000:00:02.7", "fail"),
        ),
    ),
    Story(
        "supermicro-c246-bmc-only",
        "no passthrough",
        "the only display is the management chip's",
        (),
        (
            ("iommu.enabled", None, "pass"),
            ("gpu.present", None, "fail"),
        ),
    ),
    Story(
        "t480-egpu-gtx1060",
        "worked",
        "the enclosure's USB controller is in the group and had to go along",
        ("0000:09:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:09:00.0", "fail"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "tum-r7625-h100-vfio",
        "worked",
        "the card is bound to vfio-pci, the management chip stays with the host",
        ("0000:21:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:21:00.0", "pass"),
            ("vfio.bound", "0000:21:00.0", "pass"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "x570-gt710-rx580-two-states",
        "worked",
        "RX 580 to the guest, GT 710 for the host",
        ("0000:2e:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:2e:00.0", "pass"),
            ("vfio.bound", "0000:2e:00.0", "pass"),
            ("gpu.twins", "0000:2e:00.0", "pass"),
            ("gpu.spare", None, "pass"),
            ("boot.stale-parameters", None, "fail"),
        ),
    ),
    Story(
        "x570-gt710-rx580-two-states:gt710-to-guest",
        "worked",
        "GT 710 to the guest, RX 580 for the host; both had other addresses",
        ("0000:24:00.0",),
        (
            ("group.isolated", "0000:24:00.0", "pass"),
            ("vfio.bound", "0000:24:00.0", "pass"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "x670e-carbon-7800xt-rtx2070s",
        "worked",
        "with an ACS override and allow_unsafe_interrupts=1 in the boot entry",
        ("0000:05:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:05:00.0", "pass"),
            ("acs.override", "0000:05:00.0", "unknown"),
            ("vfio.unsafe-options", None, "fail"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "x99-5930k-two-nvidia-kernel59",
        "worked",
        "the cards on the processor's ports stayed isolated",
        ("0000:01:00.0",),
        (
            ("group.isolated", "0000:01:00.0", "pass"),
            ("group.isolated", "0000:03:00.0", "pass"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "x99-5930k-two-nvidia-kernel59:kernel-5.9",
        "blocked",
        "chipset devices fell into one group with kernel 5.9; the cards did not",
        ("0000:01:00.0",),
        (
            ("group.isolated", "0000:01:00.0", "pass"),
            ("group.isolated", "0000:03:00.0", "pass"),
        ),
    ),
    Story(
        "z170-gtx1070-hd530-tb3",
        "worked",
        "card and root port in one group, the host on the integrated GPU",
        ("0000:01:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:01:00.0", "pass"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "z170-itx-gtx960",
        "worked",
        "card and root port in one group",
        ("0000:01:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:01:00.0", "pass"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "z270-three-gpus-one-group",
        "worked",
        "all three cards go to guests together; they cannot be split",
        ("0000:01:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:01:00.0", "fail"),
            ("group.isolated", "0000:02:00.0", "fail"),
            ("group.isolated", "0000:03:00.0", "fail"),
            ("vfio.bound", "0000:01:00.0", "fail"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "z390-9900kf-rtx2080-gt730-acs",
        "worked",
        "with an ACS override; only two of four functions were given to vfio-pci",
        ("0000:02:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:02:00.0", "pass"),
            ("acs.override", "0000:02:00.0", "unknown"),
            ("gpu.spare", None, "pass"),
        ),
    ),
    Story(
        "z77-i5-2500-gtx1070",
        "in doubt",
        "a perfect candidate in the owner's words; the end of the story is not told",
        ("0000:01:00.0",),
        (
            ("iommu.enabled", None, "pass"),
            ("group.isolated", "0000:01:00.0", "pass"),
            ("gpu.spare", None, "fail"),
        ),
    ),
)


UNTOLD: dict[str, str] = {
    "phoenix-minipc-v100-renumber": (
        "addresses move when the card is missing: the export says so where it binds by address; the listing "
        "has neither groups nor drivers, so every finding about the card stays unknown"
    ),
    "pve-rx6750xt-navi22-reset": (
        "the card hangs after a guest's reboot; the files name no function, so no card can be judged: the "
        "program says that no functions were read"
    ),
}
"""Machines with a told outcome and no finding that could be asked of their files, with the reason."""
