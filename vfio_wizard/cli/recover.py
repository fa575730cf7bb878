"""``recover``: how a stuck card is, and what is safe to try, one step at a time."""

from __future__ import annotations

import os
import sys
from typing import Any

from vfio_wizard.apply.recover import StuckError, SysfsKernel, carry_out, read_card
from vfio_wizard.cards.units import gpu_of, gpus
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen, addresses, look, print_json
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.planning.recover import Card, Part, Step, held, steps
from vfio_wizard.report.clean import clean
from vfio_wizard.system.host import Host, RootHost, require_live

SCHEMA = "vfio-wizard/recover/1"
STEPS = ("release", "reset", "rescan", "rebind")


def run(given: Given) -> int:
    """Show the card and offer the steps. 1 where it is held, or a step failed."""
    asked, wanted = _asked(given), _wanted(given)
    seen = look(given.text("host"))
    host = seen.host or RootHost("/", is_record=True)
    require_live(host, "recover a card")
    functions = _functions(asked, seen)
    card = read_card(host, functions)
    if given.flag("json"):
        return _json(given, host, functions, wanted, card)
    sys.stdout.write("".join(f"{line}\n" for line in _lines(card)))
    why = held(card)
    if why is not None:
        sys.stdout.write(f"nothing is done to it: {clean(why)}\n")
        return Exit.BLOCKED
    return _offer(given, host, functions, wanted)


def _asked(given: Given) -> tuple[PciAddress, ...]:
    asked = addresses(given, "gpu")
    if not asked:
        message = "which card? name it: vfio-wizard recover --gpu ADDRESS; vfio-wizard groups lists them"
        raise UsageError(message)
    return asked


def _functions(asked: tuple[PciAddress, ...], seen: Seen) -> tuple[PciAddress, ...]:
    """The whole card of each address; one that fell off the bus is taken as it is written."""
    found: list[PciAddress] = []
    for address in asked:
        gpu = gpu_of(known(gpus(seen.facts), ()), address)
        if gpu is None and not _is_gone(seen, address):
            message = f"--gpu: {address} is no graphics card; only cards are recovered"
            raise UsageError(message)
        found += gpu.functions if gpu is not None else (address,)
    return tuple(dict.fromkeys(found))


def _is_gone(seen: Seen, address: PciAddress) -> bool:
    """Nothing stands there now: a card that was lost, which a look at the bus may find again."""
    return isinstance(seen.facts.pci, tuple) and seen.facts.function(address) is None


def _wanted(given: Given) -> tuple[str, ...]:
    text = given.text("steps")
    chosen = STEPS if text is None else tuple(word.strip() for word in text.split(","))
    wrong = [word for word in chosen if word not in STEPS]
    if wrong:
        message = f"--steps: there is no step {wrong[0]!r}; there are {', '.join(STEPS)}"
        raise UsageError(message)
    return tuple(one for one in STEPS if one in chosen)


# -- doing -----------------------------------------------------------------------------------------


def _offer(given: Given, host: Host, functions: tuple[PciAddress, ...], wanted: tuple[str, ...]) -> int:
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    if not (given.flag("yes") or asks) or not _may(host):
        for one in steps(read_card(host, functions)):
            if one.id in wanted:
                sys.stdout.write(f"{_about(one)}\n")
        sys.stderr.write("nothing was tried; on the machine itself, as root: vfio-wizard recover --yes\n")
        return Exit.OK
    for word in wanted:
        step = _step(host, functions, word)
        if step.refused is not None:
            sys.stdout.write(f"{_about(step)}\n")
        elif given.flag("yes") or _confirmed(step):
            carry_out(step, SysfsKernel())
            sys.stdout.write(f"{step.id}: done\n")
    sys.stdout.write("".join(f"{line}\n" for line in _lines(read_card(host, functions))))
    return Exit.OK


def _may(host: Host) -> bool:
    return isinstance(host, RootHost) and host.live and os.geteuid() == 0


def _step(host: Host, functions: tuple[PciAddress, ...], word: str) -> Step:
    """Decided on the card as it is at this moment."""
    return next(one for one in steps(read_card(host, functions)) if one.id == word)


def _confirmed(step: Step) -> bool:
    sys.stdout.flush()
    sys.stderr.write(f"{step.id}: {step.title}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _json(
    given: Given, host: Host, functions: tuple[PciAddress, ...], wanted: tuple[str, ...], card: Card
) -> int:
    done: list[str] = []
    failure = held(card)
    if failure is None and given.flag("yes") and _may(host):
        for word in wanted:
            step = _step(host, functions, word)
            if step.refused is not None:
                continue
            try:
                carry_out(step, SysfsKernel())
            except StuckError as error:
                failure = str(error)
                break
            done.append(word)
        card = read_card(host, functions)
    print_json(_document(card, done, failure))
    return Exit.OK if failure is None else Exit.BLOCKED


# -- showing ---------------------------------------------------------------------------------------


def _lines(card: Card) -> list[str]:
    lines = [f"{part.address}  {_shown(part)}" for part in card.parts]
    for pid, name in card.hanging:
        lines.append(f"process {pid} ({clean(name)}) hangs in the kernel, and cannot be ended")
    return lines


def _shown(part: Part) -> str:
    if not part.there:
        return "is not on the bus"
    driver = part.driver.reason if isinstance(part.driver, Unread) else part.driver or "no driver"
    words = [
        str(driver),
        f"power {part.power or 'unknown'}",
        f"reset by {' '.join(part.resets) or 'nothing'}",
    ]
    if part.override:
        words.append(f"only for {clean(part.override)}")
    if part.answers is False:
        words.append("DOES NOT ANSWER")
    return ", ".join(words)


def _about(step: Step) -> str:
    if step.refused is not None:
        return f"{step.id}: not now: {clean(step.refused)}"
    return f"{step.id}: would {step.title}"


def _document(card: Card, done: list[str], failure: str | None) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "functions": [_part_json(one) for one in card.parts],
        "hanging": [{"pid": pid, "name": name} for pid, name in card.hanging],
        "steps": [
            {"id": one.id, "text": one.title, "possible": one.refused is None, "why_not": one.refused}
            for one in steps(card)
        ],
        "done": done,
        "failure": failure,
    }


def _part_json(part: Part) -> dict[str, Any]:
    holders = known(part.holders, None)
    return {
        "address": str(part.address),
        "there": part.there,
        "driver": known(part.driver, None),
        "driver_override": part.override,
        "power_state": part.power,
        "reset_methods": list(part.resets),
        "answers": part.answers,
        "holders": None if holders is None else [one._asdict() for one in holders],
    }
