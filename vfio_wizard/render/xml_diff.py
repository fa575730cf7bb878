"""Two domains compared as libvirt would read them: order of attributes, quotes and blanks do not count."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from vfio_wizard.render.xml_text import Document, Element, escaped, tag


def difference(old: str, new: str, context: int = 2) -> tuple[str, ...]:
    """The lines of a unified difference; none where both say the same."""
    before, after = list(_lines(Document(old).root, 0)), list(_lines(Document(new).root, 0))
    lines = difflib.unified_diff(before, after, "as it is", "as it would be", n=context, lineterm="")
    return tuple(lines)


def _lines(element: Element, depth: int) -> Iterator[str]:
    """One element a line, attributes sorted."""
    blanks = "  " * depth
    attributes = sorted(element.attributes.items())
    if not element.children:
        if element.words:
            yield f"{blanks}{tag(element.name, attributes, '>')}{escaped(element.words)}</{element.name}>"
        else:
            yield f"{blanks}{tag(element.name, attributes)}"
        return
    yield f"{blanks}{tag(element.name, attributes, '>')}"
    if element.words:
        yield f"{blanks}  {escaped(element.words)}"
    for child in element.children:
        yield from _lines(child, depth + 1)
    yield f"{blanks}</{element.name}>"
