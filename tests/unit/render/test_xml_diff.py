"""Two descriptions of a guest compared by what they say, not by how they are written."""

from __future__ import annotations

from vfio_wizard.render.xml_diff import difference

OLD = "<domain type='kvm'>\n  <name>guest</name>\n  <memory unit='KiB'>8</memory>\n  <devices/>\n</domain>"


def test_quotes_blanks_and_the_order_of_attributes_are_no_difference() -> None:
    other = '<domain type="kvm"><name>guest</name><memory unit="KiB">8</memory><devices></devices></domain>'
    assert difference(OLD, other) == ()
    assert difference("<a x='1' y='2'/>", "<a y='2' x='1'/>") == ()


def test_a_change_is_shown_as_one_line_for_each_element() -> None:
    new = OLD.replace(">8<", ">16<").replace("<devices/>", "<devices><hostdev mode='subsystem'/></devices>")
    lines = difference(OLD, new)
    assert [one for one in lines if one[:1] in "+-"] == [
        "--- as it is",
        "+++ as it would be",
        "-  <memory unit='KiB'>8</memory>",
        "-  <devices/>",
        "+  <memory unit='KiB'>16</memory>",
        "+  <devices>",
        "+    <hostdev mode='subsystem'/>",
        "+  </devices>",
    ]


def test_words_beside_elements_and_signs_that_mean_something_are_kept() -> None:
    lines = difference("<a>words &amp; more<b/></a>", "<a>words<b/></a>")
    assert "-  words &amp; more" in lines
    assert "+  words" in lines
