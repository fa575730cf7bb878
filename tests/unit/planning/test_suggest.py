"""One spare card is suggested; between two, or with none, the user is asked."""

from __future__ import annotations

import pytest

from tests.facts_builder import BRIDGE, GPU, at, card, good_machine, integrated, make_function
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.unread import untold
from vfio_wizard.planning.suggest import suggest


def test_the_one_card_beside_the_one_that_boots_is_suggested() -> None:
    assert suggest(good_machine()) == at(GPU)


def test_the_only_card_is_never_suggested_but_named() -> None:
    with pytest.raises(UsageError, match=r"decision of yours.*--gpu"):
        suggest(good_machine(pci=card(boot_vga=True)))


def test_between_two_spare_cards_the_user_is_asked() -> None:
    second = make_function(
        "0000:0a:00.0", "10de:2204", 0x030000, parent=at(BRIDGE), group=40, boot_vga=False, driver="nouveau"
    )
    with pytest.raises(UsageError, match=r"more than one card could be meant.*0000:0a:00\.0"):
        suggest(good_machine(pci=(integrated(), *card(), second)))


def test_a_machine_without_cards_or_functions_says_so() -> None:
    with pytest.raises(UsageError, match="no graphics card here"):
        suggest(good_machine(pci=()))
    with pytest.raises(UsageError, match="no PCI functions were read"):
        suggest(good_machine(pci=untold("sys/bus/pci/devices")))
