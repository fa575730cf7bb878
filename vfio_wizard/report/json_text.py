"""One JSON object as text: what ``json.dumps`` prints with sorted keys and an indent of two, in ASCII.

``import json`` compiles its decoder's patterns (4 ms of the 40 of a check), and with an indent it encodes in
Python as well. No terminal obeys a name that is printed in ASCII.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from json.encoder import encode_basestring_ascii as _quoted
else:
    try:
        from _json import encode_basestring_ascii as _quoted  # json's own, without the rest of it
    except ImportError:
        from json.encoder import encode_basestring_ascii as _quoted

_WORDS = {None: "null", True: "true", False: "false"}


def json_text(document: object) -> str:
    """The text, with a newline at its end. Raises TypeError for what JSON has no form for."""
    return _text(document, "\n") + "\n"


def _text(value: object, line: str) -> str:
    """``line`` is a newline and the blanks before what encloses the value."""
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return int.__repr__(value)
    inner = f"{line}  "
    if isinstance(value, dict):
        items = [f"{_key(name)}: {_text(value[name], inner)}" for name in sorted(value)]
        return f"{{{inner}{f',{inner}'.join(items)}{line}}}" if items else "{}"
    if isinstance(value, list | tuple):
        items = [_text(one, inner) for one in value]
        return f"[{inner}{f',{inner}'.join(items)}{line}]" if items else "[]"
    if isinstance(value, float) and value - value == 0:  # neither infinite nor no number
        return float.__repr__(value)
    message = f"JSON has no form for {value!r}"
    raise TypeError(message)


def _key(name: object) -> str:
    if isinstance(name, str):
        return _quoted(name)
    message = f"not a key of a JSON object: {name!r}"
    raise TypeError(message)
