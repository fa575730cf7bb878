"""Looking Glass on the host: sizes by release, files, what keeps QEMU from its device, and the client."""

from __future__ import annotations

from configparser import ConfigParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.facts_builder import AUDIO, GPU, IGPU, at, card, good_machine, groups, integrated
from vfio_wizard.lint.review import Given, review
from vfio_wizard.lint.situation import Situation
from vfio_wizard.model.plan import Action, Artifact
from vfio_wizard.model.selection import GuestPart, LookingGlass, Mirror, Selection
from vfio_wizard.planning.looking_glass import size_mib
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.registry import render_full

CONF = "etc/libvirt/qemu.conf"
LOCAL = "etc/apparmor.d/local/abstractions/libvirt-qemu"
QUIET = (("etc/libvirt/qemu.conf", ""),)
SHM, KVMFR = LookingGlass(Mirror.SHM, 2560, 1440), LookingGlass(Mirror.KVMFR, 3840, 2160)


def made(wish: LookingGlass, **told: Any) -> Rendered:
    fields: dict[str, Any] = {
        "pci": (integrated(boot_vga=False), *card()),
        "groups": groups(g1=IGPU, g5=f"{GPU} {AUDIO}"),
        "files": QUIET,
        "looking_glass": (),
    }
    chosen = Selection((at(GPU),), users=("alice",), looking_glass=wish)
    plan = make_plan(good_machine(**(fields | told)), chosen)
    return render_full("looking-glass", plan, tool_version="1")


def file(found: Rendered, path: str) -> Artifact:
    return next(one for one in found.artifacts if one.path == path)


@pytest.mark.parametrize(
    ("width", "height", "hdr", "host", "idd"),
    [
        (1920, 1080, False, 32, 32),
        (1920, 1080, True, 64, 32),
        (2560, 1080, False, 32, 64),
        (2560, 1440, True, 128, 64),
        (3840, 1600, False, 64, 128),
        (3840, 2160, True, 256, 128),
        (5120, 1440, False, 128, 128),
        (5120, 2880, False, 128, 256),
        (7680, 4320, True, 1024, 512),
    ],
)
def test_each_release_has_its_size_and_without_one_the_larger_counts(
    width: int, height: int, hdr: bool, host: int, idd: int
) -> None:
    assert size_mib(width, height, hdr=hdr, part=GuestPart.HOST) == host
    assert size_mib(width, height, hdr=hdr, part=GuestPart.IDD) == idd
    assert size_mib(width, height, hdr=hdr) == max(host, idd)


@given(st.integers(1, 16384), st.integers(1, 16384), st.booleans(), st.sampled_from(GuestPart))
def test_every_size_is_a_power_of_two_that_holds_the_picture(
    width: int, height: int, hdr: bool, part: GuestPart
) -> None:
    size = size_mib(width, height, hdr=hdr, part=part)
    frames = 3 if part is GuestPart.IDD else 2
    assert size & (size - 1) == 0
    assert size << 20 > width * height * 4 * frames


def test_plain_memory_belongs_to_the_user_and_qemu_alone() -> None:
    found = made(SHM)
    line = file(found, "/etc/tmpfiles.d/vfio-wizard.conf").text.splitlines()[-1]
    assert line == "f /dev/shm/looking-glass 0660 alice kvm -"
    assert "delete it while no guest runs" in " ".join(found.notes)


def test_kvmfr_is_loaded_and_its_node_handed_out_before_seats_are() -> None:
    found = made(KVMFR)
    rule = file(found, "/etc/udev/rules.d/70-kvmfr.rules").text.splitlines()[-1]
    assert rule == 'SUBSYSTEM=="kvmfr", OWNER="alice", GROUP="kvm", MODE="0660", TAG+="uaccess"'
    assert file(found, "/etc/modules-load.d/kvmfr.conf").text.endswith("kvmfr\n")
    assert "ordinary file" in " ".join(found.notes)


def test_the_device_list_of_libvirt_is_repeated_and_never_replaced() -> None:
    added = file(made(KVMFR), f"/{CONF}")
    assert added.action is Action.APPEND
    assert '"/dev/null"' in added.text
    assert '"/dev/kvmfr0"]' in added.text
    assert review([Given("qemu.conf", added.text)], Situation()).mistakes == ()


def test_somebodys_own_device_list_is_kept_and_told_with_kvmfr_in_it() -> None:
    conf = 'cgroup_device_acl = [\n  "/dev/null", "/dev/input/event3"\n]\n'
    found = made(KVMFR, files=((CONF, conf),))
    assert [one for one in found.artifacts if one.path == f"/{CONF}"] == []
    told = next(note for note in found.notes if "cgroup_device_acl" in note)
    assert '"/dev/input/event3", "/dev/kvmfr0"]' in told
    assert '"/dev/urandom"' in told


def test_a_device_list_with_kvmfr_is_left_alone() -> None:
    found = made(KVMFR, files=((CONF, 'cgroup_device_acl = ["/dev/kvm", "/dev/kvmfr0"]'),))
    assert "cgroup_device_acl" not in " ".join((*found.notes, *(one.path for one in found.artifacts)))


def test_a_list_that_is_only_a_comment_is_none() -> None:
    found = made(KVMFR, files=((CONF, '#cgroup_device_acl = [\n#    "/dev/null"\n#]\n'),))
    assert file(found, f"/{CONF}").action is Action.APPEND


def test_settings_that_were_not_read_are_told_and_not_written() -> None:
    found = made(KVMFR, files=())
    assert [one.path for one in found.artifacts if "libvirt" in one.path] == []
    assert "AppArmor, where it is in use" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("files", "action"),
    [(QUIET, Action.CREATE), ((*QUIET, (LOCAL, "# mine\n")), Action.APPEND)],
)
def test_apparmor_gets_a_local_rule_beside_what_stands_there(
    files: tuple[tuple[str, str], ...], action: Action
) -> None:
    rule = file(made(KVMFR, files=files, confinement=("apparmor",)), f"/{LOCAL}")
    assert rule.action is action
    assert rule.text.endswith("/dev/kvmfr0 rw,\n")


def test_apparmor_that_lets_qemu_in_already_gets_nothing() -> None:
    files = (*QUIET, (LOCAL, "/dev/kvmfr* rw,\n"))
    found = made(KVMFR, files=files, confinement=("apparmor",))
    assert [one.path for one in found.artifacts if "apparmor" in one.path] == []


def test_a_rule_that_is_only_a_comment_is_none() -> None:
    files = (*QUIET, (LOCAL, "# /dev/kvmfr0 rw,\n"))
    assert file(made(KVMFR, files=files, confinement=("apparmor",)), f"/{LOCAL}")


def test_plain_memory_needs_no_rule_of_apparmor_and_no_list() -> None:
    found = made(SHM, confinement=("apparmor", "selinux"))
    assert [one.path for one in found.artifacts if "libvirt" in one.path] == []


def test_selinux_is_never_switched_off() -> None:
    notes = " ".join(made(KVMFR, confinement=("selinux",)).notes)
    assert "Leave SELinux on" in notes
    assert "setenforce" not in notes


@pytest.mark.parametrize(
    ("wish", "section", "key", "device"),
    [
        (SHM, "app", "shmFile", "/dev/shm/looking-glass"),  # noqa: S108 - not a temporary file
        (KVMFR, "app", "shmFile", "/dev/kvmfr0"),
        (KVMFR._replace(release=GuestPart.IDD), "lgmp", "shmDevice", "/dev/kvmfr0"),
    ],
)
def test_the_client_is_told_where_the_picture_is_in_words_of_its_release(
    wish: LookingGlass, section: str, key: str, device: str
) -> None:
    parser = ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(file(made(wish), "/etc/looking-glass-client.ini").text)
    assert parser[section][key] == device
    assert parser["win"]["size"] == f"{wish.width}x{wish.height}"
    assert parser["spice"]["port"] == "5900"


def test_off_is_no_file() -> None:
    assert made(LookingGlass(Mirror.OFF)) == Rendered()
