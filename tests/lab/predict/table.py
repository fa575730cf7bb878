"""The table of all set-ups, as it is kept in docs/prediction.md."""

from __future__ import annotations

from collections import Counter

from tests.lab.predict.setups import SETUPS
from tests.lab.predict.workshop import Compared, Outcome

HEAD = """\
# Prediction of the next boot, measured

`vfio-wizard predict` says before a reboot which driver will claim each PCI function after it.
The lab applies a set-up to an installed Debian, builds the initramfs image with the distribution's
own generator, asks for the prediction, boots that kernel, image and disk in an emulated machine,
and compares every function with what sysfs shows. `make lab-full` repeats it and writes this page;
`make lab` runs a sample of seven at every change. Each prediction is made once more from a capture of
the machine, and must be the same word for word.

The card is an emulated Radeon (1002:5159) with an audio function (8086:293e) at 01:00. An onboard
sound chip has the same id as that audio function, so that an id catches both; in set-ups about
twins a second card of the same model sits at 02:00 in its place. Where a set-up is not about it,
amdgpu is blacklisted, which saves a third of the emulated boot.

The boots found two rules that were missing, and the figures below are those of the corrected program:
amdgpu's table names every AMD display by class, so that with radeon blacklisted it was predicted for
the card, while its probe leaves old cards to radeon; and dracut 106 writes `rd.driver.blacklist=`
to /run, so that it lasts on the real root, where three functions had been predicted to be claimed.
"""


def markdown(outcomes: list[Outcome], date: str) -> str:
    """The whole page."""
    counts = Counter(one.verdict for outcome in outcomes for one in outcome.functions)
    total = sum(counts.values())
    left = len(SETUPS) - len(outcomes)
    lines = [
        HEAD,
        f"Last run: {date}. {len(outcomes)} set-ups, {total} functions compared:"
        f" {counts['hit']} as predicted, {counts['miss']} otherwise,"
        f" {counts['unknown']} said to be unknown beforehand.",
        *(
            [f"{left} further set-ups are described in the lab and were not part of this run."]
            if left
            else []
        ),
        "",
        "| system | set-up | card: predicted / actual | sound: predicted / actual | other functions |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(one) for one in outcomes]
    lines += ["", *_explained(outcomes)]
    return "\n".join(lines).rstrip() + "\n"


def _row(outcome: Outcome) -> str:
    cells = [outcome.setup.root, outcome.setup.name]
    if outcome.problem:
        return f"| {' | '.join(cells)} | did not run | | {outcome.problem.splitlines()[0][:80]} |"
    by_address = {one.address: one for one in outcome.functions}
    rest = Counter(one.verdict for one in outcome.functions if not one.address.startswith("0000:01:00"))
    cells += [_cell(by_address["0000:01:00.0"]), _cell(by_address["0000:01:00.1"])]
    cells.append(", ".join(f"{number} {word}" for word, number in sorted(rest.items())))
    return f"| {' | '.join(cells)} |"


def _cell(one: Compared) -> str:
    mark = {"hit": "", "miss": " **miss**", "unknown": ""}[one.verdict]
    return f"{one.predicted} / {one.actual}{mark}"


def _explained(outcomes: list[Outcome]) -> list[str]:
    """Each unknown and each miss with the reasons that the prediction gave."""
    lines: list[str] = []
    for outcome in outcomes:
        for one in outcome.functions:
            if one.verdict == "hit":
                continue
            told = "; ".join(one.why).replace("|", "\\|")
            lines.append(
                f"- {outcome.setup.root}, {outcome.setup.name}, {one.address}: {one.predicted} before,"
                f" {one.actual} after. {told}"
            )
    return ["## Not predicted, and why", "", *lines] if lines else ["Nothing was left unknown."]
