"""Names of devices, files and people that say something to whoever reads our output are never obeyed."""

from __future__ import annotations

import html.parser
import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import nixeval
import pytest

from tests.fuzz.poison import GPU, MACHINE, PAYLOADS, poisoned
from tests.fuzz.targets import FIXTURES, harmless
from vfio_wizard.cli import main
from vfio_wizard.render.registry import FORMATS

CLEAN = str(FIXTURES / MACHINE / "host.json")
COMMANDS = (
    ("--check", "--verbose"),
    ("--check", "--json"),
    ("groups",),
    ("groups", "--json"),
    ("predict", "--verbose"),
    ("predict", "--json"),
    ("plan", "--gpu", GPU),
    ("plan", "--gpu", GPU, "--json"),
    ("cores", "--gpu", GPU),
    ("domain", "--gpu", GPU, "--libvirt", "11.3.0", "--qemu", "10.0.0"),
    ("report", "--gpu", GPU),
)


@pytest.fixture(params=[(name, everything) for name in PAYLOADS for everything in (False, True)], ids=str)
def record(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A poisoned machine."""
    name, everything = request.param
    place = tmp_path / "host.json"
    place.write_text(poisoned(PAYLOADS[name], everything=everything))
    return str(place)


def test_no_command_passes_a_terminal_sequence_on(record: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        code = main([*command, "--host", record])
        captured = capsys.readouterr()
        assert code in (0, 1, 2, 3), command
        assert "this is a bug" not in captured.err, (command, captured.err)
        harmless(captured.out)
        harmless(captured.err)
        if "--json" in command and code != 2:
            json.loads(captured.out)


def test_no_artifact_holds_more_than_it_should(record: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of our own in every form may quote a name in a comment, and do no more than without it."""
    for name in FORMATS:
        main(["export", "--format", name, "--gpu", GPU, "--force", "--host", record])
        captured = capsys.readouterr()
        assert "this is a bug" not in captured.err, (name, captured.err)
        harmless(captured.out)
        acting = [
            line for line in captured.out.splitlines() if line.strip() and not line.lstrip().startswith("#")
        ]
        assert not any(re.match(r"\s*(pwned|options pwned)", line) for line in acting), name


def test_a_nix_module_means_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The names of a machine are in comments only: the syntax tree does not change."""

    def without_comments(record: str) -> str:
        assert main(["export", "--gpu", GPU, "--host", record]) in (0, 1)
        lines = capsys.readouterr().out.splitlines()
        return "\n".join(line.partition(" # ")[0] for line in lines if not line.lstrip().startswith("#"))

    plain = without_comments(CLEAN)
    for payload in PAYLOADS.values():
        place = tmp_path / "host.json"
        place.write_text(poisoned(payload, everything=False))
        assert without_comments(str(place)) == plain


class _Tags(html.parser.HTMLParser):
    """The elements of a page, with the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def test_a_page_has_no_element_more(record: str, tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    assert main(["report", "--gpu", GPU, "--host", record, "-o", str(place)]) in (0, 1, 3)
    tags = _Tags(place.read_text())
    kinds = {tag for tag, _ in tags.found}
    assert "html" in kinds
    assert not kinds & {"script", "img", "pwned", "iframe", "object"}
    assert not any(name.startswith("on") for _, names in tags.found for name in names)


# -- what the user may call things -------------------------------------------------------------------

ODD = [
    "Games & <more>",
    'a"b',
    "it's",
    "$(touch pwned)",
    "${pwned}",
    "''${pwned}",
    "a\\b",
    "ä٣💩",
    "-rf",
    "`x`",
]


@pytest.mark.parametrize("name", ODD)
def test_a_guest_of_any_name_is_itself_or_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--gpu", GPU, "--host", CLEAN, "--libvirt", "11.3.0", "--qemu", "10.0.0"]
    code = main(["domain", f"--name={name}", *common])
    captured = capsys.readouterr()
    assert "this is a bug" not in captured.err
    if captured.out.startswith("<domain"):
        assert ElementTree.fromstring(captured.out).findtext("name") == name  # noqa: S314 - ours
    else:
        assert code in (1, 2)


@pytest.mark.parametrize("name", ODD)
def test_paths_of_any_name_are_themselves(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    disk = f"/var/lib/libvirt/images/{name}.qcow2"
    common = ["--gpu", GPU, "--host", CLEAN, "--libvirt", "11.3.0", "--qemu", "10.0.0", "--disk-size", "64"]
    code = main(["domain", "--disk", disk, "--iso", f"/iso/{name}.iso", *common])
    captured = capsys.readouterr()
    assert "this is a bug" not in captured.err
    if code == 2:
        return
    root = ElementTree.fromstring(captured.out)  # noqa: S314 - ours
    assert {one.get("file") for one in root.iter("source") if one.get("file")} >= {disk, f"/iso/{name}.iso"}


@pytest.mark.parametrize("name", ODD)
def test_answers_of_any_name_make_nix_that_evaluates(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text(f'gpus = ["{GPU}"]\nguest = {json.dumps(name)}\nusers = [{json.dumps(name)}]\n')
    main(["export", "--answers", str(answers), "--host", CLEAN])
    captured = capsys.readouterr()
    assert "this is a bug" not in captured.err
    if captured.out:
        nixeval.loads(f"builtins.isFunction ({captured.out})")


@pytest.mark.parametrize("name", [*ODD, *(one.replace("\n", " ") for one in PAYLOADS.values())])
def test_a_hook_does_not_run_what_a_guest_is_called(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hook acts for this guest and no other, and its name is only compared."""
    if main(["cores", "--host", CLEAN, f"--hook={name}"]) == 2:
        assert "not a guest's name" in capsys.readouterr().err
        return
    hook, tools, calls = tmp_path / "hook", tmp_path / "tools", tmp_path / "calls"
    hook.write_text(capsys.readouterr().out)
    tools.mkdir()
    stand_in = tools / "systemctl"
    stand_in.write_text(f'#!/bin/sh\nprintf "%s " "$@" >>{calls}\n')
    stand_in.chmod(0o755)
    for guest, expected in ((name, 3), (f"{name}x", 0)):
        calls.write_text("")
        subprocess.run(
            ["sh", str(hook), guest, "prepare", "begin", "-"],
            cwd=tools,
            env={"PATH": f"{tools}:/usr/bin:/bin"},
            input=b"<domain/>",
            check=True,
        )
        assert calls.read_text().count("AllowedCPUs=0-3,8-11") == expected
    assert [path.name for path in tools.iterdir()] == ["systemctl"]
