"""The manual and the completions: made from the parser, and accepted by the programs that read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.shell_words import SHARE, commands, pages
from vfio_wizard.cli.arguments import all_parsers

BASH = SHARE / "bash-completion/completions/vfio-wizard"
ZSH = SHARE / "zsh/site-functions/_vfio-wizard"
FISH = SHARE / "fish/vendor_completions.d/vfio-wizard.fish"
MANUAL = SHARE / "man/man1/vfio-wizard.1"


def output(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_shipped_files_are_those_of_this_parser() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, f"{path} is out of date: make docs"


def test_every_command_and_option_is_in_the_manual() -> None:
    page = MANUAL.read_text().replace("\\-", "-")
    for name, (_, parser) in all_parsers().items():
        assert f".SS vfio-wizard {name}" in page or not name
        for flag in parser._option_string_actions:
            assert f"\\fB{flag}\\fR" in page


@pytest.mark.shells
def test_groff_has_nothing_to_complain_about() -> None:
    shown = output("groff", "-man", "-Tutf8", "-ww", "-P-cbou", str(MANUAL))
    assert "EXIT STATUS" in shown


def completed(words: str) -> set[str]:
    """What bash offers for the last word."""
    argv = words.split(" ")
    quoted = " ".join(f"'{word}'" for word in argv)
    script = (
        f"source {BASH}; COMP_WORDS=({quoted}); COMP_CWORD={len(argv) - 1}; COMP_LINE='{words}'; "
        f'COMP_POINT={len(words)}; _vfio_wizard; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    return set(output("bash", "--norc", "-c", script).split())


def test_bash_completes_commands_options_and_values() -> None:
    assert completed("vfio-wizard pl") == {"plan"}
    assert completed("vfio-wizard plan --bi") == {"--bind"}
    assert completed("vfio-wizard plan --bind a") == {"auto", "address"}
    assert completed("vfio-wizard explain iommu.e") == {"iommu.enabled"}
    assert completed("vfio-wizard --strict ch") == {"check", "checks"}


def test_bash_offers_what_each_command_takes() -> None:
    for command in commands()[1:]:
        flags = {flag for one in command.options for flag in one.flags if flag.startswith("--")}
        assert completed(f"vfio-wizard {command.name} --") == flags


def test_bash_completes_files_and_addresses(tmp_path: Path) -> None:
    (tmp_path / "record.json").touch()
    assert completed(f"vfio-wizard --check --host {tmp_path}/rec") == {f"{tmp_path}/record.json"}
    here = {path.name for path in Path("/sys/bus/pci/devices").glob("*")}
    assert completed("vfio-wizard plan --gpu ") == here


@pytest.mark.shells
def test_zsh_reads_its_file() -> None:
    output("zsh", "-n", str(ZSH))


@pytest.mark.shells
def test_fish_completes_commands_options_and_values(tmp_path: Path) -> None:
    def offered(line: str) -> set[str]:
        script = f"source {FISH}; complete -C '{line}'"
        argv = ("env", f"HOME={tmp_path}", "fish", "--no-config", "-c", script)
        return {row.partition("\t")[0] for row in output(*argv).splitlines()}

    assert offered("vfio-wizard pl") == {"plan"}
    assert offered("vfio-wizard plan --bind a") == {"auto", "address"}
    assert offered("vfio-wizard explain iommu.e") == {"iommu.enabled"}
