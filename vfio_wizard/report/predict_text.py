"""The prediction as a person reads it: the cards first, changes marked, within 80 columns."""

from __future__ import annotations

from vfio_wizard.cards.kinds import kind
from vfio_wizard.cards.units import gpus as find_gpus
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread
from vfio_wizard.predict.outcome import FunctionPrediction, KernelPrediction
from vfio_wizard.report.clean import clean
from vfio_wizard.report.wrap import wrap

Names = dict[PciAddress, str]

_STAGE = {
    "built-in": "compiled into the kernel",
    "initramfs": "in the initramfs",
    "root": "once the real root is there",
}

_FOOT = (
    "* is a change against now, ? cannot be known beforehand."
    " A driver_override that was written by hand does not survive a reboot;"
    " what a rule, unit or script writes is counted in."
)


def predict_text(
    facts: HostFacts,
    kernels: tuple[KernelPrediction, ...],
    names: Names,
    *,
    gpus: tuple[PciAddress, ...] = (),
    verbose: bool = False,
    width: int = 80,
) -> str:
    """Each kernel with its cards; the other functions where they will change, or all with ``verbose``."""
    if not kernels:
        return "no installed kernel was found, so that nothing can be said about the next boot\n"
    lines: list[str] = []
    for kernel in reversed(kernels):
        lines += [*_kernel(facts, kernel, names, gpus=gpus, verbose=verbose, width=width), ""]
    lines += wrap(_FOOT, width)
    return "\n".join(lines) + "\n"


def _kernel(
    facts: HostFacts,
    kernel: KernelPrediction,
    names: Names,
    *,
    gpus: tuple[PciAddress, ...],
    verbose: bool,
    width: int,
) -> list[str]:
    heading = f"LINUX {clean(kernel.release)}" + ("  (running now)" if kernel.running else "")
    lines = [heading]
    for note in kernel.notes:
        lines += wrap(clean(note), width, "  ", "    ")
    cards = _cards(facts, gpus)
    told = {one.address: one for one in kernel.functions}
    for address in cards:
        if address in told:
            lines += _function(facts, told[address], names, width)
    others = [one for one in kernel.functions if one.address not in cards]
    shown = [one for one in others if verbose or _is_change(facts, one)]
    if shown:
        lines.append("  other functions" if verbose else "  other functions that change")
    for one in shown:
        lines += _function(facts, one, names, width)
    hidden = [one for one in others if one not in shown]
    for count, what in (
        (sum(one.is_known for one in hidden), "stay as they are (--verbose shows them)"),
        (sum(not one.is_known for one in hidden), "cannot be predicted (--verbose says why)"),
    ):
        if count:
            lines.append(f"  {count} other function{'s' if count > 1 else ''} {what}")
    return lines


def _cards(facts: HostFacts, wanted: tuple[PciAddress, ...]) -> tuple[PciAddress, ...]:
    """The functions of the wanted cards, else of all cards."""
    found = find_gpus(facts)
    if isinstance(found, Unread):
        return wanted
    chosen = [one for one in found if not wanted or set(wanted) & set(one.functions)]
    return tuple(dict.fromkeys([*wanted, *(address for one in chosen for address in one.functions)]))


def _is_change(facts: HostFacts, told: FunctionPrediction) -> bool:
    function = facts.function(told.address)
    return function is not None and told.is_known and told.driver != function.driver


def _function(facts: HostFacts, told: FunctionPrediction, names: Names, width: int) -> list[str]:
    function = facts.function(told.address)
    word = "?" if function is None or isinstance(function.cls, Unread) else kind(function.cls)
    now = None if function is None else function.driver
    mark = "?" if not told.is_known else "*" if _is_change(facts, told) else " "
    before = "?" if isinstance(now, Unread) else clean(now or "no driver")
    then = clean(told.driver or "no driver")
    change = {"*": f"{before} -> {then}", "?": f"unknown (now {before})"}.get(mark, then)
    stage = _STAGE.get(told.stage or "", "")
    lines = wrap(
        f"{told.address}  {word}  {change}" + (f", {stage}" if stage else ""), width, f"{mark} ", "      "
    )
    name = clean(names.get(told.address, ""))
    if name:
        lines.append(f"      {name}"[:width].rstrip())
    for reason in told.why:
        lines += wrap(clean(reason), width, "      - ", "        ")
    return lines
