"""What a knowledge file may say: tables, their keys, and the closed words of each key.

One grammar for the files of the package (``knowledge/data``), which a script compiles, and for those of
the user (``/etc/vfio-wizard/quirks.d``), which are read when they are there.
"""

from __future__ import annotations

from typing import Any

from vfio_wizard.model.record import NamedTuple

Row = tuple[Any, ...]
"""The values of one entry in the order of its keys."""
Rows = tuple[Row, ...]
Key = tuple[str, str, str]
"""Name, form (see ``FORMS``) and the words that are allowed, or the value where it may be left out."""

FORMS = {
    "text": "a text that is not empty",
    "text?": "a text, or nothing",
    "texts": "a list of texts",
    "word": "one of the listed words",
    "yes": "true or false",
    "ids": "a list of four hex digits each, in small letters",
    "hex": "four hex digits in small letters",
    "version": "a kernel version such as 6.11",
    "version?": "a kernel version such as 6.11, or nothing",
}

TABLES: dict[str, tuple[Key, ...]] = {
    "reset": (
        ("generation", "text", ""),
        ("family", "text", ""),
        ("affected", "word", "yes reported board untold"),
        ("vendor_reset", "yes", ""),
        ("devices", "ids", ""),
        ("source", "text", ""),
        ("vendor", "hex", "1002"),
    ),
    "switch": (
        ("purpose", "word", "cpu iommu above-4g rebar csm acs"),
        ("cpu_vendor", "word", "amd intel any"),
        ("maker", "text?", ""),
        ("product", "text?", ""),
        ("words", "text", ""),
        ("source", "text", ""),
    ),
    "parameter": (
        ("name", "text", ""),
        ("value", "text?", ""),
        ("since", "version?", ""),
        (
            "when",
            "word",
            "always amd intel intel-default-on remapping-on not-suse not-dracut not-patched",
        ),
        ("harmless", "yes", ""),
        ("why", "text", ""),
        ("instead", "text?", ""),
        ("source", "text", ""),
    ),
    "module": (("name", "text", ""), ("since", "version", ""), ("why", "text", ""), ("source", "text", "")),
    "unsafe": (("name", "text", ""), ("value", "text", ""), ("why", "text", ""), ("source", "text", "")),
    "milestone": (
        ("name", "text", ""),
        ("since", "version", ""),
        ("mark", "word", "confirmed reported"),
        ("what", "text", ""),
        ("source", "text", ""),
    ),
    "verified": (("kernel", "version", ""), ("how", "text", ""), ("source", "text", "")),
    "way": (
        ("chain", "text", ""),
        ("family", "text?", ""),
        ("place", "text", ""),
        ("add", "text?", ""),
        ("remove", "text?", ""),
        ("finish", "text?", ""),
        ("source", "text", ""),
    ),
    "symptom": (
        ("area", "text", ""),
        ("sees", "text", ""),
        ("told", "text", ""),
        ("do", "text?", ""),
        ("source", "text", ""),
    ),
    "log": (
        ("holds", "texts", ""),
        ("weight", "word", "warning note"),
        ("who", "word", "user firmware vendor nobody"),
        ("says", "text", ""),
        ("do", "text", ""),
        ("source", "text", ""),
    ),
}
USERS_OWN = ("reset", "switch", "parameter", "module", "log")
"""What a user may add: what makes the program doubt or advise, nothing that makes it content."""

_HEX = frozenset("0123456789abcdef")


class Parsed(NamedTuple):
    """Entries by table, and one line for each thing that is wrong; a wrong entry is left out."""

    rows: dict[str, Rows]
    problems: tuple[str, ...]


def parse(text: str, tables: tuple[str, ...] = tuple(TABLES)) -> Parsed:
    """Read one TOML text. Never raises: what is wrong becomes a line of ``problems``."""
    import tomllib  # noqa: PLC0415 - only where such a file exists

    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Parsed({}, (f"no TOML: {error}",))
    rows: dict[str, Rows] = {}
    problems: list[str] = []
    for table, entries in document.items():
        if table not in tables:
            problems.append(f"unknown table {table!r}{_nearest(table, tables)}")
        elif not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            problems.append(f"{table}: write it as [[{table}]], once for each entry")
        else:
            found = [_row(table, number, entry, problems) for number, entry in enumerate(entries, 1)]
            rows[table] = tuple(one for one in found if one is not None)
    return Parsed(rows, tuple(problems))


def _row(table: str, number: int, entry: dict[str, Any], problems: list[str]) -> Row | None:
    where = f"{table} {number}"
    names = tuple(name for name, _, _ in TABLES[table])
    before = len(problems)
    problems += [f"{where}: unknown key {key!r}{_nearest(key, names)}" for key in entry if key not in names]
    if len(problems) > before:
        return None  # a mistyped key is missing too, and one line about it is enough
    values = [_value(where, key, entry, problems) for key in TABLES[table]]
    return tuple(values) if len(problems) == before else None


def _value(where: str, key: Key, entry: dict[str, Any], problems: list[str]) -> Any:
    name, form, extra = key
    if name not in entry:
        if form.endswith("?") or (form == "hex" and extra):
            return extra if form == "hex" else None
        problems.append(f"{where}: {name} is missing ({_expected(form, extra)})")
        return None
    value = entry[name]
    if not _fits(value, form, extra):
        near = _nearest(value, tuple(extra.split())) if form == "word" and isinstance(value, str) else ""
        problems.append(f"{where}: {name} must be {_expected(form, extra)}{near}")
        return None
    return _told(value, form)


def _fits(value: Any, form: str, extra: str) -> bool:
    if form in ("text", "text?"):
        return isinstance(value, str) and (form == "text?" or bool(value.strip()))
    if form == "word":
        return isinstance(value, str) and value in extra.split()
    if form == "yes":
        return isinstance(value, bool)
    if form in ("ids", "texts"):
        return isinstance(value, list) and bool(value) and all(_fits(one, form[:-1], "") for one in value)
    if form in ("id", "hex"):
        return isinstance(value, str) and len(value) == 4 and set(value) <= _HEX
    return isinstance(value, str) and _version(value) is not None


def _told(value: Any, form: str) -> Any:
    if form == "ids":
        return " ".join(value)
    if form == "texts":
        return tuple(value)
    return _version(value) if form.startswith("version") else value


def _version(text: str) -> tuple[int, int] | None:
    major, dot, minor = text.partition(".")
    digits = major + minor
    if not dot or not major or not minor or not (digits.isascii() and digits.isdigit()) or len(digits) > 8:
        return None
    return int(major), int(minor)


def _expected(form: str, extra: str) -> str:
    return f"one of {', '.join(extra.split())}" if form == "word" else FORMS[form]


def _nearest(name: str, names: tuple[str, ...]) -> str:
    import difflib  # noqa: PLC0415 - only for the reader who mistyped

    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names)}"
