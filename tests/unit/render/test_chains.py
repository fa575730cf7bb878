"""Each boot chain from its files to the next boot: planned, carried out in a root, read again, planned again.

``UPDATE_GOLDEN=1`` writes the reviewed texts anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.conftest import in_ci
from tests.published import validator
from tests.unit.render.roots import CARD, ROOTS, SOUND, TWIN, TWIN_SOUND, Root
from vfio_wizard.apply import allowed
from vfio_wizard.knowledge.bootchain import WAY_BACK
from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.plan import Action, Plan, Stage
from vfio_wizard.model.selection import Selection
from vfio_wizard.planning.parameters import next_line
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.planning.plan_json import plan_json
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.originals import read_originals
from vfio_wizard.render.edit import root_words
from vfio_wizard.render.outcome import Rendered
from vfio_wizard.render.registry import for_host
from vfio_wizard.report.plan_text import plan_text

GOLDEN = Path(__file__).parent / "golden"
IDS = "vfio-pci.ids=10de:2484,10de:228b"
Build = Callable[[Path], Root]
EACH = pytest.mark.parametrize("build", ROOTS, ids=lambda build: build.__name__)


def chosen(*allowed: str) -> Selection:
    return Selection((PciAddress.parse(CARD),), allow=allowed)


def look(root: Root) -> HostFacts:
    return gather(root.host)


def planned(root: Root) -> tuple[Plan, Rendered]:
    facts = look(root)
    plan = make_plan(facts, chosen())
    return plan, for_host(plan, read_originals(root.host, facts), tool_version="1")


def carry_out(root: Root, found: Rendered) -> None:
    """Stage by stage: the files of a stage, then its commands, as apply does."""
    for stage in Stage:
        for one in found.artifacts:
            if one.stage is not stage:
                continue
            path = one.path.lstrip("/")
            assert root.has(path) is (one.action is Action.REPLACE), f"{one.action}: {path}"
            root.put(path, one.text)
        for run in found.commands:
            if run.stage is stage:
                root.run(run.argv)


def snapshot(root: Root) -> dict[str, bytes]:
    return {
        str(path.relative_to(root.place)): path.read_bytes()
        for path in sorted(root.place.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and not str(path.relative_to(root.place)).startswith("sys/")
    }


def drivers_of(root: Root, driver: str) -> None:
    root.card(CARD, SOUND, 5, driver)


@EACH
def test_the_next_boot_has_the_words_and_keeps_its_root(build: Build, tmp_path: Path) -> None:
    root = build(tmp_path)
    before = next_line(look(root))
    plan, found = planned(root)
    assert plan.missing(), "the machine must need something"
    carry_out(root, found)
    after = next_line(look(root))
    if not root.zfs:
        assert IDS in after.words
        assert set(root_words(before)) <= set(after.words)
    assert not any("iommu=off" in word for word in after.words)


@EACH
def test_planning_again_changes_nothing(build: Build, tmp_path: Path) -> None:
    root = build(tmp_path)
    carry_out(root, planned(root)[1])
    if root.zfs:
        root.running(f"root=zfs:zroot/ROOT/void {root.zfs.split(chr(9))[-2]}")
    again = planned(root)[1]
    assert (again.artifacts, again.commands) == ((), ())


@EACH
def test_after_the_restart_the_host_matches(build: Build, tmp_path: Path) -> None:
    root = build(tmp_path)
    carry_out(root, planned(root)[1])
    if root.zfs:
        root.running(f"root=zfs:zroot/ROOT/void {root.zfs.split(chr(9))[-2]}")
    drivers_of(root, "vfio-pci")
    plan, again = planned(root)
    assert plan.settled
    assert again == Rendered()


@EACH
def test_commands_write_no_more_than_they_say(build: Build, tmp_path: Path) -> None:
    """What the tools of this root write is among the paths that undo will put back."""
    root = build(tmp_path)
    _, found = planned(root)
    written = {one.path.lstrip("/") for one in found.artifacts}
    patterns = [pattern.split("/") for run in found.commands for pattern in run.makes]
    before = snapshot(root)
    carry_out(root, found)
    after = snapshot(root)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    lasting = {path for path in changed if not path.startswith("proc/")}
    if any(run.argv[0] == "rpm-ostree" for run in found.commands):
        lasting = {path for path in lasting if not path.startswith("boot/loader/entries/ostree")}
    for path in lasting - written:
        parts = path.split("/")
        assert any(len(parts) == len(one) and all(map(fnmatchcase, parts, one)) for one in patterns), (
            f"{path} is written and would not be put back"
        )


@EACH
def test_all_of_it_is_among_what_root_may_change(build: Build, tmp_path: Path) -> None:
    root = build(tmp_path)
    for one in planned(root)[1].artifacts:
        assert allowed.is_target(one.path.lstrip("/")), one.path
    for run in planned(root)[1].commands:
        assert all(allowed.is_command(argv) for argv in (run.argv, *run.undo)), run.shown


@EACH
def test_there_is_a_way_back_and_it_is_clean(build: Build, tmp_path: Path) -> None:
    root = build(tmp_path)
    _, found = planned(root)
    assert found.ways_back
    carry_out(root, found)
    copies = [path for path in snapshot(root) if WAY_BACK in path]
    for path in copies:
        assert IDS not in root.text(path)
        assert "vfio" not in root.text(path).replace(WAY_BACK, "")


@EACH
def test_a_second_card_joins_the_first(build: Build, tmp_path: Path) -> None:
    """What stands in a file of ours is kept when more is planned; the ids move into one word."""
    root = build(tmp_path)
    root.tree.pci("0000:03:00.0", vendor=0x1B73, device=0x1100, cls=0x0C0330, driver="xhci_hcd", group=9)
    carry_out(root, planned(root)[1])
    if root.zfs:
        root.running(f"root=zfs:zroot/ROOT/void {root.zfs.split(chr(9))[-2]}")
    drivers_of(root, "vfio-pci")
    facts = look(root)
    more = Selection((PciAddress.parse(CARD),), also=(PciAddress.parse("0000:03:00.0"),))
    plan = make_plan(facts, more)
    carry_out(root, for_host(plan, read_originals(root.host, facts), tool_version="1"))
    if root.zfs:
        root.running(f"root=zfs:zroot/ROOT/void {root.zfs.split(chr(9))[-2]}")
    line = next_line(look(root))
    assert line.values("vfio-pci.ids") == ("10de:2484,10de:228b,1b73:1100",)


@EACH
def test_twins_are_bound_by_address(build: Build, tmp_path: Path) -> None:
    root = build(tmp_path).card(TWIN, TWIN_SOUND, 6)
    plan, found = planned(root)
    assert plan.by_address
    carry_out(root, found)
    if root.zfs:
        root.running(f"root=zfs:zroot/ROOT/void {root.zfs.split(chr(9))[-2]}")
    line = next_line(look(root))
    assert line.has(SWITCH)
    assert not line.values("vfio-pci.ids")
    text = root.text("etc/modprobe.d/vfio-wizard.conf")
    assert "0000:01:00.0/0x10de:0x2484 0000:01:00.1/0x10de:0x228b" in text
    assert TWIN not in "".join(one for one in text.splitlines(keepends=True) if one.startswith("install"))
    again = planned(root)[1]
    assert (again.artifacts, again.commands) == ((), ())


@EACH
def test_the_plan_is_the_one_that_was_reviewed(build: Build, tmp_path: Path) -> None:
    root = build(tmp_path)
    plan, found = planned(root)
    text = plan_text(plan, found, read_originals(root.host, look(root)), 100)
    path = GOLDEN / f"{build.__name__}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        assert not in_ci(), "goldens are reviewed by people, not written by CI"
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@EACH
def test_the_plan_as_json_keeps_its_published_form(build: Build, tmp_path: Path) -> None:
    root = build(tmp_path)
    plan, found = planned(root)
    document = plan_json(plan, *found)
    validator("vfio-wizard/plan/1").validate(document)
    assert json.loads(json.dumps(document)) == document
    files = [path for step in document["steps"] for path in step["files"]]
    assert sorted(files) == sorted(one["path"] for one in document["artifacts"])
    runs = [run["argv"] for step in document["steps"] for run in step["commands"]]
    assert sorted(runs) == sorted(document["commands"])


def test_no_golden_is_left_over() -> None:
    assert {one.stem for one in GOLDEN.glob("*.txt")} == {build.__name__ for build in ROOTS}
