"""Makes captures: runs the probes on a recording host and writes down what it was asked."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from vfio_wizard import __version__
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.unread import Unread
from vfio_wizard.system.allowed import KERNEL, Matcher
from vfio_wizard.system.capture import SCHEMA
from vfio_wizard.system.commands import ADAPTERS
from vfio_wizard.system.files import write_whole
from vfio_wizard.system.host import Command, FileStat, Host
from vfio_wizard.system.recording import RecordingHost
from vfio_wizard.system.redact import ALWAYS, IN_PROSE, find


def write_capture(host: Host, gather: Callable[[Host], object], place: str, note: str = "") -> None:
    """Write what ``gather`` asks of a host to a file, or to standard output for ``-``.

    The file appears whole or not at all, and all may read it: it holds nothing private, and root makes
    it for the user who will send it. Raises WizardError when it cannot be written.
    """
    text = document_text(capture(host, gather, note))
    if place == "-":
        sys.stdout.write(text)
    else:
        write_whole(place, text.encode("ascii"))


def capture(
    host: Host, gather: Callable[[Host], object], note: str = "", *, strict: bool = False
) -> dict[str, Any]:
    """The capture of what ``gather`` asks of a host. Raises WizardError when something private is left."""
    recorder = RecordingHost(host, strict=strict)
    gather(recorder)
    for argv in ADAPTERS:
        recorder.run(Command(argv))
    document = capture_document(recorder, note)
    left = leaks(document)
    if left:
        message = f"not written, since it still holds what may be private: {left[0]}; please report this"
        raise WizardError(message)
    return document


def document_text(document: dict[str, Any]) -> str:
    """The document as it stands in a file: sorted, one value a line, plain ASCII."""
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n"


def capture_document(recorder: RecordingHost, note: str = "") -> dict[str, Any]:
    """What a recording host was asked, in the form of a capture; empty sections are left out."""
    told = recorder.sections
    lines, questions = _lines(told["lines"])
    sections = {
        "absent": {directory: sorted(names) for directory, names in recorder.absent.items()},
        "binary": {path: _bytes(*entry) for path, entry in told["binary"].items()},
        "commands": _texts(told["commands"]),
        "directories": told["directories"],
        "files": _texts(told["files"]),
        "gaps": {key: _gap(gap) for key, gap in told["gaps"].items()},
        "heads": {path: _texts(heads) for path, heads in told["heads"].items()},
        "lines": lines,
        "links": told["links"],
        "questions": questions,
        "stats": {path: _stat(seen) for path, seen in told["stats"].items()},
    }
    tool = {"name": "vfio-wizard", "version": __version__}
    return {"schema": SCHEMA, "tool": tool, "note": note} | {
        name: one for name, one in sections.items() if one
    }


def _texts(texts: dict[str, str]) -> dict[str, str | list[str]]:
    return {key: text.split("\n") if "\n" in text else text for key, text in texts.items()}


def _lines(told: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Files that were asked the same question share it: kernels have the same options."""
    questions: dict[str, Any] = {}
    lines: dict[str, Any] = {}
    numbers: dict[str, str] = {}
    for path in sorted(told):
        question = {"starts": told[path]["starts"], "holds": told[path]["holds"]}
        number = numbers.setdefault(json.dumps(question), f"{len(numbers) + 1:03}")
        questions[number] = question
        lines[path] = {"question": number, "lines": told[path]["lines"]}
    return lines, questions


def _bytes(content: bytes, is_complete: bool) -> dict[str, Any]:
    return {"base64": base64.b64encode(content).decode("ascii"), "complete": is_complete}


def _gap(gap: Unread) -> str:
    return f"{gap.gap.value}: {gap.detail}" if gap.detail else gap.gap.value


def _stat(seen: FileStat) -> str:
    return f"{seen.kind} {seen.mode:04o} {seen.owner} {seen.group} {seen.size} {seen.mtime}"


def leaks(document: dict[str, Any]) -> list[str]:
    """What in a capture ought to be a placeholder and is not: section, path, kind and value of each."""
    matcher = Matcher()
    found: list[str] = []
    for section in sorted(document):
        entries = document[section]
        for key, value in sorted(entries.items()) if isinstance(entries, dict) else [("", entries)]:
            finders = ALWAYS if matcher.treatment(key.rpartition(" ")[2]) == KERNEL else (*ALWAYS, *IN_PROSE)
            for text in (key, *_strings_in(section, value)):
                found += [f"{section} {key}: {leak.kind} {leak.value}" for leak in find(text, finders)]
    return found


def _strings_in(section: str, value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if section == "binary":
            yield base64.b64decode(value.get("base64", ""))[4:].decode("utf-16-le", "replace")
            return
        for key, inner in value.items():
            yield key
            yield from _strings_in(section, inner)
    elif isinstance(value, list):
        yield "\n".join(one for one in value if isinstance(one, str))
        for inner in value:
            if not isinstance(inner, str):
                yield from _strings_in(section, inner)
