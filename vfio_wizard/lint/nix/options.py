"""Options by the releases that have them: renamed, removed, not yet there, never there."""

from __future__ import annotations

from difflib import get_close_matches

from vfio_wizard.knowledge.nixos import SYSTEMD_STAGE_1_DEFAULT_SINCE, Release, release
from vfio_wizard.knowledge.nixos_changes import (
    CHANGES,
    LIBVIRTD_CHILDREN,
    PATCH_KEY_NEW_SINCE,
    PATCH_KEY_OLD_GONE_SINCE,
    QEMU_CHILDREN,
    SCRIPTED_STAGE_1,
    SINCE,
    Change,
)
from vfio_wizard.lint.mistake import Notes, Severity
from vfio_wizard.lint.nix.settings import Setting, word
from vfio_wizard.lint.nix.values import String
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import HOLE, Place

_LIBVIRTD = ("virtualisation", "libvirtd")


def judge_options(found: tuple[Setting, ...], notes: Notes, situation: Situation) -> None:
    """Every setting by its path."""
    told: set[tuple[str, Place]] = set()
    systemd = _systemd_stage_1(found, situation)
    for one in found:
        if _guarded_by_version(one):
            continue
        change = _change(one, situation.nixos)
        if change is not None:
            _changed(one, change, notes, told)
        elif not _unknown_child(one, notes):
            _not_yet(one, notes, situation)
        _patch_key(one, notes, situation, told)
        if systemd:
            _stage_1(one, notes, systemd)
        _etc_libvirt(one, notes, told)


def _guarded_by_version(one: Setting) -> bool:
    return any("ersion" in guard or "options" in guard for guard in one.guards)


def _change(one: Setting, wanted: Release) -> Change | None:
    """The newest change that this release has already seen."""
    rows = [
        row
        for row in CHANGES
        if _matches(row.path, one.option) and (row.since is None or row.since <= wanted)
    ]
    return max(rows, key=lambda row: row.since or Release(0, 0), default=None)


def _matches(pattern: str, option: str) -> bool:
    if pattern.endswith(".*"):
        return option == pattern[:-2] or option.startswith(pattern[:-1])
    return option == pattern or option.startswith(pattern + ".")


def _changed(one: Setting, change: Change, notes: Notes, told: set[tuple[str, Place]]) -> None:
    whole = change.path.removesuffix(".*")
    if change.path.endswith(".*") and any(path == whole for path, _ in told):
        return
    told.add((whole, one.place))
    since = f" (from NixOS {change.since} on)" if change.since else ""
    if change.since is None and change.gone and "no such option" in change.why:
        rule = "lint.nix.no-such-option"
    else:
        rule = "lint.nix.removed" if change.gone else "lint.nix.renamed"
    ending = "evaluation fails" if change.gone else "the old name still works, with a warning"
    notes.add(
        rule,
        (one.place, one.option),
        f"{change.why}{since}; {ending}",
        change.right or "leave it out",
        replacement=change.right if change.right and "NAME" not in change.right else "",
        source=change.source,
    )


def _unknown_child(one: Setting, notes: Notes) -> bool:
    if one.path[:2] != _LIBVIRTD or len(one.path) < 3 or HOLE in one.option:
        return False
    below, known = one.path[2], LIBVIRTD_CHILDREN
    if below == "qemu" and len(one.path) > 3:
        below, known = one.path[3], (*QEMU_CHILDREN, "ovmf")
    if below in known or any(_matches(row.path, one.option) for row in CHANGES):
        return False
    prefix = ".".join(one.path[: one.path.index(below)])
    near = get_close_matches(below, known, 1, 0.7)
    notes.add(
        "lint.nix.no-such-option",
        (one.place, one.option),
        f"{prefix} has no option {below}; evaluation fails",
        f"{prefix}.{near[0]}" if near else f"one of {', '.join(known)}",
    )
    return True


def _not_yet(one: Setting, notes: Notes, situation: Situation) -> None:
    """Only where somebody told the release: otherwise the newest is meant, which has them all."""
    if situation.release is None:
        return
    for path, since, source in SINCE:
        if _matches(path, one.option) and situation.release < since:
            notes.add(
                "lint.nix.not-yet",
                (one.place, one.option),
                f"NixOS has {path} from {since} on, not in {situation.release}",
                source=source,
            )


def _patch_key(one: Setting, notes: Notes, situation: Situation, told: set[tuple[str, Place]]) -> None:
    if one.path[:2] != ("boot", "kernelPatches"):
        return
    old, new = "extraStructuredConfig", "structuredExtraConfig"
    key = next((name for name in one.path if name in (old, new)), None)
    if key is None or any(path == key for path, _ in told):
        return
    wanted = situation.nixos
    if key == old and wanted >= PATCH_KEY_NEW_SINCE:
        gone = wanted >= PATCH_KEY_OLD_GONE_SINCE
        told.add((key, one.place))
        notes.add(
            "lint.nix.patch-key",
            (one.place, ".".join(one.path[one.path.index(old) :])),
            f"from NixOS {PATCH_KEY_OLD_GONE_SINCE} on evaluation stops at this name; 25.05 takes both",
            new,
            replacement=new,
            severity=None if gone else Severity.WARNING,
        )
    elif key == new and situation.release is not None and wanted < PATCH_KEY_NEW_SINCE:
        told.add((key, one.place))
        notes.add(
            "lint.nix.patch-key",
            (one.place, ".".join(one.path[one.path.index(new) :])),
            f"NixOS knows this name from {PATCH_KEY_NEW_SINCE} on",
            old,
            replacement=old,
        )


def _systemd_stage_1(found: tuple[Setting, ...], situation: Situation) -> str:
    """Why stage 1 is systemd's here, in words; empty where it is not, or where nobody can tell."""
    told = [word(one.value) for one in found if one.option == "boot.initrd.systemd.enable"]
    if "false" in told:
        return ""
    if "true" in told:
        return "boot.initrd.systemd.enable is set here"
    if situation.nixos >= SYSTEMD_STAGE_1_DEFAULT_SINCE:
        return f"stage 1 is systemd's from NixOS {SYSTEMD_STAGE_1_DEFAULT_SINCE} on"
    return ""


def _stage_1(one: Setting, notes: Notes, why: str) -> None:
    if one.path[:2] != ("boot", "initrd") or len(one.path) != 3 or one.path[2] not in SCRIPTED_STAGE_1:
        return
    if any("systemd.enable" in guard for guard in one.guards):
        return
    if isinstance(one.value, String) and not one.value.text.value.strip():
        return
    notes.add(
        "lint.nix.stage-1",
        (one.place, one.option),
        f"{why}, and refuses {one.path[2]} with a failing assertion",
        "boot.initrd.systemd.services.NAME with this script, before systemd-udevd.service and"
        " systemd-modules-load.service",
    )


def _etc_libvirt(one: Setting, notes: Notes, told: set[tuple[str, Place]]) -> None:
    if one.path[:2] != ("environment", "etc") or len(one.path) < 3 or not one.path[2].startswith("libvirt/"):
        return
    if any(path == one.path[2] for path, _ in told):
        return
    told.add((one.path[2], one.place))
    hook = one.path[2].startswith("libvirt/hooks")
    notes.add(
        "lint.nix.hooks",
        (one.place, f'environment.etc."{one.path[2]}"'),
        "NixOS' libvirt reads /var/lib/libvirt, never /etc/libvirt",
        "virtualisation.libvirtd.hooks.qemu.NAME = a script (from 23.11 on)"
        if hook
        else "virtualisation.libvirtd.qemu.verbatimConfig, or a file below /var/lib/libvirt",
    )


def release_of(text: str) -> Release | None:
    """The release that a module of vfio-wizard says it was made for."""
    head = text[:4000]
    if "Made by vfio-wizard" not in head:
        return None
    for line in head.splitlines():
        if line.startswith("# Release: NixOS "):
            told = line.removeprefix("# Release: NixOS ").strip().split()[:1]
            return release(told[0]) if told else None
    return None
