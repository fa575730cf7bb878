"""Write the manual page and the shell completions from the program's own parser.

.venv/bin/python -m scripts.shell_words            writes packaging/share
.venv/bin/python -m scripts.shell_words --check    only says whether it is up to date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

from vfio_wizard import __version__
from vfio_wizard.checks.registry import CHECKS
from vfio_wizard.cli.arguments import DESCRIPTION, PROGRAM, all_parsers

ROOT = Path(__file__).resolve().parent.parent
SHARE = ROOT / "packaging" / "share"

DATE = "2026-11-25"
"""The date in the head of the manual: fixed, so that the same program gives the same page."""


class Option(NamedTuple):
    """One option or operand as the parser knows it."""

    flags: tuple[str, ...]
    """Empty for an operand."""
    metavar: str
    """Empty for a switch."""
    help: str
    choices: tuple[str, ...]
    repeats: bool

    @property
    def kind(self) -> str:
        """What completes its value: ``address``, ``file``, ``id``, ``words`` or nothing."""
        if self.choices:
            return "words"
        word = self.metavar.rstrip("…").strip("[]")
        return {"ADDRESS": "address", "FILE": "file", "SOURCE": "file", "DIR": "file", "ID": "id"}.get(
            word, ""
        )


class Command(NamedTuple):
    """A command with its options; the program itself has the name ``""``."""

    name: str
    help: str
    options: tuple[Option, ...]


def commands() -> list[Command]:
    """The program itself, then each command in the order of its help."""
    return [Command(name, text, _options(parser)) for name, (text, parser) in all_parsers().items()]


def _options(parser: argparse.ArgumentParser) -> tuple[Option, ...]:
    found = []
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        takes = action.nargs != 0
        found.append(
            Option(
                flags=tuple(action.option_strings),
                metavar=_metavar(action) if takes else "",
                help=action.help or "",
                choices=tuple(str(one) for one in action.choices or ()),
                repeats=isinstance(action, argparse._AppendAction) or action.nargs == "*",
            )
        )
    return tuple(found)


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "|".join(str(one) for one in action.choices) if action.choices else action.dest.upper()


# -- the manual -----------------------------------------------------------------------------------

EXITS = (
    ("0", "nothing blocks, or it is done"),
    ("1", "a blocker failed, or it was refused, with the reason"),
    ("2", "wrong usage: an option, an address or a source that cannot be read"),
    ("3", "no blocker failed, but one could not be measured: run as root, or on another kernel"),
    ("4", "a change or its undoing stopped part way; the journal says where, and undo takes it back"),
    ("130", "interrupted; nothing is left half-written"),
)
VARIABLES = (
    ("NO_COLOR", "no colour, whatever the terminal can do"),
    ("FORCE_COLOR", "colour, also into a pipe"),
    ("VFIO_WIZARD_DEBUG", "shows where in the program an error came from"),
)
FILES = (
    ("/etc/vfio-wizard/quirks.d/*.toml", "knowledge of your own about cards, boards and parameters"),
    ("/var/lib/vfio-wizard/", "the journal of every change, with the old content of each file"),
)
EXAMPLES = (
    ("vfio-wizard --check", "what stands in the way of passthrough on this machine"),
    ("vfio-wizard groups --host listing.txt", "the groups of a machine of which there is only a listing"),
    ("vfio-wizard plan --gpu 0b:00.0", "the whole change for one card; nothing is written"),
    ("vfio-wizard export --gpu 0b:00.0 -o gpu_passthrough.nix", "the same as a NixOS module"),
)


def manual(everything: list[Command]) -> str:
    """The page vfio-wizard(1) in man's macros."""
    top, rest = everything[0], everything[1:]
    lines = [
        f'.TH VFIO-WIZARD 1 "{DATE}" "vfio-wizard {__version__}" "User Commands"',
        ".SH NAME",
        "vfio\\-wizard \\- GPU passthrough on Linux: look, explain, propose, change, prove, take back",
        ".SH SYNOPSIS",
        ".B vfio\\-wizard",
        "[\\fIOPTION\\fR]... [\\fICOMMAND\\fR [\\fIOPTION\\fR]...]",
        ".SH DESCRIPTION",
        _roff(DESCRIPTION.replace("\n", " ")),
        ".PP",
        "Looking changes nothing and needs no root. What could not be measured is said to be unknown.",
        ".SH OPTIONS",
        *_manual_options(top),
        ".SH COMMANDS",
    ]
    for command in rest:
        lines += [f".SS {_roff(PROGRAM)} {_roff(command.name)}", _roff(_sentence(command.help))]
        lines += _manual_options(command)
    for title, pairs in (("EXIT STATUS", EXITS), ("ENVIRONMENT", VARIABLES), ("FILES", FILES)):
        lines += [f".SH {title}", *(line for pair in pairs for line in _entry(*pair))]
    lines += [".SH EXAMPLES", *(line for pair in EXAMPLES for line in _entry(*pair))]
    lines += [".SH SEE ALSO", ".BR lspci (8),", ".BR virsh (1),", ".BR modprobe.d (5)"]
    return "\n".join(lines) + "\n"


def _manual_options(command: Command) -> list[str]:
    lines = []
    for one in command.options:
        names = ", ".join(f"\\fB{_roff(flag)}\\fR" for flag in one.flags)
        value = f"\\fI{_roff(one.metavar)}\\fR" if one.metavar else ""
        lines += [".TP", " ".join(word for word in (names, value) if word), _roff(_sentence(one.help))]
    return lines


def _entry(name: str, text: str) -> list[str]:
    return [".TP", f"\\fB{_roff(name)}\\fR", _roff(_sentence(text))]


def _sentence(text: str) -> str:
    text = text.strip().replace("%%", "%")
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "…")) else ".")


def _roff(text: str) -> str:
    """Escaped: a backslash, a hyphen that must stay one, a leading dot or quote."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{text}" if text.startswith((".", "'")) else text


# -- completions ----------------------------------------------------------------------------------


def _flags(command: Command) -> list[str]:
    return [flag for one in command.options for flag in one.flags]


def _valued(everything: list[Command]) -> dict[str, Option]:
    """Options with a value, by flag; the same flag has the same kind of value in every command."""
    found: dict[str, Option] = {}
    for command in everything:
        for one in command.options:
            for flag in one.flags:
                if one.metavar:
                    found.setdefault(flag, one)
    return dict(sorted(found.items()))


def bash(everything: list[Command]) -> str:
    """bash-completion: commands, their options, and values by their kind."""
    names = [one.name for one in everything if one.name]
    ids = " ".join(check.id for check in CHECKS)
    cases = []
    for flag, one in _valued(everything).items():
        action = {
            "address": "mapfile -t COMPREPLY < <(compgen -W '$(_vfio_wizard_addresses)' -- \"$current\")",
            "file": 'mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames 2>/dev/null',
            "id": f"mapfile -t COMPREPLY < <(compgen -W '{ids}' -- \"$current\")",
            "words": f"mapfile -t COMPREPLY < <(compgen -W '{' '.join(one.choices)}' -- \"$current\")",
            "": ":",
        }[one.kind]
        cases.append(f"        {flag}) {action}; return ;;")
    options = [f"        {one.name or chr(39) * 2}) words='{' '.join(_flags(one))}' ;;" for one in everything]
    operands = [
        f"        {one.name}) {_bash_operand(one, ids)} ;;"
        for one in everything
        if one.name and _operand(one)
    ]
    return "\n".join(
        [
            f"# Completion of {PROGRAM} in bash. Made by scripts/shell_words.py.",
            "_vfio_wizard_addresses() {",
            "    local place",
            "    for place in /sys/bus/pci/devices/*; do printf '%s\\n' \"${place##*/}\"; done",
            "}",
            "",
            "_vfio_wizard() {",
            "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}",
            "    local command='' words='' word",
            "    # readline breaks words at colons, of which addresses are full",
            "    if declare -F _get_comp_words_by_ref >/dev/null; then",
            "        _get_comp_words_by_ref -n : -c current -p previous",
            "    fi",
            "    COMPREPLY=()",
            '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            f"        case $word in {'|'.join(names)}) command=$word; break ;; esac",
            "    done",
            "    case $previous in",
            *cases,
            "    esac",
            "    case $command in",
            *options,
            "    esac",
            "    if [[ $current != -* ]]; then",
            "        case $command in",
            *(f"    {line}" for line in operands),
            f"            '') words=\"$words {' '.join(names)}\" ;;",
            "        esac",
            "    fi",
            '    [[ ${#COMPREPLY[@]} -gt 0 ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
            "    if declare -F __ltrim_colon_completions >/dev/null; then",
            '        __ltrim_colon_completions "$current"',
            "    fi",
            "}",
            f"complete -F _vfio_wizard {PROGRAM}",
            "",
        ]
    )


def _operand(command: Command) -> Option | None:
    return next((one for one in command.options if not one.flags), None)


def _bash_operand(command: Command, ids: str) -> str:
    one = _operand(command)
    kind = one.kind if one else ""
    if kind == "file":
        return 'mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames 2>/dev/null'
    if kind == "id":
        return f"words='{ids}'"
    return f"words='{' '.join(one.choices)}'" if one and one.choices else ":"


def zsh(everything: list[Command]) -> str:
    """zsh: one _arguments call for each command."""
    top, rest = everything[0], everything[1:]
    lines = [f"#compdef {PROGRAM}", f"# Completion of {PROGRAM} in zsh. Made by scripts/shell_words.py.", ""]
    lines += ["_vfio_wizard_addresses() {", "    local -a places=(/sys/bus/pci/devices/*(N:t))"]
    lines += ["    compadd -a places", "}", ""]
    lines += ["_vfio_wizard_ids() {", f"    compadd {' '.join(check.id for check in CHECKS)}", "}", ""]
    lines += ["_vfio_wizard() {", "    local -a commands=("]
    lines += [f"        {_quoted(f'{one.name}:{one.help}')}" for one in rest]
    lines += ["    )", "    local context state line", "    typeset -A opt_args", "    _arguments -C \\"]
    lines += [f"        {spec} \\" for one in top.options for spec in _zsh_specs(one)]
    lines += ["        '1: :->command' '*:: :->words'", "    case $state in"]
    lines += ["    command) _describe command commands ;;", "    words)", "        case $line[1] in"]
    for command in rest:
        specs = [spec for one in command.options for spec in _zsh_specs(one)]
        lines.append(f"        {command.name}) _arguments {' '.join(specs)} ;;")
    return "\n".join([*lines, "        esac ;;", "    esac", "}", "", '_vfio_wizard "$@"', ""])


_ZSH_KINDS = {"address": "_vfio_wizard_addresses", "file": "_files", "id": "_vfio_wizard_ids", "": " "}


def _zsh_specs(one: Option) -> list[str]:
    action = f"({' '.join(one.choices)})" if one.choices else _ZSH_KINDS[one.kind]
    value = f":{_zsh_text(one.metavar)}:{action}" if one.metavar else ""
    if not one.flags:
        return [_quoted(f"{'*' if one.repeats else ''}{value}")]
    star = "*" if one.repeats else ""
    return [_quoted(f"{star}{flag}[{_zsh_text(one.help)}]{value}") for flag in one.flags]


def _zsh_text(text: str) -> str:
    return text.replace("[", "\\[").replace("]", "\\]").replace(":", "\\:").replace("%%", "%")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish(everything: list[Command]) -> str:
    """fish: one complete line for each option of each command."""
    names = " ".join(one.name for one in everything if one.name)
    lines = [
        f"# Completion of {PROGRAM} in fish. Made by scripts/shell_words.py.",
        f"complete -c {PROGRAM} -f",
    ]
    lines += ["function __vfio_wizard_addresses", "    for place in /sys/bus/pci/devices/*"]
    lines += ["        string replace -r '.*/' '' -- $place", "    end", "end"]
    free = f"not __fish_seen_subcommand_from {names}"
    for command in everything:
        when = f"__fish_seen_subcommand_from {command.name}" if command.name else free
        if command.name:
            lines.append(
                f"complete -c {PROGRAM} -n {_quoted(free)} -a {command.name} -d {_quoted(command.help)}"
            )
        lines += [_fish_line(one, when) for one in command.options]
    return "\n".join([*lines, ""])


def _fish_line(one: Option, when: str) -> str:
    words = [f"complete -c {PROGRAM} -n {_quoted(when)}"]
    words += [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in one.flags]
    if one.metavar:
        words.append(
            {"file": "-F", "address": "-x -a '(__vfio_wizard_addresses)'"}.get(one.kind, "")
            or _fish_words(one)
        )
    if not one.flags:
        words = [word.replace("-x ", "") for word in words]
    return " ".join([*(word for word in words if word), f"-d {_quoted(one.help.replace('%%', '%'))}"])


def _fish_words(one: Option) -> str:
    choices = one.choices or (tuple(check.id for check in CHECKS) if one.kind == "id" else ())
    return f"-x -a {_quoted(' '.join(choices))}" if choices else "-x"


def pages() -> dict[Path, str]:
    """Every generated file with its text."""
    everything = commands()
    return {
        SHARE / "man/man1/vfio-wizard.1": manual(everything),
        SHARE / "bash-completion/completions/vfio-wizard": bash(everything),
        SHARE / "zsh/site-functions/_vfio-wizard": zsh(everything),
        SHARE / "fish/vendor_completions.d/vfio-wizard.fish": fish(everything),
    }


def main() -> int:
    """Write the files; with ``--check`` only say whether they are up to date."""
    stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text() != text}
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date: run make docs", file=sys.stderr)
        return int(bool(stale))
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
