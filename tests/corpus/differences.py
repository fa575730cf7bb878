"""Where the findings differ from what was expected beforehand, each with the reason.

A difference that is no longer there fails the tests, so that this list stays true.
"""

from __future__ import annotations

_PART = (
    "a listing cannot prove that it shows the whole machine (about.json calls it full after a person's "
    "comparison), so the absence of a display or twin is not concluded"
)

DIFFERENCES: dict[tuple[str, str, str | None], tuple[str, str]] = {
    ("b350-plus-r9390-rx550", "gpu.twins", "0000:07:00.0"): ("unknown", _PART),
    ("dual-xeon-e5-4gpu", "gpu.twins", "0000:04:00.0"): ("unknown", _PART),
    ("nixos-raptorlake-rtx4090", "gpu.twins", "0000:01:00.0"): ("unknown", _PART),
    ("x570-gt710-rx580-two-states", "gpu.twins", "0000:2e:00.0"): ("unknown", _PART),
    ("b550i-3600-rx5600xt-macos", "gpu.spare", None): ("unknown", _PART),
    ("b560-rocket-rx7600", "gpu.spare", None): ("unknown", _PART),
    ("imac20-radeon-pro5300-tb3", "gpu.spare", None): ("unknown", _PART),
    ("proxmox-5700u-igpu", "gpu.spare", None): ("unknown", _PART),
    ("z77-i5-2500-gtx1070", "gpu.spare", None): ("unknown", _PART),
    ("supermicro-c246-bmc-only", "gpu.present", None): ("unknown", _PART),
    ("b550-pro-vega56-rx550-bios-acs", "group.isolated", "0000:0b:00.0"): (
        "unknown",
        "the owner shortened the listing: groups between the shown ones are missing, members may be too",
    ),
    ("proxmox-5700u-igpu", "acs.override", "0000:05:00.0"): (
        "unknown",
        "the parameter is quoted, but the log begins behind the line in which a patched kernel says so",
    ),
    ("pve-i5-9400f-gtx1660ti-bar3", "gpu.framebuffer", "0000:01:00.0"): (
        "unknown",
        "no file shows the framebuffer; the line 'can't reserve' is told by kernel.log-clean, which fails",
    ),
}
"""(machine, check id, subject) to what the program says, and why."""
