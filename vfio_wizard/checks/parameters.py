"""The kernel command line and the module lists: what guides left behind, and what did not arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.host import config, iommu_vendor
from vfio_wizard.checks.isolation import is_refused
from vfio_wizard.checks.outcome import Seen, by_user, failed, first_gap, passed, unknown
from vfio_wizard.checks.ways import change_line
from vfio_wizard.knowledge.own import read_own
from vfio_wizard.knowledge.parameters import RELEVANT_NAMES, STALE, STALE_MODULES, Stale, StaleModule, When
from vfio_wizard.model.finding import Outcome, Severity
from vfio_wizard.model.pci import PciId
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.unread import Unread
from vfio_wizard.model.version import KernelVersion, kernel_version


class _Hit(NamedTuple):
    """A word of the line, and what is wrong with it; ``proven`` is False where a fact is missing."""

    word: str
    why: str
    instead: str
    harmless: bool
    proven: bool


def _stale(case: Situation) -> Iterator[Outcome]:
    line = case.facts.kernel.cmdline
    if isinstance(line, Unread):
        yield unknown("the command line was not read", line, "read it.", ("cat", "/proc/cmdline"))
        return
    hits = tuple(hit for word in line.kernel_words if (hit := _hit(case, word)) is not None)
    proven = tuple(hit for hit in hits if hit.proven)
    if proven:
        yield _stale_found(case, proven)
    elif hits:
        words = ", ".join(hit.word for hit in hits)
        yield unknown(
            f"whether {words} still does anything here is not known",
            first_gap(
                case.facts.kernel.release,
                case.facts.kernel.config,
                case.facts.cpu.vendor,
                case.facts.kernel.log,
            ),
            f"{hits[0].word}: {hits[0].why}.",
        )
    else:
        yield passed(
            "nothing stale on the command line", (case.facts.kernel.cmdline_origin, _short(str(line)))
        )


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


def _stale_found(case: Situation, hits: tuple[_Hit, ...]) -> Outcome:
    names = ", ".join(hit.word for hit in hits)
    if all(hit.harmless for hit in hits):
        summary, severity = f"says only what the kernel does anyway: {names}", Severity.NOTE
    else:
        summary, severity = f"does nothing, or the wrong thing, on this kernel: {names}", None
    instead = tuple(hit.instead for hit in hits if hit.instead)
    text = f"Take {'it' if len(hits) == 1 else 'them'} off the kernel command line."
    if instead:
        text += f" Instead: {', '.join(instead)}."
    seen = tuple((case.facts.kernel.cmdline_origin, f"{hit.word}: {hit.why}") for hit in hits)
    fix = change_line(case.facts, text, remove=tuple(hit.word for hit in hits))
    return failed(summary, fix, *seen, severity=severity)


def _hit(case: Situation, word: str) -> _Hit | None:
    """What is wrong with one word; what is proven comes before what is only possible."""
    hits = [
        hit
        for row in (*STALE, *read_own(case.facts.own).parameters)
        if (hit := _hit_by(case, row, word)) is not None
    ]
    if (malformed := _malformed_ids(word)) is not None:
        hits.append(malformed)
    return max(hits, key=lambda hit: (hit.proven, not hit.harmless), default=None)


def _hit_by(case: Situation, row: Stale, word: str) -> _Hit | None:
    if not _names(row, word):
        return None
    holds = _holds(case, row)
    if holds is False:
        return None
    since = f" (since {row.since[0]}.{row.since[1]})" if row.since else ""
    return _Hit(word, row.why + since, row.instead, row.harmless, holds is True)


def _names(row: Stale, word: str) -> bool:
    """Whether a word of the line is the parameter of a row; dash and underscore are the same."""
    name, equals, value = word.partition("=")
    if name.replace("-", "_") != row.name:
        return False
    if row.value is None:
        return True
    if row.value == "":
        return not equals
    return row.value in value.strip('"').split(",")


def _holds(case: Situation, row: Stale) -> bool | None:
    """Whether a row is true of this host; None where a fact that decides it is missing."""
    if row.since is not None:
        version = _version(case)
        if version is None or version < row.since:
            return None if version is None else False
    return _CONDITIONS[row.when](case)


def _version(case: Situation) -> KernelVersion | None:
    release = case.facts.kernel.release
    return None if isinstance(release, Unread) else kernel_version(release)


def _is_vendor(case: Situation, vendor: str) -> bool | None:
    return iommu_vendor(case.facts) == vendor if iommu_vendor(case.facts) else None


def _intel_default_on(case: Situation) -> bool | None:
    if iommu_vendor(case.facts) not in ("intel", ""):
        return False
    if isinstance(case.facts.kernel.config, Unread):
        return None
    return config(case.facts, "INTEL_IOMMU_DEFAULT_ON") == "y"


def _remapping_on(case: Situation) -> bool | None:
    remapped = case.facts.iommu.interrupt_remapping
    return None if isinstance(remapped, Unread) else remapped


def _not_suse(case: Situation) -> bool | None:
    found = case.facts.boot.distribution
    if isinstance(found, Unread):
        return None
    return not any("suse" in word for word in (found.id, *found.like))


def _not_dracut(case: Situation) -> bool | None:
    found = case.facts.boot.initramfs
    return None if isinstance(found, Unread) else found.name != "dracut"


def _not_patched(case: Situation) -> bool | None:
    """The kernel says so early in its log; a log without its beginning proves nothing."""
    kernel = case.facts.kernel
    silent = isinstance(kernel.log, Unread) or kernel.log_gap is not None
    return is_refused(case) or (None if silent else False)


_CONDITIONS: dict[When, Callable[[Situation], bool | None]] = {
    When.ALWAYS: lambda _: True,
    When.AMD: lambda case: _is_vendor(case, "amd"),
    When.INTEL: lambda case: _is_vendor(case, "intel"),
    When.INTEL_DEFAULT_ON: _intel_default_on,
    When.REMAPPING_ON: _remapping_on,
    When.NOT_SUSE: _not_suse,
    When.NOT_DRACUT: _not_dracut,
    When.NOT_PATCHED: _not_patched,
}


def _malformed_ids(word: str) -> _Hit | None:
    """``vfio-pci.ids=`` with something that is no vendor:device (an address, say)."""
    name, _, value = word.partition("=")
    if name.replace("-", "_") != "vfio_pci.ids":
        return None
    bad = [one for one in value.strip('"').split(",") if one and not _is_id(one)]
    if not bad:
        return None
    return _Hit(word, f"{', '.join(bad)} is no vendor:device", "ids such as 1002:731f", False, True)


def _is_id(text: str) -> bool:
    parts = text.split(":")
    try:
        PciId.parse(":".join(parts[:2]).lower())
    except ValueError:
        return False
    return len(parts) <= 6


def _modules(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    versions = _versions(case)
    if not versions:
        gap = first_gap(facts.kernel.release, facts.kernels)
        yield unknown("the kernel's version is not known", gap, "uname -r.", ("uname", "-r"))
        return
    known_rows = (*STALE_MODULES, *read_own(facts.own).modules)
    rows = tuple(row for row in known_rows if min(versions) >= row.since)
    found = tuple(hit for row in rows for hit in (*_in_files(case, row), *_in_modprobe(case, row)))
    for row, seen in found:
        yield failed(
            f"names {row.name}, which kernels from {row.since[0]}.{row.since[1]} on have not got",
            by_user(f"Delete {row.name} from {seen[0]} and build the initramfs again: {row.why}."),
            seen,
            subject=seen[0].split(":")[0],
        )
    if found:
        return
    gap = facts.modprobe_gap
    if not facts.files or gap is not None:
        yield unknown(
            "the lists of modules were not read",
            gap,
            "look for vfio_virqfd.",
            (
                "sh",
                "-c",
                "grep -rsw vfio_virqfd /etc/modules* /etc/initramfs-tools /etc/mkinitcpio* /etc/dracut*",
            ),
        )
        return
    lists = tuple(path for path, _ in facts.files if _is_module_list(path))
    oldest = min(versions)
    yield passed(
        "no list names a module that is gone",
        (", ".join(lists) or "module lists", f"nothing stale for kernel {oldest[0]}.{oldest[1]} and later"),
    )


def _versions(case: Situation) -> tuple[KernelVersion, ...]:
    """Of every kernel that could be booted: a list serves all of them."""
    kernels = () if isinstance(case.facts.kernels, Unread) else case.facts.kernels
    found = (*(kernel_version(one.release) for one in kernels), _version(case))
    return tuple(one for one in found if one is not None)


_LISTS = (
    "etc/modules",
    "etc/modules-load.d/",
    "etc/initramfs-tools/modules",
    "etc/mkinitcpio.conf",
    "etc/dracut.conf",
    "etc/booster.yaml",
    "usr/lib/modules-load.d/",
    "usr/lib/dracut/dracut.conf.d/",
)


def _is_module_list(path: str) -> bool:
    return path.startswith(_LISTS)


def _in_files(case: Situation, row: StaleModule) -> Iterator[tuple[StaleModule, Seen]]:
    for path, text in case.facts.files:
        if not _is_module_list(path):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if row.name in _module_words(line):
                yield row, (f"{path}:{number}", line.strip())
                break


def _module_words(line: str) -> list[str]:
    code = line.split("#", 1)[0].replace("-", "_")
    for mark in "\"'()=+,[]:":
        code = code.replace(mark, " ")
    return code.split()


def _in_modprobe(case: Situation, row: StaleModule) -> Iterator[tuple[StaleModule, Seen]]:
    if isinstance(case.facts.modprobe, Unread):
        return
    for line in case.facts.modprobe.lines:
        if row.name in (line.module, *_module_words(line.rest)):
            yield row, (line.origin, f"{line.command} {line.module} {line.rest}".strip())


def _pending(case: Situation) -> Iterator[Outcome]:
    boot, running = case.facts.boot, case.facts.kernel.cmdline
    if isinstance(boot.configured, Unread) or isinstance(running, Unread):
        yield unknown(
            "the stored and the running command line cannot be compared",
            first_gap(boot.configured, running),
            "compare /proc/cmdline with what your boot loader has stored.",
            ("cat", "/proc/cmdline"),
        )
        return
    missing = tuple(
        word for word in boot.configured.kernel_words if is_relevant(word) and not running.has(word)
    )
    if missing:
        words = " ".join(missing)
        yield failed(
            f"stored, but not in effect: {words}",
            by_user(
                "Reboot. If they are still missing then, this is not the place that the boot loader reads."
            ),
            (boot.configured_origin, words),
            (case.facts.kernel.cmdline_origin, "not there"),
        )
    else:
        yield passed(
            "the stored parameters are in effect", (boot.configured_origin, _short(str(boot.configured)))
        )


def is_relevant(word: str) -> bool:
    """Whether a word of the command line matters for passthrough, by its name."""
    name = word.partition("=")[0].replace("-", "_")
    return any(one in name for one in RELEVANT_NAMES)


STALE_PARAMETERS = Check(
    id="boot.stale-parameters",
    title="No stale kernel parameters",
    severity=Severity.WARNING,
    claim="No parameter on the command line does nothing, or the wrong thing, on this kernel.",
    fails_when="One does; it is named, with the kernels on which it was right.",
    why=(
        "Most guides are older than the kernel. What they hand on hides what really matters, blinds the boot "
        "or gives protection away."
    ),
    run=_stale,
    references=tuple(sorted({row.source for row in STALE})),
    verify="After the reboot cat /proc/cmdline shows none of them.",
)

STALE_LISTS = Check(
    id="boot.stale-modules",
    title="No stale module names",
    severity=Severity.WARNING,
    claim="No list of modules names one that no installed kernel has any more.",
    fails_when="vfio_virqfd is listed although every installed kernel is 6.2 or later.",
    why="mkinitcpio complains about such a name; dracut fails to build the image, so no change arrives.",
    run=_modules,
    references=tuple(row.source for row in STALE_MODULES),
    verify="Afterwards the build of the initramfs prints no error about the name.",
)

PENDING = Check(
    id="boot.pending-parameters",
    title="Parameters in effect",
    severity=Severity.NOTE,
    claim="Every stored parameter that matters for passthrough is on the running command line.",
    fails_when="One is stored for the next boot only.",
    why="Either a reboot is due, or the edited file is not the one that the boot loader reads.",
    run=_pending,
    references=("linux: Documentation/admin-guide/kernel-parameters.rst",),
    verify="After the reboot cat /proc/cmdline shows them.",
)
