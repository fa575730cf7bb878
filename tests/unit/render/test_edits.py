"""Files of others, edited: the tool that reads them finds the old words, less and plus what was asked for.

Each form is read back by its own reader: files of shell assignments by a shell, entries by the probe.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from vfio_wizard.model.kargs import Kargs, split_words
from vfio_wizard.probe.configured import parse_entry, parse_limine, parse_refind
from vfio_wizard.render.edit import (
    Change,
    EditError,
    appended,
    edited_command_line,
    edited_line,
    keep_root,
    line_words,
    root_words,
)
from vfio_wizard.render.entryfile import (
    WITHOUT,
    edited_entry,
    edited_limine,
    edited_refind,
    entry_without,
    entry_words,
)
from vfio_wizard.render.initramfs import with_block
from vfio_wizard.render.shellfile import edited, words_of

NAME = "GRUB_CMDLINE_LINUX_DEFAULT"
IDS = "vfio-pci.ids=10de:2484,10de:228b"
ADD = Change((IDS, "intel_iommu=on"), ("intel_iommu=off", "iommu=off"))


def sourced(text: str, name: str = NAME) -> tuple[str, ...]:
    """The words of a variable when a shell has read the file."""
    script = f'. /dev/stdin; printf %s "${{{name}}}"'
    done = subprocess.run(
        ["/bin/bash", "--norc", "-c", script],
        input=text.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=True,
        timeout=20,
        env={"PATH": "/usr/bin:/bin"},
    )
    return split_words(done.stdout.decode("utf-8", "surrogateescape"))


def other_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that are in one text and not in the other."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return [line for line in old if line not in new], [line for line in new if line not in old]


SHELL_FILES = {
    "double quotes": f'# head\n{NAME}="quiet splash"\nX=1\n',
    "single quotes": f"{NAME}='quiet splash' # why\nX=1\n",
    "no quotes": f"{NAME}=quiet\nX=1\n",
    "nothing": f"{NAME}=\nX=1\n",
    "empty quotes": f'{NAME}=""\n',
    "not set": "X=1\n",
    "not set, without a newline": "X=1",
    "no newline at the end": f'X=1\n{NAME}="quiet"',
    "escapes": f'{NAME}="quiet \\"a b\\" \\$x"\n',
    "parts": f"{NAME}=\"quiet\"' splash'\n",
    "nested variables": f'FOO="a b"\n{NAME}="$FOO quiet ${{FOO}}"\n',
    "several": f'{NAME}="gone"\n{NAME}="quiet splash"\n',
    "behind itself": f'{NAME}="quiet"\n{NAME}="${NAME} splash"\n',
    "added": f'{NAME}="quiet"\n{NAME}+=" splash"\n',
    "exported": f'export {NAME}="quiet"\n',
    "CRLF": f'# head\r\n{NAME}="quiet splash"\r\nX=1\r\n',
    "CRLF without quotes": f"{NAME}=quiet\r\nX=1\r\n",
    "to go": f'{NAME}="intel_iommu=off quiet"\nX=1\n',
    "to go, alone": f"{NAME}='iommu=off'\n",
    "to go, in the middle": f'{NAME}="quiet  intel_iommu=off   splash iommu=off"\n',
    "a comment that looks like it": f'#{NAME}="no"\n{NAME}="quiet"  #{NAME}="neither"\n',
    "Fedora": f'GRUB_DISTRIBUTOR="$(sed \'s, release .*$,,g\' /etc/system-release)"\n{NAME}="rhgb"\n',
    "Debian": f'D=`( . /etc/os-release; echo ${{NAME:-x}} ) 2>/dev/null || echo Debian`\n{NAME}="quiet"\n',
    "a condition about something else": f'if [ -e /x ]; then\n  Y=1\nfi\n{NAME}="quiet"\n',
    "bytes that are no UTF-8": f'# caf\udce9\n{NAME}="quiet x=\udcff"\n',
}


@pytest.mark.parametrize("text", SHELL_FILES.values(), ids=SHELL_FILES)
def test_a_shell_reads_the_words_that_were_wanted(text: str) -> None:
    new = edited(text, NAME, ADD)
    before = sourced(text)
    kept = tuple(one for one in before if one not in ADD.remove)
    assert sourced(new) == (*kept, *(one for one in ADD.add if one not in kept))
    gone, come = other_lines(text, new)
    assert len(gone) <= 1
    assert len(come) <= 2
    assert edited(new, NAME, ADD) == new


REFUSED = {
    "in a condition": f'if [ -e /x ]; then\n{NAME}="quiet"\nfi\n',
    "on one line": f'[ -e /x ] && {NAME}="quiet"\n',
    "in a function": f'f() {{\n{NAME}="quiet"\n}}\nf\n',
    "by a command": f'{NAME}="$(cat /proc/cmdline)"\n',
    "by backticks": f"{NAME}=`cat /proc/cmdline`\n",
    "over lines": f'{NAME}="quiet \\\nsplash"\n',
    "for one command": f"{NAME}=quiet ls\n",
    "a list": f"{NAME}=(quiet splash)\n",
    "no end": f'{NAME}="quiet\n',
    "here-document": f'cat <<END\n{NAME}="quiet"\nEND\n',
    "eval": f'{NAME}="quiet"\neval "$X"\n',
    "unset": f'{NAME}="quiet"\nunset {NAME}\n',
    "left early": f'exit 0\n{NAME}="quiet"\n',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(EditError):
        edited(text, NAME, ADD)


def test_a_word_inside_of_another_part_is_not_taken_for_a_word() -> None:
    """``no"iommu=off"`` is one word of the shell, which is not the one to take out."""
    text = f'{NAME}=no"iommu=off"\n'
    assert edited(text, NAME, Change((), ("iommu=off",))) == text


PLAIN = st.text(st.sampled_from("abcxyz019.,:=/_-+@%"), min_size=1, max_size=8).filter(
    lambda word: word != "--"
)
"""Words as a plan has them."""
ODD = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\n\r", exclude_categories=("Zs", "Cc")),
    min_size=1,
    max_size=6,
)


def as_double(words: list[str]) -> str:
    inside = " ".join(words)
    for char in '\\"$`':
        inside = inside.replace(char, f"\\{char}")
    return f'"{inside}"'


def as_single(words: list[str]) -> str:
    return "'" + " ".join(words).replace("'", "'\\''") + "'"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(ODD, max_size=4),
    st.lists(PLAIN, max_size=3, unique=True),
    st.sets(st.integers(0, 3)),
    st.sampled_from([as_double, as_single]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "X=1", '# it\'s "odd"']),
)
@example(["a"], ["b"], set(), as_single, "\n", "")
def test_any_words_in_any_quotes_survive(
    there: list[str], add: list[str], out: set[int], quote: Callable[[list[str]], str], end: str, behind: str
) -> None:
    assume(not any('"' in word for word in there))  # the kernel's own quotes join words
    assume(not any(Kargs((one,)).has(other) for one, other in permutations({*there, *add}, 2)))  # a and a=
    remove = [there[at] for at in sorted(out) if at < len(there)]
    text = f"# first{end}{NAME}={quote(there)}{end}{behind}"
    before = sourced(text)
    try:
        new = edited(text, NAME, Change(add, remove))
    except EditError:
        return
    kept = tuple(one for one in before if one not in remove)
    assert sourced(new) == (*kept, *(one for one in add if one not in kept and one not in remove))
    assert new.splitlines()[0] == text.splitlines()[0]
    assert new.endswith(behind)


# --- lines ------------------------------------------------------------------------------------------

ROOT = st.sampled_from(
    ["root=UUID=1", "root=ZFS=rpool/ROOT/x", "rd.luks.uuid=2", "zfs=zroot/x", "rootflags=subvol=@"]
)
LINE = st.lists(st.one_of(PLAIN, ROOT, st.just('dyndbg="file a.c +p"')), min_size=1, max_size=6)


@given(
    LINE, st.lists(PLAIN, max_size=3), st.sets(st.integers(0, 5)), st.sampled_from(["", "\n", "\r\n", "  \n"])
)
def test_a_whole_line_is_the_old_one_less_and_plus(
    there: list[str], add: list[str], out: set[int], end: str
) -> None:
    change = Change(add, [there[at] for at in out if at < len(there)])
    text = f"# the root\n{' '.join(there)}{end}"
    try:
        new = edited_command_line(text, change)
    except EditError:
        lost = set(root_words(Kargs(tuple(there)))) & set(change.remove)
        left = Change((), change.remove).of(Kargs(tuple(there))).words
        assert lost or not left
        return
    wanted = change.of(Kargs(tuple(there)))
    assert sorted(line_words(new).words) == sorted(wanted.words)
    assert new.startswith("# the root\n")
    assert new.endswith(end.lstrip())


@given(LINE, LINE)
def test_a_line_that_lost_its_root_is_refused(before: list[str], after: list[str]) -> None:
    old, new = Kargs(tuple(before)), Kargs(tuple(after))
    lost = set(root_words(old)) - set(new.kernel_words)
    if lost:
        with pytest.raises(EditError, match="may not start"):
            keep_root(old, new)
    else:
        keep_root(old, new)


def test_what_init_gets_stays_behind_the_dashes() -> None:
    assert edited_line("root=1 quiet -- single\n", Change(("a",), ("quiet",))) == "root=1 a -- single\n"
    assert edited_line("root=1 -- quiet\n", Change((), ("quiet",))) == "root=1 -- quiet\n"


def test_comments_and_the_form_of_lines_stay() -> None:
    text = "# mine\r\nroot=1\r\n  quiet   iommu=off\r\n"
    assert edited_line(text, Change(("a",), ("iommu=off",))) == "# mine\r\nroot=1\r\n  quiet a\r\n"


def test_a_file_of_comments_is_no_line() -> None:
    with pytest.raises(EditError, match="no command line"):
        edited_line("# nothing\n", Change(("a",)))


# --- entries ----------------------------------------------------------------------------------------


@given(LINE, st.lists(PLAIN, max_size=3, unique=True), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_an_entry_keeps_all_other_lines(there: list[str], add: list[str], end: str, closed: bool) -> None:
    lines = [
        "title\tA b",
        "# options no",
        "version 1",
        f"options   {' '.join(there)}",
        "linux /v",
        "initrd /i",
    ]
    text = end.join(lines) + (end if closed else "")
    new = edited_entry(text, Change(add))
    entry = parse_entry("x.conf", new)
    assert entry is not None
    assert entry_words(new) == Change(add).of(Kargs(tuple(there)))
    gone, come = other_lines(text, new)
    assert len(gone) == len(come) <= 1
    assert edited_entry(new, Change(add)) == new


def test_the_last_of_several_options_lines_takes_the_words() -> None:
    text = "linux /v\noptions root=1 iommu=off\noptions quiet iommu=off\n"
    new = edited_entry(text, ADD)
    assert new == f"linux /v\noptions root=1\noptions quiet {IDS} intel_iommu=on\n"


def test_an_entry_without_options_gets_a_line() -> None:
    assert edited_entry("linux /v", Change(("a",))) == "linux /v\noptions a\n"


def test_an_entry_with_a_variable_is_refused() -> None:
    with pytest.raises(EditError, match="variable"):
        edited_entry("linux /v\noptions $kernelopts\n", ADD)


def test_the_second_entry_sorts_last_and_says_what_it_is() -> None:
    text = "title Arch\r\nsort-key arch\r\nlinux /v\r\noptions root=1\r\n"
    assert entry_without(text) == f"title Arch ({WITHOUT})\r\nlinux /v\r\noptions root=1\r\n"
    assert entry_without("linux /v\n").startswith(f"title Linux ({WITHOUT})\n")


@given(LINE, st.lists(PLAIN, max_size=3, unique=True))
def test_refind_boots_the_new_line_and_keeps_the_old_one(there: list[str], add: list[str]) -> None:
    old = " ".join(there).replace('"', '""')
    text = f'# mine\n"Boot"   "{old}"\n"Single" "{old} single"\n'
    new = edited_refind(text, Change(add))
    assert parse_refind("x", new) == Change(add).of(Kargs.parse(" ".join(there)))
    assert new.splitlines()[2:3] == ['"Single" "' + old + ' single"']
    assert new.splitlines()[-1] == f'"Boot {WITHOUT}" "{old}"'
    assert edited_refind(new, Change(add)) == new


@given(LINE, st.lists(PLAIN, min_size=1, max_size=3, unique=True))
def test_limine_keeps_its_other_entries(there: list[str], add: list[str]) -> None:
    line = " ".join(there)
    text = f"timeout: 5\n\n/+Arch\n//Linux\nprotocol: linux\n  cmdline: {line}\n/W\nprotocol: efi\npath: x\n"
    new = edited_limine(text, Change(add))
    assert parse_limine("x", new) == Change(add).of(Kargs.parse(line))
    assert "/W\nprotocol: efi\npath: x\n" in new
    assert edited_limine(new, Change(add)) == new
    if Kargs.parse(line).words != Change(add).of(Kargs.parse(line)).words:
        assert new.endswith(f"/Linux ({WITHOUT})\nprotocol: linux\n  cmdline: {line}\n")


@pytest.mark.parametrize(
    "text",
    [
        "/Linux\nprotocol: limine\ncmdline: a\n",
        "/Linux\nprotocol: linux\n",
        "/Linux\nprotocol: linux\ncmdline: a ${X}\n",
        "TIMEOUT=5\n:Linux\nPROTOCOL=linux\nCMDLINE=a\n",
    ],
)
def test_a_limine_conf_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(EditError):
        edited_limine(text, Change(("b",)))


# --- blocks -----------------------------------------------------------------------------------------

BLOCK = "# vfio-wizard: begin\nvfio_pci\n# vfio-wizard: end\n"


@given(st.text(st.sampled_from("ab#\n"), max_size=30), st.sampled_from(["\n", "\r\n"]))
def test_a_block_comes_once_and_disturbs_nothing(text: str, end: str) -> None:
    text = text.replace("\n", end)
    new = with_block(text, BLOCK)
    assert new.startswith(text)
    assert with_block(new, BLOCK) == new
    assert new.splitlines()[-3:] == BLOCK.splitlines()


def test_a_block_is_replaced_where_it_stands() -> None:
    text = f"a\n{BLOCK}b"
    assert with_block(text, BLOCK.replace("vfio_pci", "x")) == f"a\n{BLOCK.replace('vfio_pci', 'x')}b"


def test_lines_are_added_in_the_way_of_the_file() -> None:
    assert appended("a\r\nb", "c\n") == "a\r\nb\r\nc\r\n"
    assert appended("", "c\n") == "c\n"


def test_words_are_those_of_the_last_assignment() -> None:
    assert words_of(f'{NAME}="a"\n{NAME}="${NAME} b"\n', NAME) == ("a", "b")
    assert words_of("X=1\n", NAME) == ()
