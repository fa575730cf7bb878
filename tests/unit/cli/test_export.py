"""``export`` and ``plan``: what is written where, what is refused, and what is never touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vfio_wizard.cli import main

REPOSITORY = Path(__file__).resolve().parents[3]
SEED = str(REPOSITORY / "fixtures/rx5600xt-rx550-nixos/host.json")
GUEST = ("--gpu", "0000:2f:00.0")
PATCH = """--- a/drivers/pci/quirks.c
+++ b/drivers/pci/quirks.c
@@ -1 +1,2 @@
 old
+new
"""


def export(*words: str) -> int:
    return main(["export", "--host", SEED, *words])


def test_the_module_goes_where_it_was_told_with_the_steps_after_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "gpu_passthrough.nix"
    assert export(*GUEST, "-o", str(place)) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "imports = [ ./gpu_passthrough.nix ];" in told.err
    assert place.read_text().startswith("# Gives a graphics card to virtual machines.")
    assert place.stat().st_mode & 0o777 == 0o644


def test_exporting_twice_gives_the_same_bytes_and_replaces_the_own_file(tmp_path: Path) -> None:
    place = tmp_path / "gpu_passthrough.nix"
    assert export(*GUEST, "-o", str(place)) == 0
    first = place.read_bytes()
    assert export(*GUEST, "-o", str(place)) == 0
    assert place.read_bytes() == first
    assert [one.name for one in tmp_path.iterdir()] == ["gpu_passthrough.nix"]


def test_a_strangers_file_is_not_replaced_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "configuration.nix"
    place.write_text("{ }\n")
    assert export(*GUEST, "-o", str(place)) == 1
    assert "not written by this program" in capsys.readouterr().err
    assert place.read_text() == "{ }\n"
    assert export(*GUEST, "-o", str(place), "--force") == 0
    assert "vfio-pci.ids" in place.read_text()


def test_a_patch_is_copied_beside_the_module_and_named_by_path(tmp_path: Path) -> None:
    patch = tmp_path / "navi reset.patch"
    patch.write_text(PATCH)
    answers = tmp_path / "answers.toml"
    answers.write_text(f'gpus = ["0000:2f:00.0"]\n[kernel.patches]\nreset = "{patch}"\n')
    there = tmp_path / "nixos"
    assert export("--answers", str(answers), "-o", f"{there}/") == 0
    assert sorted(one.name for one in there.iterdir()) == ["gpu_passthrough.nix", "navi-reset.patch"]
    assert "./navi-reset.patch" in (there / "gpu_passthrough.nix").read_text()
    assert (there / "navi-reset.patch").read_text() == PATCH


def test_what_is_no_patch_is_not_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text(f'gpus = ["0000:2f:00.0"]\n[kernel.patches]\nreset = "{answers}"\n')
    assert export("--answers", str(answers), "-o", str(tmp_path / "x.nix")) == 2
    assert "is no kernel patch" in capsys.readouterr().err
    assert not (tmp_path / "x.nix").exists()


def test_a_refusal_writes_nothing_and_says_how_to_overrule_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "x.nix"
    assert export("--gpu", "0000:28:00.0", "-o", str(place)) == 1
    told = capsys.readouterr().err
    assert "--allow group.shared" in told
    assert not place.exists()


def test_json_with_a_file_gives_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "x.nix"
    assert export(*GUEST, "--json", "-o", str(place)) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "vfio-wizard/plan/1"
    assert document["artifacts"][0]["text"] == place.read_text()


@pytest.mark.parametrize("name", ["modprobe", "initramfs-tools", "dracut", "mkinitcpio", "grub-mkconfig"])
def test_other_formats_come_from_the_same_plan(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(*GUEST, "--format", name) == 0
    text = capsys.readouterr().out
    assert "vfio" in text


def test_an_unknown_format_names_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert export(*GUEST, "--format", "lilo") == 2
    assert "grub-mkconfig" in capsys.readouterr().err
    assert export("--format", "list") == 0
    assert "nixos" in capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--gpu", "99:00.0"), "99:00.0"),
        (("--gpu", "nonsense"), "groups lists the addresses"),
        ((*GUEST, "--nixos-release", "banana"), "banana"),
        ((*GUEST, "--looking-glass", "big"), "2560x1440"),
        ((*GUEST, "--user", "root; rm"), "user name"),
        ((*GUEST, "--allow", "everything"), "everything"),
        (("--answers", "/nonexistent/answers.toml"), "no such file"),
    ],
)
def test_bad_input_gets_one_line_that_says_what(
    words: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert hint in told.err
    assert told.err.count("\n") == 1


def test_a_directory_that_cannot_be_written_is_said_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    assert export(*GUEST, "-o", "/proc/nowhere/x.nix") in (1, 2)
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "this is a bug" not in told


def test_the_plan_shows_every_line_and_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--host", SEED, *GUEST, "--user", "desk"]) == 0
    told = capsys.readouterr().out
    assert "NEW FILE gpu_passthrough.nix" in told
    assert "nixos-rebuild boot" in told
