"""Closed sets of words and of numbers that are quick to define: ``StrEnum`` and ``IntEnum``.

``import enum`` costs 2 ms and each class 0.1 ms (CPython 3.11), of the 40 that a whole check may take. Here
is what the program uses of them: members by name, by value and in order, each the value that it stands for.
For type checkers the names *are* enum's.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import IntEnum, StrEnum
else:

    class _Meta(type):
        """Turns the words in the body of a class into its members."""

        def __new__(cls, name, bases, body):
            kind = _kind(bases)
            told = {key: value for key, value in body.items() if key[:1] != "_" and type(value) is kind}
            made = super().__new__(cls, name, bases, {k: v for k, v in body.items() if k not in told})
            made._by_value = {}
            made.__members__ = {}
            for key, value in told.items():
                member = made._by_value.get(value)
                if member is None:
                    member = made._by_value[value] = kind.__new__(made, value)
                    member.name, member.value = key, value
                made.__members__[key] = member
                type.__setattr__(made, key, member)
            return made

        def __call__(cls, value):
            try:
                return cls._by_value[value]
            except (KeyError, TypeError):
                message = f"{value!r} is not a valid {cls.__qualname__}"
                raise ValueError(message) from None

        def __getitem__(cls, name):
            return cls.__members__[name]

        def __iter__(cls):
            return iter(cls._by_value.values())

        def __len__(cls):
            return len(cls._by_value)

        def __contains__(cls, value):
            return isinstance(value, cls) or value in cls._by_value

        def __setattr__(cls, name, value):
            if name in cls.__dict__.get("__members__", ()):
                message = f"cannot reassign member {name!r}"
                raise AttributeError(message)
            super().__setattr__(name, value)

    def _kind(bases):
        return next((kind for kind in (str, int) for base in bases if issubclass(base, kind)), None)

    class _Member:
        """What members of both kinds have in common."""

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

        def __reduce_ex__(self, protocol):
            return type(self), (self.value,)

        def __copy__(self):
            return self

        def __deepcopy__(self, memo):
            return self

    class StrEnum(_Member, str, metaclass=_Meta):
        """Words; a member is a text."""

        __str__ = str.__str__
        __format__ = str.__format__

    class IntEnum(_Member, int, metaclass=_Meta):
        """Numbers; a member is one."""

        __str__ = int.__repr__
        __format__ = int.__format__


__all__ = ["IntEnum", "StrEnum"]
