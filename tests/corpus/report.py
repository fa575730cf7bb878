"""The page of results on the recorded machines, out of the same tables that the tests use."""

from __future__ import annotations

import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.corpus.differences import DIFFERENCES
from tests.corpus.machines import TREE, Recorded, machines
from tests.corpus.outcomes import STORIES, UNTOLD, Story
from tests.unpacking import unpack
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Status
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.text.read import read_texts
from vfio_wizard.report.groups_json import groups_json
from vfio_wizard.system.host import RootHost

Json = dict[str, Any]

SAME, OPEN, SILENT, OTHER = "agree", "both open", "not told", "differ"
COLUMNS = (SAME, OPEN, SILENT, OTHER)


DENIABLE = (
    *("iommu.enabled", "gpu.present", "gpu.spare", "group.isolated", "gpu.twins", "gpu.boot-display"),
    *("gpu.host-driver", "vfio.bound", "acs.override"),
)
"""Checks whose answers the careful reading can deny (test_outcomes)."""


class Looked(NamedTuple):
    """One state of a machine, as read by hand and by the program."""

    machine: Recorded
    facts: HostFacts
    seen: Json


def look() -> list[Looked]:
    """Every state of every machine through the program."""
    found = []
    for machine in machines():
        facts = _facts(machine)
        found.append(Looked(machine, facts, groups_json(facts, {})))
    return found


def _facts(machine: Recorded) -> HostFacts:
    if machine.data != TREE:
        return read_texts(machine.parts)
    archive = next(path for path in machine.files if path.suffix == ".bz2")
    with tempfile.TemporaryDirectory() as place, tarfile.open(archive) as packed:
        unpack(packed, Path(place), "tar")
        root = next(path.parent for path in sorted(Path(place).rglob("sys")) if (path / "bus").is_dir())
        return gather(RootHost(str(root)))


# --- agreement by field -------------------------------------------------------------------------------


def _same(told: Any, wanted: Any) -> str:
    if told == wanted:
        return OPEN if wanted is None else SAME
    return SILENT if told is None or told == [] else OTHER


def _fields(looked: Looked) -> Iterator[tuple[str, str]]:
    """(field, agreement) for every card of one state."""
    cards = {card["address"]: card for card in looked.seen["gpus"]}
    functions = {one["address"]: one for one in looked.seen["functions"]}
    for gpu in looked.machine.truth["gpus"]:
        card = cards.get(gpu["bdf"])
        if card is None:
            yield "the card is found", SILENT
            continue
        yield "the card is found", SAME
        own = [one["bdf"] for one in gpu["must_pass_together"]]
        yield "its type", _same(card["type"], gpu["kind"])
        yield "its functions", _same(sorted(card["functions"]), sorted(own))
        yield "its group", _same(card["group"], gpu["iommu_group"])
        yield "what else is in its group", _others(card, gpu)
        yield "isolated", _same(card["isolated"], gpu["isolated"])
        yield (
            "twins",
            _same(card["twins"], sorted({to for one in gpu["ids_shared_with"].values() for to in one})),
        )
        yield "boot display", _same(card["boot_vga"], gpu["boot_vga"])
        for one in gpu["must_pass_together"]:
            yield from _function(functions[one["bdf"]], one)


def _others(card: Json, gpu: Json) -> str:
    if gpu["iommu_group"] is None or card["group"] is None:
        return _same(card["group"], gpu["iommu_group"])
    return _same(card["shares_with"], sorted(one["bdf"] for one in gpu["group_other_devices"]))


def _function(told: Json, read: Json) -> Iterator[tuple[str, str]]:
    ids = f"{told['vendor_id']}:{told['device_id']}" if told["vendor_id"] else None
    yield "ids of each function", _same(ids, read["id"])
    yield "class of each function", _same(told["class"] and told["class"][:4], read["class"])
    if read["driver"] != "not shown":
        unread = "driver" in told["unread"]
        yield "driver of each function", SILENT if unread else _same(told["driver"], read["driver"])


def agreement(all_looked: list[Looked]) -> dict[str, Counter[str]]:
    """By field, how often program and person agree."""
    counts: dict[str, Counter[str]] = {}
    for looked in all_looked:
        for field, how in _fields(looked):
            counts.setdefault(field, Counter())[how] += 1
        if looked.machine.truth["groups_total"]:
            told = {str(one["number"]): one["functions"] for one in looked.seen["groups"] or []}
            wanted = {number: sorted(list_) for number, list_ in looked.machine.truth["groups"].items()}
            how = SAME if {k: sorted(v) for k, v in told.items()} == wanted else SILENT if not told else OTHER
            counts.setdefault("the whole grouping of a machine", Counter())[how] += 1
    return counts


# --- the page -----------------------------------------------------------------------------------------


def page() -> str:
    """The whole page as markdown."""
    looked = look()
    return "\n".join((*_head(looked), *_agreement(looked), *_outcomes(looked), *_differences(), *_silent()))


def _head(looked: list[Looked]) -> Iterator[str]:
    names = {one.machine.name.partition(":")[0] for one in looked}
    cards = Counter(gpu["kind"] for one in looked for gpu in one.machine.truth["gpus"])
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(cards.items()))
    functions = sum(len(one.seen["functions"]) for one in looked)
    yield "# Real machines"
    yield ""
    yield "<!-- generated: python -m scripts.corpus_page -->"
    yield ""
    yield (
        f"{len(names)} machines in {len(looked)} states, recorded by their owners (listings, reports, logs, "
        "udev exports, a sysfs tree) and read by a person before the program existed. The files are "
        "reference data beside the project and no part of it; the tests are in `tests/corpus`."
    )
    yield ""
    yield (
        f"In them: {sum(cards.values())} display devices ({kinds}) and {functions} PCI functions. All "
        f"{len(looked)} states are read without a fault, by every command."
    )
    yield ""


def _agreement(looked: list[Looked]) -> Iterator[str]:
    yield "## Program and person, field by field"
    yield ""
    yield (
        "*Both open*: neither the person nor the program could tell. *Not told*: the program leaves open "
        "what a person deduced, because the files do not show it as a whole. *Differ* would be a wrong "
        "statement."
    )
    yield ""
    yield f"| field | {' | '.join(COLUMNS)} |"
    yield "|---|" + "--:|" * len(COLUMNS)
    for field, counts in agreement(looked).items():
        yield f"| {field} | {' | '.join(str(counts[column]) for column in COLUMNS)} |"
    yield ""


def _outcomes(looked: list[Looked]) -> Iterator[str]:
    expected = sum(len(story.expected) for story in STORIES)
    statuses = _statuses(looked)
    yield "## What the owners met, and what they would have been told"
    yield ""
    yield (
        f"{len(STORIES)} states have an outcome told by the owner. For these {expected} findings were "
        f"written down before the program was run: {expected - len(DIFFERENCES)} came as expected, "
        f"{len(DIFFERENCES)} stay unknown for a reason (below), none says the opposite."
    )
    yield ""
    yield (
        f"Over all states, of the findings that the careful reading could deny "
        f"({', '.join(f'`{name}`' for name in DENIABLE)}) {statuses[Status.PASS]} pass, "
        f"{statuses[Status.FAIL]} fail and {statuses[Status.UNKNOWN]} are unknown; no pass and no failure is "
        "denied."
    )
    yield ""
    yield "| machine | outcome | in short | findings beforehand |"
    yield "|---|---|---|---|"
    for story in STORIES:
        yield f"| {story.machine} | {story.outcome} | {story.told} | {_findings(story)} |"
    yield ""


def _statuses(looked: list[Looked]) -> Counter[Status]:
    """Over all states, with every card selected that is not a management chip's."""
    counts: Counter[Status] = Counter()
    for one in looked:
        shown = {card["address"] for card in one.seen["gpus"]}
        kinds = ("discrete", "integrated", "vf")
        chosen = [
            gpu["bdf"] for gpu in one.machine.truth["gpus"] if gpu["kind"] in kinds and gpu["bdf"] in shown
        ]
        counts.update(
            finding.outcome.status
            for finding in run_checks(one.facts, tuple(map(PciAddress.parse, chosen)), DENIABLE)
        )
    return counts


def _findings(story: Story) -> str:
    words = []
    for check, about, status in story.expected:
        told = DIFFERENCES.get((story.machine, check, about), (status, ""))[0]
        place = f" {about.removeprefix('0000:')}" if about else ""
        words.append(f"`{check}`{place} {told}" + ("*" if told != status else ""))
    return ", ".join(words)


def _differences() -> Iterator[str]:
    yield "\\* differs from what was expected:"
    yield ""
    reasons: dict[str, list[str]] = {}
    for (machine, check, _), (_, reason) in DIFFERENCES.items():
        reasons.setdefault(reason, []).append(f"{machine} (`{check}`)")
    for reason, places in reasons.items():
        yield f"- {', '.join(places)}: {reason}."
    yield ""


def _silent() -> Iterator[str]:
    yield "Outcomes to which no finding could be asked of the files:"
    yield ""
    for machine, reason in UNTOLD.items():
        yield f"- {machine}: {reason}."
    yield ""
