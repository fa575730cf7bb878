"""The quick printer of JSON writes the bytes that json would."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from vfio_wizard.model.finding import Severity
from vfio_wizard.report.json_text import json_text

_LEAVES = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text()
    | some.sampled_from(list(Severity))
)
_DOCUMENTS = some.recursive(
    _LEAVES, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner) | some.tuples(inner)
)


@given(_DOCUMENTS)
def test_it_is_what_json_prints(document: Any) -> None:
    assert json_text(document) == json.dumps(document, sort_keys=True, indent=2, ensure_ascii=True) + "\n"


def test_names_from_devices_reach_no_terminal_as_they_are() -> None:
    text = json_text({"name": "\x1b]0;owned\x07 \u202e\ud800\U0001f5a5"})
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text) == {"name": "\x1b]0;owned\x07 \u202e\ud800\U0001f5a5"}


@pytest.mark.parametrize("wrong", [{1: "a"}, {"a": {2}}, b"bytes", float("nan"), [float("inf")]])
def test_what_json_has_no_form_for_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError):
        json_text(wrong)
