"""The cores as a picture in plain ASCII: which share a cache, and who runs where.

A column is a core with its threads below each other; a box is what shares a level-3 cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfio_wizard.model.facts import Cpu
from vfio_wizard.model.pins import HugePagePlan, PinPlan
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning.cores import Island, WholeCore, cpus_of, islands, whole_cores
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

_LABEL = "CPU"
_LEGEND = {
    ".": "the host",
    "Q": "the host, and QEMU's own work",
    "D": "the host, and the guest's disks",
    "QD": "the host, QEMU's own work and the guest's disks",
    "i": "isolated, and nobody's",
    "x": "switched off",
}


class _Box(NamedTuple):
    """A frame with a title in its upper edge."""

    title: str
    lines: tuple[str, ...]

    @property
    def width(self) -> int:
        """Columns that it needs."""
        return max(len(self.title) + 6, *(len(line) + 4 for line in self.lines))

    def drawn(self, width: int, height: int) -> list[str]:
        """Its lines, all of them ``width`` long; at least ``height`` between the edges."""
        blank = [""] * (height - len(self.lines))
        inner = [f"| {line}".ljust(width - 2) + " |" for line in (*self.lines, *blank)]
        return [f"+- {self.title} ".ljust(width - 1, "-") + "+", *inner, "+".ljust(width - 1, "-") + "+"]


def cores_text(
    cpu: Cpu, plan: PinPlan | None = None, pages: HugePagePlan | Unread | None = None, width: int = 80
) -> str:
    """The picture with its legend, and why it is so. Without a plan only the cores."""
    cores = whole_cores(cpu)
    if isinstance(cores, Unread):
        return "\n".join(wrap(f"the cores of this host are not known: {clean(cores.reason)}", width)) + "\n"
    marks = _marks(cpu, cores, plan)
    lines = [clean(cpu.model)] if isinstance(cpu.model, str) else []
    lines += _picture(cpu, cores, marks, width)
    lines += ["", *_legend(marks, plan)]
    for heading, reasons in (("why", _reasons(plan)), ("what it costs", plan.losses if plan else ())):
        lines += _paragraphs(heading, reasons, width)
    lines += _paragraphs("huge pages", _page_words(pages), width)
    return "\n".join(lines) + "\n"


# -- marks ----------------------------------------------------------------------------------------


def _marks(cpu: Cpu, cores: tuple[WholeCore, ...], plan: PinPlan | None) -> dict[int, str]:
    """What is drawn below each CPU."""
    isolated = set(known(cpu.isolated, ()))
    marks = {one: "i" if one in isolated else "." for one in cpus_of(cores)}
    marks |= dict.fromkeys(known(cpu.offline, ()), "x")
    if plan is None:
        return marks
    disks = {one for thread in plan.pins.iothreads for one in thread}
    for one in {*plan.pins.emulator, *disks}:
        marks[one] = ("Q" if one in plan.pins.emulator else "") + ("D" if one in disks else "")
    return marks | {one: f"v{number}" for number, one in enumerate(plan.pins.vcpus)}


def _legend(marks: dict[int, str], plan: PinPlan | None) -> Iterator[str]:
    if plan is not None and plan.pinned:
        yield "  v0  the guest's CPU 0, and so on"
    used = set(marks.values())
    yield from (f"  {mark:<4}{words}" for mark, words in _LEGEND.items() if mark in used)


# -- boxes ----------------------------------------------------------------------------------------


def _picture(cpu: Cpu, cores: tuple[WholeCore, ...], marks: dict[int, str], width: int) -> Iterator[str]:
    """The boxes of each package, all as wide as the widest."""
    cell = max(len(str(max(marks))), *map(len, marks.values())) + 2
    columns = max((width - 4 - len(_LABEL)) // cell, 1)
    packages: dict[int, list[_Box]] = {}
    for members in _by_cache(cores):
        box = _Box(_title(members, cores), tuple(_inside(members, marks, cell, columns)))
        packages.setdefault(members[0].first.package, []).append(box)
    rows = tuple(_rows([(one,) for one in known(cpu.offline, ())], marks, cell, columns))
    off = [_Box("switched off", rows)] if rows else []
    widest = max(box.width for boxes in (*packages.values(), off) for box in boxes)
    for package, boxes in packages.items():
        yield f"package {package}{_node_of_package(cores, package)}"
        yield from _side_by_side(boxes, widest, width)
    yield from _side_by_side(off, widest, width)


def _side_by_side(boxes: list[_Box], each: int, width: int) -> Iterator[str]:
    """As many in a row as fit; a processor with many small caches is no long list then."""
    count = max((width + 1) // (each + 1), 1)
    for start in range(0, len(boxes), count):
        row = boxes[start : start + count]
        height = max(len(box.lines) for box in row)
        drawn = [box.drawn(each, height) for box in row]
        yield from (" ".join(parts) for parts in zip(*drawn, strict=True))


def _by_cache(cores: tuple[WholeCore, ...]) -> list[list[Island]]:
    """Islands that differ in nothing but the kind of their cores share a box."""
    found: dict[tuple[object, ...], list[Island]] = {}
    for island in islands(cores):
        first = island.first
        near = first.l3 if first.l3 is not None else ("die", first.die)
        found.setdefault((first.package, first.node, near), []).append(island)
    return sorted(found.values(), key=lambda members: members[0].first.package)


def _title(members: list[Island], cores: tuple[WholeCore, ...]) -> str:
    first = members[0].first
    if first.l3 is None:
        title = (
            "no level-3 cache is told" if first.die is None else f"die {first.die}, no level-3 cache is told"
        )
    else:
        size = (
            f" of {first.l3_bytes >> 20} MiB" if (first.l3_bytes or 0) >= 1 << 20 and first.l3_bytes else ""
        )
        title = f"level-3 cache{size}"
    several = len({one.node for one in cores if one.package == first.package}) > 1
    return f"{title}, NUMA node {first.node}" if several and first.node is not None else title


def _node_of_package(cores: tuple[WholeCore, ...], package: int) -> str:
    """Said once where a package is one node of several."""
    nodes = {one.node for one in cores if one.package == package}
    if len({one.node for one in cores}) < 2 or len(nodes) != 1 or None in nodes:
        return ""
    return f", NUMA node {nodes.pop()}"


def _inside(members: list[Island], marks: dict[int, str], cell: int, columns: int) -> Iterator[str]:
    for island in members:
        if len(members) > 1:
            yield _kind_words(island)
        yield from _rows([core.threads for core in island.cores], marks, cell, columns)


def _kind_words(island: Island) -> str:
    count = f"{island.threads_per_core} thread{'' if island.threads_per_core == 1 else 's'} each"
    return f"{clean(island.first.kind)} cores, {count}" if island.first.kind else f"cores with {count}"


def _rows(cores: list[tuple[int, ...]], marks: dict[int, str], cell: int, columns: int) -> Iterator[str]:
    """Numbers and marks, threads of a core below each other."""
    for start in range(0, len(cores), columns):
        for threads in zip(*cores[start : start + columns], strict=True):
            yield _LABEL + "".join(str(one).rjust(cell) for one in threads)
            yield " " * len(_LABEL) + "".join(marks[one].rjust(cell) for one in threads)


# -- words ----------------------------------------------------------------------------------------


def _reasons(plan: PinPlan | None) -> tuple[str, ...]:
    return () if plan is None else plan.pins.because


def _page_words(pages: HugePagePlan | Unread | None) -> tuple[str, ...]:
    if pages is None:
        return ()
    if isinstance(pages, Unread):
        return (f"not known: {clean(pages.reason)}",)
    line = (f"at boot: {' '.join(pages.parameters)}",) if pages.parameters else ()
    return (*pages.because, *(f"now: {command[-1]}" for command in pages.commands), *line)


def _paragraphs(heading: str, texts: Iterable[str], width: int) -> list[str]:
    lines = [line for text in texts for line in wrap(text, width, "  - ", "    ")]
    return ["", heading, *lines] if lines else []
