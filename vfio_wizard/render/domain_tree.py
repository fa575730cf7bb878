"""XML elements by hand: every value escaped by the printer, and what XML cannot say refused."""

from __future__ import annotations

from xml.etree.ElementTree import Element, indent, tostring

from vfio_wizard.model.errors import UsageError

Value = str | int | None


def node(tag: str, /, *children: Element | None, text: Value = None, **attributes: Value) -> Element:
    """One element; children and attributes that are None are left out, in the order given.

    Raises UsageError for text that XML cannot hold.
    """
    made = Element(tag, {name: _said(value) for name, value in attributes.items() if value is not None})
    if text is not None:
        made.text = _said(text)
    made.extend(child for child in children if child is not None)
    return made


def switch(tag: str, on: bool = True, **attributes: Value) -> Element:
    """``<tag state='on'/>``."""
    return node(tag, state="on" if on else "off", **attributes)


def _said(value: str | int) -> str:
    text = str(value)
    wrong = next((char for char in text if not _is_plain(char)), None)
    if wrong is not None:
        msg = f"{text!r} cannot stand in a domain: {wrong!r} is a control character, or none that XML has"
        raise UsageError(msg)
    return text


def _is_plain(char: str) -> bool:
    """No control character (XML turns those it has into others when read back), and one of XML's own."""
    code = ord(char)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return False
    return not (0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF))


def to_text(root: Element) -> str:
    """The document in libvirt's own form: two blanks a level, no blank before the slash."""
    indent(root)
    # A ">" within a value is printed as "&gt;", so that " />" is only ever the end of an element.
    return tostring(root, encoding="unicode").replace(" />", "/>") + "\n"
