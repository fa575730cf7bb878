"""Records that are quick to define: ``typing.NamedTuple`` without what a type checker needs only once.

``typing.NamedTuple`` compiles each annotation of each class when a module is imported: 160 µs for a record
of six fields under ``from __future__ import annotations``, 55 µs without (CPython 3.11). A check imports a
hundred records before it looks at anything. For type checkers the name *is* typing's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    _NOT_COPIED = frozenset(
        ("__annotations__", "__classcell__", "__dict__", "__module__", "__qualname__", "__weakref__")
    )

    class _Meta(type):
        """Turns the body of a class into a tuple with names, as typing's own does."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            kinds = body.get("__annotations__", {})
            defaults = [body[field] for field in kinds if field in body]
            if [field for field in kinds if field in body] != list(kinds)[len(kinds) - len(defaults) :]:
                message = f"{name}: a field without a default stands behind one that has one"
                raise TypeError(message)
            made = namedtuple(name, kinds, defaults=defaults, module=body["__module__"])
            made.__annotations__ = kinds
            for key, value in body.items():
                if key not in kinds and key not in _NOT_COPIED:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Meta):
        """The base that is written in a class statement; no record ever inherits from it."""


__all__ = ["NamedTuple"]
