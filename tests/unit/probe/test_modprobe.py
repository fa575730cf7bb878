from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probe.boot_trees import Tree
from vfio_wizard.model.facts import ModprobeConfig
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.modprobe import parse_modprobe, read_modprobe


def read(tree: Tree) -> ModprobeConfig:
    found = read_modprobe(tree.host)
    assert isinstance(found, ModprobeConfig)
    return found


def test_dash_and_underscore_name_the_same_module(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put(
        "etc/modprobe.d/vfio.conf", "# ids\n\noptions vfio-pci ids=1002:731f disable_vga=1\n"
    )
    (line,) = read(tree).options("vfio_pci")
    assert line.origin == "etc/modprobe.d/vfio.conf:3"
    assert line.rest == "ids=1002:731f disable_vga=1"
    assert read(tree).options("vfio-pci") == (line,)


def test_a_file_in_etc_hides_the_one_of_the_same_name_in_usr(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put("usr/lib/modprobe.d/gpu.conf", "blacklist nouveau\n")
    assert read(tree).blacklisted("nouveau")
    tree.put("etc/modprobe.d/gpu.conf", "# nothing\n")
    assert read(tree).lines == ()


def test_files_are_read_by_their_names_whatever_folder_they_are_in(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .put("etc/modprobe.d/b.conf", "blacklist two\n")
        .put("lib/modprobe.d/c.conf", "blacklist three\n")
    )
    tree.put("usr/local/lib/modprobe.d/a.conf", "blacklist one\n").put(
        "run/modprobe.d/d.conf", "blacklist four\n"
    )
    assert [line.module for line in read(tree).lines] == ["one", "two", "three", "four"]


def test_only_conf_files_count(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .put("etc/modprobe.d/vfio.conf.bak", "blacklist amdgpu\n")
        .put("etc/modprobe.d/README", "x y\n")
    )
    assert read(tree).lines == ()


def test_continued_lines_are_one_and_keep_the_number_of_the_first(tmp_path: Path) -> None:
    text = "softdep amdgpu \\\n  pre: vfio-pci\n# comment \\\nblacklist hidden\nblacklist radeon"
    found = list(parse_modprobe("etc/modprobe.d/x.conf", text))
    assert [(line.origin, line.command, line.module, line.rest) for line in found] == [
        ("etc/modprobe.d/x.conf:1", "softdep", "amdgpu", "pre: vfio-pci"),
        ("etc/modprobe.d/x.conf:5", "blacklist", "radeon", ""),
    ]


def test_a_file_from_windows_keeps_its_values_clean() -> None:
    (line,) = parse_modprobe("etc/modprobe.d/x.conf", "options vfio-pci ids=1002:731f\r\n")
    assert line.rest == "ids=1002:731f"


def test_a_closed_file_leaves_the_whole_unread(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path).put("etc/modprobe.d/a.conf", "blacklist one\n").put("etc/modprobe.d/secret.conf", "x")
    )
    found = read_modprobe(tree.closed("etc/modprobe.d/secret.conf"))
    assert isinstance(found, Unread)
    assert found.gap is Gap.DENIED


def test_a_mask_and_a_folder_and_a_dead_link_hold_no_lines(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .put("usr/lib/modprobe.d/gpu.conf", "blacklist nouveau\n")
        .folder("etc/modprobe.d/odd.conf")
    )
    (tmp_path / "etc/modprobe.d/gpu.conf").symlink_to("/dev/null")
    assert read(tree).lines == ()


def test_a_root_without_any_folder_tells_nothing_and_one_with_etc_tells_of_none(tmp_path: Path) -> None:
    assert isinstance(read_modprobe(Tree(tmp_path).host), Unread)
    assert read(Tree(tmp_path).folder("etc")).lines == ()


def test_a_huge_file_is_malformed_and_no_traceback(tmp_path: Path) -> None:
    found = read_modprobe(Tree(tmp_path).put("etc/modprobe.d/a.conf", b"x" * (2 << 20)).host)
    assert isinstance(found, Unread)
    assert found.gap is Gap.MALFORMED


@given(st.text())
def test_any_text_gives_lines_of_known_commands_in_order(text: str) -> None:
    found = list(parse_modprobe("f", text))
    numbers = [int(line.origin.rpartition(":")[2]) for line in found]
    assert numbers == sorted(set(numbers))
    assert all(line.module and "-" not in line.module for line in found)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["options", "softdep", "blacklist"]),
            st.from_regex(r"[a-z][a-z_]*", fullmatch=True),
        )
    )
)
def test_written_lines_come_back(lines: list[tuple[str, str]]) -> None:
    text = "\n".join(f"  {command}\t{module.replace('_', '-')} " for command, module in lines)
    assert [(line.command, line.module) for line in parse_modprobe("f", text)] == lines
