"""Lines of libvirt's qemu.conf, in a file of their own or in a Nix string."""

from __future__ import annotations

from vfio_wizard.lint.mistake import Notes
from vfio_wizard.lint.text import HOLE, Text

DEFAULT_DEVICES = ("null", "full", "zero", "random", "urandom", "ptmx", "kvm")
"""What cgroup_device_acl holds while nobody sets it (libvirt 9.0: src/qemu/qemu.conf.in)."""


def judge_qemu_conf(text: Text, notes: Notes, *, wants_namespaces: bool) -> None:
    """What passthrough guides change; ``wants_namespaces`` where a NixOS default is replaced."""
    lines = [line for line in text.lines() if not line.value.lstrip().startswith("#")]
    settings = {line.value.split("=")[0].strip(): line for line in lines if "=" in line.value}
    if wants_namespaces and "namespaces" not in settings and text.value.strip() and HOLE not in text.value:
        notes.add(
            "lint.nix.namespaces",
            next(line.stripped() for line in text.lines() if line.value.strip()),
            "this text replaces the option's default, which is the line namespaces = []; without it"
            " QEMU does not see"
            " device nodes beyond libvirt's own list",
            "namespaces = [] as one more line",
        )
    if "cgroup_device_acl" in settings:
        _acl(text, notes)


def _acl(text: Text, notes: Notes) -> None:
    start = text.value.find("cgroup_device_acl")
    end = text.value.find("]", start)
    block = text.cut(start, len(text.value) if end < 0 else end)
    devices = block.parts('"')[1::2]
    names = [part.value.removeprefix("/dev/") for part in devices]
    if HOLE in block.value:
        notes.gap(block.place, "cgroup_device_acl", "a part of the list comes from elsewhere")
    else:
        missing = [f"/dev/{name}" for name in DEFAULT_DEVICES if name not in names]
        if missing:
            notes.add(
                "lint.qemu.acl-defaults",
                block.cut(0, len("cgroup_device_acl")),
                f"the list replaces libvirt's own; it lacks {', '.join(missing)}",
                ", ".join(f'"{one}"' for one in missing) + " as well",
            )
    for part in devices:
        if part.value == "/dev/kqemu":
            notes.add(
                "lint.qemu.gone-device",
                part,
                "KVM took the place of kqemu; no kernel makes this node today",
                "leave it out",
                replacement="",
            )
