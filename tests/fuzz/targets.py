"""What is fuzzed: each target takes any bytes, and fails by raising what a user would see as a traceback.

A refusal in one line (WizardError, EditError) is an answer. Beyond that, each target asserts what must hold
of its answer: edits made twice change nothing, what is shown holds no terminal escapes, what is written reads
back as the same.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.fuzz import seeds
from vfio_wizard.model.errors import WizardError

FIXTURES = Path(__file__).parents[2] / "fixtures"


class Target(NamedTuple):
    """A parser: what runs it, what it usually reads, and words that matter to it."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()
    weight: float = 1.0
    """Its part of all inputs, compared with the others: dear ones get fewer."""


def lenient(data: bytes) -> str:
    """As files of a machine are decoded."""
    return data.decode("utf-8", "backslashreplace")


def exact(data: bytes) -> str:
    """As files that will be edited are decoded: every byte comes back."""
    return data.decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """A refusal is an answer."""
    from vfio_wizard.lint.xmltree import Refused  # noqa: PLC0415 - so that the fuzzer sees what is imported
    from vfio_wizard.render.edit import EditError  # noqa: PLC0415

    with contextlib.suppress(WizardError, EditError, Refused):
        yield


def harmless(text: str) -> None:
    """What may go to a terminal."""
    from vfio_wizard.report.clean import clean  # noqa: PLC0415

    assert all(clean(line) == line for line in text.split("\n")), "something that a terminal would obey"


# -- texts of machines ----------------------------------------------------------------------------


def run_text(data: bytes) -> None:
    """Pasted text, to findings on the screen."""
    from vfio_wizard.probe.text.read import read_texts  # noqa: PLC0415

    with refusals():
        judged(read_texts([("pasted", lenient(data))]))


def judged(facts: Any) -> None:
    """All that is made of facts: findings, groups, a prediction's input, the picture of the cores."""
    from vfio_wizard.checks.check import situation  # noqa: PLC0415
    from vfio_wizard.checks.registry import CHECKS, run_checks  # noqa: PLC0415
    from vfio_wizard.planning.pinning import pin  # noqa: PLC0415
    from vfio_wizard.report.check_json import check_json  # noqa: PLC0415
    from vfio_wizard.report.check_text import check_text  # noqa: PLC0415
    from vfio_wizard.report.cores_text import cores_text  # noqa: PLC0415
    from vfio_wizard.report.groups_json import groups_json  # noqa: PLC0415
    from vfio_wizard.report.groups_text import groups_text  # noqa: PLC0415

    case = situation(facts, ())
    for check in CHECKS:
        tuple(check.run(case))  # not through the registry, which would turn a fault into a finding
    findings = run_checks(facts)
    names: dict[Any, str] = {}
    harmless(check_text(facts, findings, names, width=80, colour=False, verbose=True))
    harmless(groups_text(facts, names, 80))
    harmless(cores_text(facts.cpu, None))
    pin(facts.cpu, None)
    json.dumps([check_json(facts, findings), groups_json(facts, names)], allow_nan=False)


def run_facter(data: bytes) -> None:
    """A report of nixos-facter."""
    from vfio_wizard.probe.text.facter import read  # noqa: PLC0415

    with refusals():
        facts = read(lenient(data), "facter.json")
        if facts is not None:
            judged(facts)


def run_capture(data: bytes) -> None:
    """A capture that somebody sent, to the facts in it."""
    from vfio_wizard.probe.gather import gather  # noqa: PLC0415
    from vfio_wizard.system.capture import CaptureHost  # noqa: PLC0415

    with refusals():
        judged(gather(CaptureHost.parse(lenient(data), "host.json")))


@lru_cache
def _fixture() -> tuple[str, dict[str, Any], list[tuple[str, str]]]:
    text = (FIXTURES / "lab-6.12-no-card" / "host.json").read_text()
    document: dict[str, Any] = json.loads(text)
    places = [
        (part, key) for part in ("files", "links", "commands", "lines") for key in document.get(part, {})
    ]
    return text, document, places


def run_answer(data: bytes) -> None:
    """One answer of a machine replaced: the first two bytes say which, the others are what it says."""
    from vfio_wizard.probe.gather import gather  # noqa: PLC0415
    from vfio_wizard.system.capture import CaptureHost  # noqa: PLC0415

    _, document, places = _fixture()
    part, key = places[int.from_bytes(data[:2], "little") % len(places)]
    changed = {**document, part: {**document[part], key: _like(document[part][key], lenient(data[2:]))}}
    with refusals():
        judged(gather(CaptureHost.parse(json.dumps(changed), "host.json")))


def _like(before: Any, text: str) -> Any:
    return text.split("\n") if isinstance(before, list) else text


def answer_seeds() -> list[bytes]:
    """Each file of the machine as it is."""
    _, document, places = _fixture()
    found = []
    for number, (part, key) in enumerate(places):
        value = document[part][key]
        text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        found.append(number.to_bytes(2, "little") + text.encode()[:2000])
    return found


def run_small(data: bytes) -> None:
    """The small readers of lines and lists, one after the other."""
    from vfio_wizard.model.kargs import Kargs, split_words  # noqa: PLC0415
    from vfio_wizard.model.pci import PciAddress, PciId  # noqa: PLC0415
    from vfio_wizard.model.version import kernel_version, release  # noqa: PLC0415
    from vfio_wizard.planning.cpus import parse_cpu_list  # noqa: PLC0415
    from vfio_wizard.probe.acs import parse_acs  # noqa: PLC0415
    from vfio_wizard.probe.boot import parse_os_release  # noqa: PLC0415
    from vfio_wizard.probe.configured import parse_kernelstub, without_comments  # noqa: PLC0415
    from vfio_wizard.probe.firmware import efi_text  # noqa: PLC0415
    from vfio_wizard.probe.modprobe import parse_modprobe  # noqa: PLC0415
    from vfio_wizard.probe.numbers import cpu_list, from_decimal, from_hex  # noqa: PLC0415
    from vfio_wizard.probe.virt import library_version, parse_groups  # noqa: PLC0415
    from vfio_wizard.report.clean import clean  # noqa: PLC0415
    from vfio_wizard.report.wrap import wrap  # noqa: PLC0415

    text = lenient(data)
    assert tuple(Kargs.parse(text).words) == split_words(text)
    parse_acs(data)
    efi_text("sys/firmware/efi/efivars/LoaderInfo-x", data)
    parse_os_release("etc/os-release", text)
    parse_kernelstub("etc/kernelstub/configuration", text)
    without_comments(text)
    tuple(parse_modprobe("etc/modprobe.d/x.conf", text))
    parse_groups(text)
    library_version(text)
    cpu_list(text), from_decimal(text), from_hex(text, 8)
    kernel_version(text), release(text)
    for parse in (PciAddress.parse, PciId.parse):
        with contextlib.suppress(ValueError):
            str(parse(text))
    with refusals():
        parse_cpu_list(text)
    assert all(len(line) <= 80 for line in wrap(clean(text), 80))


def run_rom(data: bytes) -> None:
    """A PCI ROM, to its verdict on the screen."""
    from tests.rom_builder import CARD  # noqa: PLC0415
    from vfio_wizard.model.rom import parse_rom  # noqa: PLC0415
    from vfio_wizard.planning.rom import judge  # noqa: PLC0415
    from vfio_wizard.probe.roms import copy_of  # noqa: PLC0415
    from vfio_wizard.report.rom_json import rom_json  # noqa: PLC0415
    from vfio_wizard.report.rom_text import rom_text  # noqa: PLC0415

    for card in (None, CARD):
        rom = parse_rom(data, card)
        verdict = judge(rom, card)
        assert rom.end <= len(data)
        harmless(rom_text("x.rom", rom, verdict))
        json.dumps(rom_json(rom, verdict, card))
    tuple(copy_of("x.rom", data))


def run_image(data: bytes) -> None:
    """An initramfs image or a unified kernel image, of any packing."""
    from vfio_wizard.model.unread import Unread  # noqa: PLC0415
    from vfio_wizard.system.archive.budget import Budget  # noqa: PLC0415
    from vfio_wizard.system.archive.image import image_text  # noqa: PLC0415

    handle = os.memfd_create("image")
    try:
        os.write(handle, data)
        told = image_text(handle, "boot/initrd", Budget(work=64 << 20, seconds=2.0))
    finally:
        os.close(handle)
    if not isinstance(told, Unread):
        json.loads(told)


# -- what the program or its user wrote -------------------------------------------------------------


def run_answers(data: bytes) -> None:
    """Answers read, written and read again."""
    from vfio_wizard.planning.answers import parse, print_answers  # noqa: PLC0415

    with refusals():
        selection = parse(lenient(data))
        assert parse(print_answers(selection)) == selection


def run_knowledge(data: bytes) -> None:
    """The user's own rows of knowledge."""
    from vfio_wizard.knowledge.own import read_own  # noqa: PLC0415

    own = read_own((("etc/vfio-wizard/quirks.d/mine.toml", lenient(data)),))
    assert own.entries >= 0


def run_handed(data: bytes) -> None:
    """A plan that an ordinary user hands to root, and what apply leaves for verify."""
    from vfio_wizard.apply.planfile import parse  # noqa: PLC0415
    from vfio_wizard.planning.answers import parse as parse_answers  # noqa: PLC0415
    from vfio_wizard.probe.applied import PATH, read_applied  # noqa: PLC0415
    from vfio_wizard.system.capture import SCHEMA, CaptureHost  # noqa: PLC0415

    with refusals():
        parse_answers(parse(data).answers)
    record = json.dumps({"schema": SCHEMA, "files": {PATH: lenient(data)}})
    with refusals():
        read_applied(CaptureHost.parse(record, "host.json"))


class _OneFile:
    """A disk that has one file, whatever it is called."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def look(self, _path: str) -> bool:
        """It is there."""
        return True

    def read(self, _path: str) -> bytes:
        """All of it."""
        return self.content


def run_journal(data: bytes) -> None:
    """The journal of a change, which undo reads after a power cut."""
    from vfio_wizard.apply.journal import read  # noqa: PLC0415

    disk: Any = _OneFile(data)
    with refusals():
        found = read(disk, 1, "var/lib/vfio-wizard/transactions/1")
        json.dumps([found.patterns, [run.argv for run in found.interrupted]])


def run_log(data: bytes) -> None:
    """Records of the kernel log, as the device hands them out, one a read."""
    from vfio_wizard.system.kmsg import first_lines  # noqa: PLC0415

    records = iter(data.split(b"\0"))
    lines = first_lines(lambda: next(records, b""), 1 << 16)
    assert all("\n" not in line for line in lines)


def run_lint(data: bytes) -> None:
    """Configuration of any kind; the first byte says which."""
    from vfio_wizard.lint.kinds import Kind  # noqa: PLC0415
    from vfio_wizard.lint.review import Given, review  # noqa: PLC0415
    from vfio_wizard.lint.situation import Situation  # noqa: PLC0415
    from vfio_wizard.report.lint_json import lint_json  # noqa: PLC0415
    from vfio_wizard.report.lint_text import lint_text  # noqa: PLC0415

    kinds = (None, *Kind)
    kind = kinds[data[0] % len(kinds)] if data else None
    situation = Situation()
    with refusals():
        found = review([Given("file", data[1:].decode("utf-8", "replace"), kind)], situation)
        harmless(lint_text(found, situation, width=80, colour=False))
        json.dumps(lint_json(found, situation))


def lint_seeds() -> list[bytes]:
    """Each sample of a mistake, as its kind and as none."""
    from tests.unit.lint.mistakes import SAMPLES  # noqa: PLC0415
    from vfio_wizard.lint.kinds import Kind, kind_of  # noqa: PLC0415

    numbers = {kind: number for number, kind in enumerate(Kind, 1)}
    found = []
    for sample in SAMPLES:
        kind = kind_of(sample.file, sample.text)
        found.append(bytes((numbers[kind] if kind else 0,)) + sample.text.encode())
    return found


# -- editors ----------------------------------------------------------------------------------------

ADD, REMOVE = ("vfio-pci.ids=1002:731f,1002:ab38", "iommu=pt"), ("amd_iommu=on", "quiet")


def run_editors(data: bytes) -> None:
    """Editors of boot configuration: done twice is done once, and the root stays on the line."""
    from vfio_wizard.render.edit import Change, edited_command_line, edited_line  # noqa: PLC0415
    from vfio_wizard.render.entryfile import (  # noqa: PLC0415
        edited_entry,
        edited_limine,
        edited_refind,
        entry_without,
    )
    from vfio_wizard.render.shellfile import edited  # noqa: PLC0415

    text, change = exact(data), Change(ADD, REMOVE)
    editors: tuple[Callable[[str], str], ...] = (
        lambda old: edited_line(old, change),
        lambda old: edited_command_line(old, change),
        lambda old: edited_entry(old, change),
        lambda old: edited_refind(old, change),
        lambda old: edited_limine(old, change),
        lambda old: edited(old, "GRUB_CMDLINE_LINUX_DEFAULT", change),
        lambda old: edited(old, "GRUB_CMDLINE_LINUX", change),
    )
    for edit in editors:
        with refusals():
            once = edit(text)
            assert edit(once) == once, "an edit that is not done when it has been made"
            once.encode("utf-8", "surrogateescape")
    entry_without(text)


def run_domain(data: bytes) -> None:
    """A domain of libvirt's: read in three ways, edited, its edit made twice."""
    from vfio_wizard.lint.xmltree import parse_xml  # noqa: PLC0415
    from vfio_wizard.render.domain_check import problems  # noqa: PLC0415
    from vfio_wizard.render.domain_edit import edit_domain  # noqa: PLC0415
    from vfio_wizard.render.xml_diff import difference  # noqa: PLC0415
    from vfio_wizard.system.libvirt_host import read_capabilities  # noqa: PLC0415

    text = lenient(data)
    for read in (parse_xml, problems, read_capabilities):
        with refusals():
            read(text)
    with refusals():
        once = edit_domain(text, seeds.edits())
        assert edit_domain(once, seeds.edits()) == once, "an edit that is not done when it has been made"
        difference(text, once)


TARGETS: tuple[Target, ...] = (
    Target("text", run_text, seeds.texts, seeds.TEXT_WORDS, 0.6),
    Target("facter", run_facter, seeds.facter, (b'"pci"', b'"hardware"', b"null"), 0.6),
    Target(
        "capture", run_capture, seeds.captures, (b'"files"', b'"links"', b'"denied"', b"null", b"[]"), 0.3
    ),
    Target("answer", run_answer, answer_seeds, seeds.TEXT_WORDS, 0.4),
    Target("small", run_small, seeds.small, seeds.TEXT_WORDS),
    Target("rom", run_rom, seeds.roms, (b"\x55\xaa", b"PCIR", b"NVGI", b"\xf1\x0e\0\0")),
    Target(
        "image", run_image, seeds.images, (b"070701", b"TRAILER!!!", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"MZ")
    ),
    Target(
        "answers", run_answers, seeds.answers, (b"[cpus]", b"gpus", b"guest", b"[domain]", b"'''", b'"""')
    ),
    Target("knowledge", run_knowledge, seeds.knowledge, (b"[[module]]", b"[[reset]]", b"since", b"source")),
    Target("handed", run_handed, seeds.handed, (b'"answers"', b'"artifacts"', b'"commands"', b"NaN")),
    Target("journal", run_journal, seeds.journals, (b'{"step": "', b'"schema"', b"null", b"[[[[[[[["), 0.7),
    Target("log", run_log, seeds.logs, (b"6,1,0,-;", b"\0"), 0.2),
    Target("lint", run_lint, lint_seeds, seeds.TEXT_WORDS, 0.8),
    Target("editors", run_editors, seeds.boot_files, seeds.BOOT_WORDS, 1.5),
    Target("domain", run_domain, seeds.domains, seeds.XML_WORDS),
)


def target(name: str) -> Target:
    """The target of a name."""
    return next(one for one in TARGETS if one.name == name)
