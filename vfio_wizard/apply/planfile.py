"""The plan that an ordinary user made, handed to the side that may change the machine and trusts none of it.

The file is opened without following links, must belong to the user who called, and is read strictly. Of its
content only the answers are used: the plan is made again from them and from what root sees, and must come out
the same in every file and every command.
"""

from __future__ import annotations

import errno
import json
import os
import stat as modes
from collections.abc import Sequence
from typing import Any, NoReturn

from vfio_wizard.apply.work import Work
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.planning.plan_json import SCHEMA

Json = dict[str, Any]

SIZE_LIMIT = 1 << 20
DEPTH_LIMIT = 8
ANSWERS_LIMIT = 1 << 16

_KEYS: dict[str, type] = {
    "schema": str,
    "bind": dict,
    "kernel_parameters": dict,
    "artifacts": list,
    "commands": list,
    "steps": list,
    "ways_back": list,
    "refusals": list,
    "warnings": list,
    "notes": list,
    "answers": str,
    "before": dict,
}
_ARTIFACT = {"path", "mode", "action", "text", "because"}
_COMPARED = ("path", "mode", "action", "text")


class HandedPlan(NamedTuple):
    """What the file says, after its form was checked."""

    answers: str
    artifacts: tuple[Json, ...]
    commands: tuple[tuple[str, ...], ...]
    steps: list[Any]
    before: dict[str, str]


def to_text(document: Json, answers: str, work: Work) -> str:
    """The file's content."""
    before = {change.path: change.before for change in work.changes}
    return json.dumps({**document, "answers": answers, "before": before}, sort_keys=True, indent=1) + "\n"


def read(path: str, owners: Sequence[int]) -> HandedPlan:
    """The plan of a file. Raises UsageError in one line for all that is not exactly such a file."""
    return parse(_content(path, owners))


def _content(path: str, owners: Sequence[int]) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else (error.strerror or str(error)).lower()
        _refuse(reason)
    with os.fdopen(handle, "rb") as stream:
        seen = os.fstat(stream.fileno())
        wrong = _wrong(seen, owners)
        if wrong is not None:
            _refuse(wrong)
        content = stream.read(SIZE_LIMIT + 1)
    if len(content) > SIZE_LIMIT:
        _refuse(f"it is larger than {SIZE_LIMIT} bytes")
    return content


def _wrong(seen: os.stat_result, owners: Sequence[int]) -> str | None:
    if not modes.S_ISREG(seen.st_mode):
        return "it is no regular file"
    if seen.st_uid not in owners:
        return f"it belongs to user {seen.st_uid}, who did not call this"
    if seen.st_mode & (modes.S_IWGRP | modes.S_IWOTH):
        return "others may write it"
    return "it has another name as well (a hard link)" if seen.st_nlink != 1 else None


def parse(content: bytes) -> HandedPlan:
    """The plan of a text. Raises UsageError."""
    document = _document(content)
    _check_form(document)
    if len(document["answers"]) > ANSWERS_LIMIT:
        _refuse(f"its answers are longer than {ANSWERS_LIMIT} characters")
    return HandedPlan(
        document["answers"],
        tuple(document["artifacts"]),
        tuple(tuple(one) for one in document["commands"]),
        document["steps"],
        document["before"],
    )


def _document(content: bytes) -> Json:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("it is not UTF-8")
    if _depth(text) > DEPTH_LIMIT:
        _refuse("it is nested too deeply")
    try:
        document = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        _refuse(f"it is no JSON of the form that is wanted ({error})")
    if not isinstance(document, dict):
        _refuse("it is no JSON object")
    return document


def _depth(text: str) -> int:
    """How deep brackets go; counted before anything is parsed, those in strings left out."""
    deepest = depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _no_constant(word: str) -> None:
    message = f"{word} is no number"
    raise ValueError(message)


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a key stands twice"
        raise ValueError(message)
    return found


def _check_form(document: Json) -> None:
    keys = set(document)
    if keys != set(_KEYS):
        odd = sorted(keys ^ set(_KEYS))
        _refuse(f"these keys are unknown or missing: {', '.join(odd[:5])[:200]}")
    for key, kind in _KEYS.items():
        if not isinstance(document[key], kind):
            _refuse(f"{key} is of the wrong kind")
    if document["schema"] != SCHEMA:
        _refuse(f"its schema is not {SCHEMA}")
    for one in document["artifacts"]:
        if not isinstance(one, dict) or set(one) != _ARTIFACT or not _all_text(one.values()):
            _refuse("an artifact is of the wrong form")
    for one in document["commands"]:
        if not isinstance(one, list) or not one or not _all_text(one):
            _refuse("a command is no list of words")
    if not _all_text(document["before"].values()):
        _refuse("before is of the wrong form")


def _all_text(values: Any) -> bool:
    return all(isinstance(one, str) and "\0" not in one for one in values)


def _refuse(reason: str) -> NoReturn:
    message = f"the plan file is not taken: {reason}"
    raise UsageError(message)


def differences(handed: HandedPlan, document: Json, work: Work) -> tuple[str, ...]:
    """Where the plan that was handed over is not the one that root makes from the same answers."""
    found: list[str] = []
    mine = {one["path"]: one for one in document["artifacts"]}
    theirs = {one["path"]: one for one in handed.artifacts}
    if len(theirs) != len(handed.artifacts):
        found.append("a file stands twice in it")
    found += [f"it writes {path}, which is not in the plan" for path in sorted(theirs.keys() - mine.keys())]
    found += [f"it does not write {path}" for path in sorted(mine.keys() - theirs.keys())]
    for path in sorted(mine.keys() & theirs.keys()):
        found += [f"{path}: its {key} differs" for key in _COMPARED if mine[path][key] != theirs[path][key]]
    if [tuple(one) for one in document["commands"]] != list(handed.commands):
        found.append("its commands differ")
    if document["steps"] != handed.steps:
        found.append("its steps differ")
    before = {change.path: change.before for change in work.changes}
    if before != handed.before:
        odd = sorted(
            path
            for path in before.keys() | handed.before.keys()
            if before.get(path) != handed.before.get(path)
        )
        found.append(f"files changed since it was made: {', '.join(f'/{path}' for path in odd[:5])[:300]}")
    return tuple(found)
