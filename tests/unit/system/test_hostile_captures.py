"""Captures that a stranger made to do harm: one clear line, bounded work, and nothing of ours is touched."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system import capture
from vfio_wizard.system.capture import SCHEMA, CaptureHost, looks_like_capture
from vfio_wizard.system.host import Command
from vfio_wizard.system.source import open_source


def refusal(text: str) -> str:
    """The message with which a text is refused."""
    with pytest.raises(UsageError) as caught:
        CaptureHost.parse(text, "x.json")
    message = str(caught.value)
    assert message.startswith("x.json is not a capture that can be used: ")
    assert message.endswith("make one with vfio-wizard capture -o FILE")
    assert "\n" not in message
    assert len(message) < 400
    return message


def holding(**sections: Any) -> str:
    """A capture with these sections."""
    return json.dumps({"schema": SCHEMA} | sections)


def test_a_cut_off_capture_says_so(tmp_path: Path) -> None:
    whole = json.dumps({"absent": {"etc": ["x"]}, "files": {"a": "b"}, "schema": SCHEMA}, indent=1)
    for end in range(20, len(whole) - 1, 7):
        place = tmp_path / "cut.json"
        place.write_text(whole[:end])
        with pytest.raises(UsageError, match="damaged or cut off"):
            open_source(str(place))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "damaged or cut off"),
        ("{", "damaged or cut off"),
        ("[]", "names no schema"),
        ("null", "names no schema"),
        ('{"schema": 1}', "names no schema"),
        ('{"schema": "vfio-wizard/capture/2"}', "its schema is 'vfio-wizard/capture/2' and not"),
        ('{"schema": "vfio-wizard/check/1"}', "its schema is 'vfio-wizard/check/1' and not"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": ' + '{"a":' * 150_000, "nested too deeply"),
        ('{"schema":"x","files":{"a":' + "9" * 5000 + "}}", "damaged or cut off"),
        ("[" + "[]," * 300_000 + "[]]", "more values than any machine has"),
        ("[" + "0," * 2_100_000 + "0]", "more values than any machine has"),
    ],
    ids=lambda value: value[:24],
)
def test_what_is_no_capture_is_refused_in_one_line(text: str, why: str) -> None:
    started = time.perf_counter()
    assert why in refusal(text)
    assert time.perf_counter() - started < 5


def test_a_capture_larger_than_any_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MOST_CHARACTERS", 1 << 20)
    assert "larger than 1 MiB" in refusal('{"schema": "' + "x" * (1 << 20))


@pytest.mark.parametrize(
    "sections",
    [
        {"files": []},
        {"files": {"a": 1}},
        {"files": {"a": [1]}},
        {"files": {"a": {"b": "c"}}},
        {"heads": {"a": "b"}},
        {"heads": {"a": {"x": "b"}}},
        {"heads": {"a": {"9" * 5000: "b"}}},
        {"lines": {"a": ["b"]}},
        {"lines": {"a": {"question": "1", "lines": []}}},
        {"lines": {"a": {"question": [], "lines": []}}},
        {"lines": {"a": {"question": "1", "lines": [None]}}, "questions": {"1": {"starts": [], "holds": []}}},
        {"questions": {"1": {"starts": "x", "holds": []}}},
        {"questions": {"1": {"starts": [1], "holds": []}}},
        {"links": {"a": None}},
        {"directories": {"a": "b"}},
        {"directories": {"a": [["b"]]}},
        {"absent": {"a": {}}},
        {"stats": {"a": "file"}},
        {"stats": {"a": "file 0644 0 0 0 x"}},
        {"stats": {"a": "file 9999 0 0 0 0"}},
        {"stats": {"a": "file 0644 0 0 0 " + "9" * 5000}},
        {"binary": {"a": "QUJD"}},
        {"binary": {"a": {"base64": "QUJ", "complete": True}}},
        {"binary": {"a": {"base64": "\N{EURO SIGN}", "complete": True}}},
        {"binary": {"a": {"base64": "QUJD", "complete": 1}}},
        {"gaps": {"text a": "tired"}},
        {"gaps": {"text a": ["denied"]}},
        {"commands": {"dmesg": {}}},
    ],
    ids=str,
)
def test_a_section_of_another_form_is_refused(sections: dict[str, Any]) -> None:
    assert "has a form that it must not have" in refusal(holding(**sections))


def test_a_hostile_key_stays_within_one_line() -> None:
    message = refusal(holding(files={"a" * 10_000: 1}))
    assert len(message) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
SECTIONS = st.sampled_from(
    (
        "absent",
        "binary",
        "commands",
        "directories",
        "files",
        "gaps",
        "heads",
        "lines",
        "links",
        "questions",
        "stats",
    )
)


@given(document=st.dictionaries(SECTIONS, JSON, max_size=4))
def test_no_document_raises_anything_but_a_refusal(document: dict[str, Any]) -> None:
    try:
        host = CaptureHost.parse(holding(**document), "x")
    except UsageError:
        return
    host.names("")
    host.text("")


@given(text=st.text(max_size=200))
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    looks_like_capture(text)
    with pytest.raises(UsageError):
        CaptureHost.parse(text, "x")


def test_paths_and_commands_of_a_capture_reach_nothing_of_this_machine(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("ours")
    host = CaptureHost.parse(
        holding(
            links={"etc/x": str(secret), "up": "../../../etc/passwd"},
            directories={"etc": ["../../passwd"]},
            commands={f"touch {tmp_path}/made": "done"},
        ),
        "x",
    )
    for path in (str(secret), str(secret).lstrip("/"), "../../../../etc/passwd", "etc/x", "/etc/passwd"):
        answer = host.text(path)
        assert isinstance(answer, Unread)
        assert answer.gap is Gap.UNTOLD
    assert host.run(Command(("touch", f"{tmp_path}/made"))) == "done"
    assert not (tmp_path / "made").exists()


def test_a_long_recorded_text_is_malformed_like_a_long_file() -> None:
    host = CaptureHost.parse(holding(files={"a": "x" * 2000, "b": "\N{EURO SIGN}" * 400}), "x")
    assert host.text("a", 1000) == Unread("a", Gap.MALFORMED, "longer than 1000 bytes")
    assert host.text("b", 1000) == Unread("b", Gap.MALFORMED, "longer than 1000 bytes")
    assert host.text("b", 1200) == "\N{EURO SIGN}" * 400


def test_a_capture_edited_by_hand_is_read_like_one_that_was_not() -> None:
    host = CaptureHost.parse(holding(directories={"a": ["c", "b"]}, files={"f": ["one", "two"]}), "x")
    assert host.names("a") == ("b", "c")
    assert host.text("f") == "one\ntwo"


def test_half_a_surrogate_pair_does_not_reach_the_terminal() -> None:
    files = '{"a\\ud800": "x\\uDFFFy", "b": "\\ud83d\\ude00"}'
    text = f'{{"schema": "{SCHEMA}", "files": {files}}}'
    host = CaptureHost.parse(text, "x")
    assert host.text("a?") == "x?y"
    assert host.text("b") == "\N{GRINNING FACE}"
