"""Compares what a machine said with what its topology must show; each difference is one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.lab.topologies import OF_EACH_CARD, Card, Expectation

Json = dict[str, Any]

NOTHING = "nothing"

WHERE_FROM = (".host.live", ".source.live", ".source.kind")
"""What a record says otherwise than its machine: where the facts came from."""

LIVE_ONLY = {
    "gpu.in-use": "a record never holds what programs have open",
    "gpu.rom-image": "a record never holds the copy of a ROM",
    "acs.enabled": "a record never holds a device's configuration space, which may hold serial numbers",
}
"""Findings that must be unknown from a record, with the reason; all others are the machine's own."""

JSON_ANSWERS = ("check", "groups", "check-gpu", "check-user")


class Answer(NamedTuple):
    """What one command printed, and how it ended."""

    out: str
    err: str
    code: int

    def json(self) -> Json:
        """The object on standard output; an empty one where there was none, which no expectation meets."""
        try:
            said = json.loads(self.out)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


def unmet(expected: Expectation, answers: Mapping[str, Answer], live: bool = True) -> list[str]:
    """All in which the answers differ from the expectation; ``live`` when the machine gave them itself."""
    silent = [
        f"{name} printed no JSON but {answers[name].err.strip()[-300:]!r}"
        for name in JSON_ANSWERS
        if name in answers and not answers[name].json()
    ]
    return silent or [
        *_tracebacks(answers),
        *_check(expected, answers["check"], live),
        *_groups(expected, answers["groups"].json()),
        *_selected(expected, answers.get("check-gpu")),
        *_as_user(expected, answers.get("check-user")),
    ]


def _tracebacks(answers: Mapping[str, Answer]) -> Iterator[str]:
    for name, answer in answers.items():
        if "Traceback" in answer.err:
            yield f"{name}: a traceback, {answer.err.strip().splitlines()[-1]}"


def _check(expected: Expectation, answer: Answer, live: bool) -> Iterator[str]:
    said = answer.json()
    yield from _same("check", "exit code", answer.code, expected.code)
    yield from _same("check", "verdict", said.get("verdict"), expected.verdict)
    yield from _same("check", "host.live", said.get("host", {}).get("live"), live)
    for name, value in expected.host.items():
        yield from _same("check", f"host.{name}", said.get("host", {}).get(name), value)
    statuses = _statuses(said)
    for name, subjects in expected.findings.items():
        seen = statuses.get(name, {})
        shown = seen if name in OF_EACH_CARD else {key: seen.get(key) for key in subjects}
        yield from _same("check", name, shown, dict(subjects))
        yield from _named(name, said, expected)


def _statuses(said: Json) -> dict[str, dict[str | None, str]]:
    found: dict[str, dict[str | None, str]] = {}
    for one in said.get("findings", []):
        found.setdefault(one["id"], {})[one["subject"]] = one["status"]
    return found


def _named(name: str, said: Json, expected: Expectation) -> Iterator[str]:
    text = json.dumps([one for one in said.get("findings", []) if one["id"] == name])
    for word in expected.named.get(name, ()):
        if word not in text:
            yield f"check {name}: does not name {word}"


def _selected(expected: Expectation, answer: Answer | None) -> Iterator[str]:
    """The run with ``--gpu``: the same verdict, and what holds the selected cards."""
    if answer is None:
        return
    said = answer.json()
    yield from _same("check --gpu", "exit code", answer.code, expected.code)
    bound = _statuses(said).get("vfio.bound", {})
    yield from _same("check --gpu", "vfio.bound", bound, dict(expected.bound))
    yield from _named("vfio.bound", said, expected)


def _as_user(expected: Expectation, answer: Answer | None) -> Iterator[str]:
    """An ordinary user gets the same on all fixed ids: none of them needs root."""
    if answer is None:
        return
    said = answer.json()
    statuses = _statuses(said)
    for name, subjects in expected.findings.items():
        seen = {key: statuses.get(name, {}).get(key) for key in subjects}
        yield from _same("check by an ordinary user", name, seen, dict(subjects))
    allowed = (expected.verdict,) if expected.verdict == "blocked" else (expected.verdict, "unknown")
    if said.get("verdict") not in allowed:
        yield f"check by an ordinary user: verdict is {said.get('verdict')!r}, not one of {allowed}"


def _groups(expected: Expectation, said: Json) -> Iterator[str]:
    gpus = {one["address"]: one for one in said.get("gpus", [])}
    yield from _same("groups", "gpus", sorted(gpus), sorted(expected.gpus))
    for address, card in expected.gpus.items():
        yield from _card(address, card, gpus.get(address, {}))
    drivers = {one["address"]: one["driver"] for one in said.get("functions", [])}
    for address, driver in expected.drivers.items():
        yield from _same("groups", f"driver of {address}", drivers.get(address, "nothing there"), driver)
    for group in said.get("groups", []):
        if expected.group_types and group["type"] not in expected.group_types:
            yield f"groups: group {group['number']} has type {group['type']}"


def _card(address: str, card: Card, seen: Json) -> Iterator[str]:
    for name, value in card._asdict().items():
        wanted = list(value) if isinstance(value, tuple) else value
        yield from _same("groups", f"{name} of {address}", seen.get(name, "nothing said"), wanted)


def _same(command: str, what: str, seen: object, expected: object) -> Iterator[str]:
    if seen != expected:
        yield f"{command}: {what} is {seen!r}, not {expected!r}"


def replay_differences(inside: str, outside: str) -> list[str]:
    """Where the JSON from a record differs from the machine's own, where it comes from aside."""
    theirs, ours = json.loads(inside), json.loads(outside)
    findings = _different_findings(theirs.pop("findings", []), ours.pop("findings", []))
    there, here = _flat(theirs), _flat(ours)
    paths = [one for one in sorted({*there, *here}) if one not in WHERE_FROM]
    pairs = [(path, there.get(path, NOTHING), here.get(path, NOTHING)) for path in paths]
    return [*findings, *(_difference(path, repr(a), repr(b)) for path, a, b in pairs if a != b)]


def _different_findings(theirs: list[Json], ours: list[Json]) -> Iterator[str]:
    here = {(one["id"], one["subject"]): one for one in ours}
    there = {(one["id"], one["subject"]): one for one in theirs}
    for key in sorted({*here, *there}, key=str):
        on_machine, from_record = there.get(key, {}), here.get(key, {})
        unknown_as_it_must_be = key[0] in LIVE_ONLY and from_record.get("status") == "unknown"
        if on_machine != from_record and not unknown_as_it_must_be:
            yield _difference(f"{key[0]} of {key[1]}", _said(on_machine), _said(from_record))


def _difference(what: str, on_machine: str, from_record: str) -> str:
    return f"{what}: {on_machine} on the machine, {from_record} from its record"


def _said(finding: Json) -> str:
    return f"{finding['status']} ({finding['summary']})" if finding else NOTHING


def _flat(value: object, path: str = "") -> dict[str, object]:
    """Leaves by path, so that a difference can be told in one line."""
    if isinstance(value, dict):
        return {k: v for name, item in value.items() for k, v in _flat(item, f"{path}.{name}").items()}
    if isinstance(value, list):
        items = {k: v for n, item in enumerate(value) for k, v in _flat(item, f"{path}[{n}]").items()}
        return {f"{path}.length": len(value), **items}
    return {path: value}
