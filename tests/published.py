"""The JSON Schema files of docs/schema, for every test that has a document."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[1] / "docs" / "schema"


@lru_cache
def validator(schema: str) -> jsonschema.Draft202012Validator:
    """Of a schema by its name (``vfio-wizard/check/1``); a schema that is none itself is an error."""
    _, name, number = schema.split("/")
    text = json.loads((FOLDER / f"{name}-{number}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(text)
    assert text["properties"]["schema"]["const"] == schema
    return jsonschema.Draft202012Validator(text)


def document(text: str, schema: str) -> dict[str, Any]:
    """A printed document that calls itself ``schema`` and keeps to it."""
    told: dict[str, Any] = json.loads(text)
    assert told["schema"] == schema
    validator(schema).validate(told)
    return told
