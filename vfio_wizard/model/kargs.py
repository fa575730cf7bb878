"""A kernel command line: ordered, with repeats, quoted as the kernel reads it."""

from __future__ import annotations

from vfio_wizard.model.record import NamedTuple


def split_words(text: str) -> tuple[str, ...]:
    """Split as the kernel does (lib/cmdline.c next_arg): blanks separate, double quotes protect.

    Quotes stay part of the word, so that joining gives the same line again.
    """
    words: list[str] = []
    word = ""
    quoted = False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char in " \t\n\r\v\f" and not quoted:
            if word:
                words.append(word)
            word = ""
        else:
            word += char
    if word:
        words.append(word)
    return tuple(words)


class Kargs(NamedTuple):
    """Kernel parameters in order. Edits return a new value and are idempotent."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Kargs:
        """Read one command line; never fails, since the kernel accepts any text."""
        return cls(split_words(text))

    def __str__(self) -> str:
        """The line that the boot loader would pass."""
        return " ".join(self.words)

    def values(self, name: str) -> tuple[str, ...]:
        """All values given for a parameter before ``--``, in order; a bare word counts as ``""``.

        Dash and underscore are the same in a parameter's name, as in the kernel's parameq.
        """
        wanted = _same(name)
        found = []
        for word in self.kernel_words:
            key, _, value = word.partition("=")
            if _same(key.strip('"')) == wanted:
                found.append(value.strip('"'))
        return tuple(found)

    def value(self, name: str) -> str | None:
        """The last value given, which for most parameters is the one that counts; else None."""
        found = self.values(name)
        return found[-1] if found else None

    @property
    def kernel_words(self) -> tuple[str, ...]:
        """The words before ``--``; those behind it belong to init."""
        return self.words[: self.words.index("--")] if "--" in self.words else self.words

    def has(self, word: str) -> bool:
        """Whether this exact parameter (name and value) is on the line."""
        name, equals, value = word.partition("=")
        if not equals:
            return "" in self.values(name)
        return value.strip('"') in self.values(name)

    def append_if_missing(self, word: str) -> Kargs:
        """Add a parameter at the end of the kernel's part, unless it is there already."""
        if self.has(word):
            return self
        head = self.kernel_words
        return Kargs((*head, word, *self.words[len(head) :]))

    def delete_if_present(self, word: str) -> Kargs:
        """Take away every occurrence of exactly this parameter."""
        head = self.kernel_words
        kept = tuple(one for one in head if not Kargs((one,)).has(word))
        return Kargs((*kept, *self.words[len(head) :]))


def _same(name: str) -> str:
    return name.replace("-", "_")
