"""``domain`` from the command line: what is printed where, what is refused, and which libvirt it is for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.domain.schemas import STACKS
from tests.published import document
from vfio_wizard.cli import main
from vfio_wizard.cli.domain import _first_version
from vfio_wizard.lint.xmltree import Element, parse_xml

SEED = str(REPOSITORY / "fixtures/rx5600xt-rx550-nixos/host.json")
SHARED = str(REPOSITORY / "fixtures/lab-6.12-ports-without-acs/host.json")
CARD = ("--gpu", "0000:2f:00.0")
Capture = pytest.CaptureFixture[str]


def domain(*words: str, host: str = SEED) -> int:
    return main(["domain", "--host", host, *words])


def printed(capsys: Capture, *words: str) -> Element:
    assert domain(*CARD, *words) == 0
    return parse_xml(capsys.readouterr().out)


def text_at(root: Element, path: str) -> str | None:
    found = root.first(path)
    return None if found is None else found.words


def test_standard_output_is_the_domain_alone_and_the_talk_goes_to_the_side(capsys: Capture) -> None:
    assert domain(*CARD) == 0
    told = capsys.readouterr()
    assert parse_xml(told.out).name == "domain"
    assert "MIND" in told.err
    assert "  device: 0000:2f:00.0, 0000:2f:00.1\n" in told.err
    assert "8 CPUs on the host's 4-7,12-15: " in told.err
    assert "--checklist" in told.err


def test_the_same_machine_gives_the_same_bytes(capsys: Capture) -> None:
    assert domain(*CARD) == 0
    first = capsys.readouterr().out
    assert domain(*CARD) == 0
    assert capsys.readouterr().out == first


def test_every_option_reaches_the_guest(capsys: Capture) -> None:
    words = (
        "--name",
        "desk",
        "--guest",
        "linux",
        "--memory",
        "12G",
        "--vcpus",
        "4",
        "--network",
        "bridge:br0",
    )
    devices = ("--disk", "pool/vol.qcow2", "--iso", "/srv/a.iso", "--rom", "/srv/r.rom", "--sound", "off")
    keys = ("--evdev", "/dev/input/by-id/a-event-kbd", "--usb", "046d:c52b")
    root = printed(capsys, *words, *devices, *keys)
    assert (text_at(root, "name"), text_at(root, "memory"), text_at(root, "vcpu")) == (
        "desk",
        "12582912",
        "4",
    )
    assert [one.attributes for one in root.all("devices/disk/source")] == [
        {"pool": "pool", "volume": "vol.qcow2"},
        {"file": "/srv/a.iso"},
    ]
    assert [one.attributes["file"] for one in root.all("devices/hostdev/rom")] == ["/srv/r.rom"]
    assert [one.attributes["bridge"] for one in root.all("devices/interface/source")] == ["br0"]
    assert [one.attributes["id"] for one in root.all("devices/hostdev/source/vendor")] == ["0x046d"]
    assert root.first("features/hyperv") is None


def test_a_guest_without_a_name_has_that_of_its_system(capsys: Capture) -> None:
    assert text_at(printed(capsys), "name") == "windows"
    assert text_at(printed(capsys, "--guest", "linux"), "name") == "linux"


def test_a_path_is_made_whole_for_libvirt(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    root = printed(capsys, "--iso", "win.iso", "--virtio-iso", "~/virtio.iso", "--disk", "./a.raw")
    files = [one.attributes["file"] for one in root.all("devices/disk/source")]
    assert files == [f"{tmp_path}/a.raw", f"{tmp_path}/win.iso", "/home/somebody/virtio.iso"]


@pytest.mark.parametrize(
    ("picture", "mode", "size", "part"),
    [
        ("2560x1440", "shm", 64, "b7"),
        ("2560x1440@hdr@kvmfr", "kvmfr", 128, "b7"),
        ("3840x1600@idd", "shm", 128, "idd"),
        ("3840x1600@b7", "shm", 64, "b7"),
    ],
)
def test_looking_glass_by_release(capsys: Capture, picture: str, mode: str, size: int, part: str) -> None:
    assert domain(*CARD, "--looking-glass", picture, "--json") == 0
    told = document(capsys.readouterr().out, "vfio-wizard/domain/1")
    assert told["looking_glass"] == {"mode": mode, "size_mib": size, "release": part}


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_the_version_is_the_one_that_was_named(capsys: Capture, stack: object) -> None:
    name = str(getattr(stack, "name", ""))
    assert domain(*CARD, "--libvirt", name, "--qemu", "10.0", "--json") == 0
    told = document(capsys.readouterr().out, "vfio-wizard/domain/1")
    assert (told["libvirt"], told["qemu"]) == (f"{name}.0", "10.0.0")


def test_programs_that_say_their_version_are_believed(capsys: Capture, tmp_path: Path) -> None:
    record = json.loads(Path(SEED).read_text(encoding="utf-8"))
    record["commands"] |= {
        "virsh --version": "11.3.0",
        "qemu-system-x86_64 --version": "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)",
    }
    place = tmp_path / "host.json"
    place.write_text(json.dumps(record), encoding="utf-8")
    assert domain(*CARD, "--json", host=str(place)) == 0
    told = document(capsys.readouterr().out, "vfio-wizard/domain/1")
    assert (told["libvirt"], told["qemu"]) == ("11.3.0", "10.0.2")
    assert "qemu.unknown" not in [one["id"] for one in told["warnings"]]


def test_a_libvirt_that_is_not_known_is_said(capsys: Capture) -> None:
    assert domain(*CARD) == 0
    assert "libvirt's version is not known here; written for 9.0" in capsys.readouterr().err.replace(
        "\n", " "
    )


def test_json_has_the_whole_guest(capsys: Capture) -> None:
    assert domain(*CARD, "--json") == 0
    told = document(capsys.readouterr().out, "vfio-wizard/domain/1")
    assert [one["address"] for one in told["functions"]] == ["0000:2f:00.0", "0000:2f:00.1"]
    assert told["cpus"]["count"] == len(told["cpus"]["pins"])
    assert parse_xml(told["xml"]).name == "domain"


def test_a_refusal_prints_no_domain(capsys: Capture) -> None:
    assert domain(*CARD, "--memory", "900G") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "memory.too-much" in told.err
    assert domain(*CARD, "--memory", "900G", "--json") == 1
    assert document(capsys.readouterr().out, "vfio-wizard/domain/1")["xml"] is None


def test_half_a_group_is_refused_though_it_is_allowed_elsewhere(capsys: Capture) -> None:
    told = json.loads(_groups(capsys))
    gpu = next(one for one in told["gpus"] if one["shares_with"])
    words = ("--gpu", gpu["address"], "--allow", "group.shared")
    assert domain(*words, host=SHARED) == 1
    assert "group.shared" in capsys.readouterr().err


def _groups(capsys: Capture) -> str:
    assert main(["groups", "--host", SHARED, "--json"]) == 0
    return capsys.readouterr().out


def test_the_checklist_has_the_steps_and_no_domain(capsys: Capture) -> None:
    assert domain(*CARD, "--looking-glass", "1920x1080", "--checklist") == 0
    out = capsys.readouterr().out
    assert out.startswith("CHECKLIST FOR windows\n")
    assert "$ looking-glass-client -f /dev/shm/looking-glass" in out
    assert "<domain" not in out
    assert max(map(len, out.splitlines())) <= 110


def test_a_file_that_is_there_is_kept_unless_forced(capsys: Capture, tmp_path: Path) -> None:
    place = tmp_path / "guest.xml"
    assert domain(*CARD, "-o", str(place)) == 0
    assert (capsys.readouterr().out, place.stat().st_mode & 0o777) == ("", 0o600)
    place.write_text("mine")
    assert domain(*CARD, "-o", str(place)) == 1
    assert place.read_text() == "mine"
    assert domain(*CARD, "-o", str(place), "--force") == 0
    assert parse_xml(place.read_text()).name == "domain"


def test_an_emulated_guest_is_one_word_away(capsys: Capture) -> None:
    assert printed(capsys, "--emulated").attributes["type"] == "qemu"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--memory", "16"), "--memory: not a size"),
        (("--memory", "0G"), "--memory: not a size"),
        (("--vcpus", "-1"), "--vcpus"),
        (("--vcpus", "²"), "--vcpus: not a number"),
        (("--libvirt", "new"), "--libvirt: not a version"),
        (("--libvirt", "5.0"), "libvirt 5.0.0 is too old"),
        (("--libvirt", "9" * 5000 + ".0"), "--libvirt: not a version"),
        (("--memory", "9" * 5000 + "G"), "--memory: not a size"),
        (("--vcpus", "9" * 5000), "--vcpus: not a number"),
        (("--disk", "a"), "not a disk"),
        (("--name", "a\nb"), "not a name for a guest"),
        (("--name", "../x"), "not a name for a guest"),
        (("--iso", "/a\nb"), "control character"),
        (("--looking-glass", "big"), "not a picture size"),
        (("--gpu", "0000:ff:00.0"), "is not in this host"),
    ],
)
def test_words_that_mean_nothing_are_one_line_and_code_2(
    capsys: Capture, words: tuple[str, ...], message: str
) -> None:
    try:
        code = domain(*(() if "--gpu" in words else CARD), *words)
    except SystemExit as error:  # argparse's own
        code = int(error.code or 0)
    told = capsys.readouterr()
    assert code == 2
    assert told.out == ""
    assert message in told.err


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("QEMU emulator version 7.2.11 (Debian 1:7.2+dfsg-7+deb12u7)", (7, 2, 11)),
        ("QEMU emulator version 10.0 (qemu-10.0-1.fc42)", (10, 0, 0)),
        ("nonsense", None),
    ],
)
def test_qemu_says_its_version_in_a_sentence(text: str, version: tuple[int, int, int] | None) -> None:
    assert _first_version(text) == version
