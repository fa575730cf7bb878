"""Records that are quick to define: ``typing.NamedTuple`` without what is needed once for each class there.

``typing.NamedTuple`` compiles each annotation of each class when a module is imported, and both it and
``collections.namedtuple`` compile a constructor from text: 160 and 55 µs for a record of six fields, 8 µs
here (CPython 3.11). A check imports a hundred records before it looks at anything. A constructor here is one
that was compiled for its number of fields, with other names for them. For type checkers the name *is*
typing's.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    try:
        from _collections import _tuplegetter as _getter  # what collections.namedtuple uses
    except ImportError:
        from operator import itemgetter

        def _getter(position, text):
            return property(itemgetter(position), doc=text)

    _new = tuple.__new__
    _names = {"_new": _new, "_tuple_new": _new, "__builtins__": {}}
    _function = type(lambda: None)
    _NOT_COPIED = frozenset(("__dict__", "__qualname__", "__weakref__"))

    # Constructors by number of fields.
    _SHAPES = [
        (lambda _cls: _new(_cls, ())).__code__,
        (lambda _cls, a: _new(_cls, (a,))).__code__,
        (lambda _cls, a, b: _new(_cls, (a, b))).__code__,
        (lambda _cls, a, b, c: _new(_cls, (a, b, c))).__code__,
        (lambda _cls, a, b, c, d: _new(_cls, (a, b, c, d))).__code__,
        (lambda _cls, a, b, c, d, e: _new(_cls, (a, b, c, d, e))).__code__,
        (lambda _cls, a, b, c, d, e, f: _new(_cls, (a, b, c, d, e, f))).__code__,
        (lambda _cls, a, b, c, d, e, f, g: _new(_cls, (a, b, c, d, e, f, g))).__code__,
        (lambda _cls, a, b, c, d, e, f, g, h: _new(_cls, (a, b, c, d, e, f, g, h))).__code__,
        (lambda _cls, a, b, c, d, e, f, g, h, i: _new(_cls, (a, b, c, d, e, f, g, h, i))).__code__,
        (lambda _cls, a, b, c, d, e, f, g, h, i, j: _new(_cls, (a, b, c, d, e, f, g, h, i, j))).__code__,
        (
            lambda _cls, a, b, c, d, e, f, g, h, i, j, k: _new(_cls, (a, b, c, d, e, f, g, h, i, j, k))
        ).__code__,
        (
            lambda _cls, a, b, c, d, e, f, g, h, i, j, k, m: _new(_cls, (a, b, c, d, e, f, g, h, i, j, k, m))
        ).__code__,
        (
            lambda _cls, a, b, c, d, e, f, g, h, i, j, k, m, n: _new(
                _cls, (a, b, c, d, e, f, g, h, i, j, k, m, n)
            )
        ).__code__,
    ]
    _GETTERS = [_getter(position, f"Field {position}.") for position in range(32)]

    def _long_shape(fields):
        from collections import namedtuple  # noqa: PLC0415 - two records of a check are so long

        return namedtuple("Long", fields).__new__.__code__

    def _constructor(name, fields, defaults):
        """``__new__`` with the names of these fields."""
        shape = _SHAPES[len(fields)] if len(fields) < len(_SHAPES) else _long_shape(fields)
        code = shape.replace(co_varnames=("_cls", *fields), co_name="__new__")
        made = _function(code, _names, "__new__", defaults)
        made.__qualname__ = f"{name}.__new__"
        return made

    class _Record(tuple):
        """What all records have in common, as ``collections.namedtuple`` gives it to each."""

        __slots__ = ()

        @classmethod
        def _make(cls, values):
            made = _new(cls, values)
            if len(made) != len(cls._fields):
                message = f"Expected {len(cls._fields)} arguments, got {len(made)}"
                raise TypeError(message)
            return made

        def _replace(self, /, **changes):
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                message = f"Got unexpected field names: {list(changes)!r}"
                raise ValueError(message)
            return made

        __replace__ = _replace

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            told = ", ".join([f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True)])
            return f"{type(self).__name__}({told})"

        def __getnewargs__(self):
            return tuple(self)

    class _Meta(type):
        """Turns the body of a class into a tuple with names, as typing's own does."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            kinds = body.get("__annotations__", {})
            fields = tuple(kinds)
            own = {key: value for key, value in body.items() if key not in kinds and key not in _NOT_COPIED}
            given = {field: body[field] for field in fields if field in body}
            if tuple(given) != fields[len(fields) - len(given) :]:
                message = f"{name}: a field without a default stands behind one that has one"
                raise TypeError(message)
            while len(_GETTERS) < len(fields):
                _GETTERS.append(_getter(len(_GETTERS), f"Field {len(_GETTERS)}."))
            own |= zip(fields, _GETTERS, strict=False)
            own["__new__"] = _constructor(name, fields, tuple(given.values()))
            own |= {"__slots__": (), "__match_args__": fields, "_fields": fields, "_field_defaults": given}
            own["__qualname__"] = body["__qualname__"]
            return type(name, (_Record,), own)

    class NamedTuple(metaclass=_Meta):
        """The base that is written in a class statement; no record ever inherits from it."""


__all__ = ["NamedTuple"]
