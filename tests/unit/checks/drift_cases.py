"""The third part of the table: a change of this program that is in force, and what became of it."""

from __future__ import annotations

from tests.facts_builder import (
    GPU,
    RELEASE,
    card,
    good_machine,
    in_force,
    integrated,
    make_function,
    port,
)
from tests.unit.checks.case import Case
from vfio_wizard.model.applied import SeenImage
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.unread import Gap, Unread

LATER = "6.99.1-later"
CLOSED = Unread("var/lib/vfio-wizard/state.json", Gap.DENIED)
NEW_IMAGE = Unread("boot/initrd-later", Gap.DENIED, "run as root")


def _later(vfio: bool | Unread, early: bool | Unread) -> SeenImage:
    return SeenImage(LATER, "boot/initrd-later", rebuilt=True, vfio=vfio, early=early)


def _rebuilt(vfio: bool | Unread, early: bool | Unread) -> SeenImage:
    return SeenImage(RELEASE, "boot/initrd", rebuilt=True, vfio=vfio, early=early)


SOMETHING_ELSE = make_function(GPU, "8086:15f3", 0x020000, group=5, driver="igc", boot_vga=None)
MOVED = make_function("0000:04:00.0", "10de:2484", 0x030000, group=9, driver="nouveau", boot_vga=False)

FAILS: tuple[Case, ...] = (
    Case(
        "a later kernel whose image has no vfio-pci",
        "drift.kernels",
        good_machine(applied=in_force(_later(vfio=False, early=False))),
        "lacks vfio-pci and the line",
        "Build the image again",
        subject=LATER,
    ),
    Case(
        "a later kernel whose image has it and does not load it",
        "drift.kernels",
        good_machine(applied=in_force(_later(vfio=True, early=False))),
        "lacks the line that loads vfio-pci first",
        subject=LATER,
    ),
    Case(
        "an image that was rebuilt without it",
        "drift.images",
        good_machine(applied=in_force(_rebuilt(vfio=False, early=False))),
        f"the image of Linux {RELEASE} lacks",
        "predict",
        subject=RELEASE,
    ),
    Case(
        "another device at the address, the card elsewhere",
        "drift.addresses",
        good_machine(pci=(integrated(), port(), SOMETHING_ELSE, card()[1], MOVED)),
        "10de:2484 is at 0000:04:00.0 now",
        "undo",
        subject=GPU,
    ),
    Case(
        "nothing at the address",
        "drift.addresses",
        good_machine(pci=(integrated(), port())),
        f"{GPU} is empty",
        subject=GPU,
    ),
    Case(
        "a kernel update lost the word",
        "drift.parameters",
        good_machine(configured="quiet", applied=in_force(add=("vfio-pci.ids=10de:2484",))),
        "vfio-pci.ids=10de:2484 is gone",
        "plan",
    ),
    Case(
        "a word that was taken away is back",
        "drift.parameters",
        good_machine(configured="intel_iommu=off", applied=in_force(remove=("intel_iommu=off",))),
        "intel_iommu=off is back",
    ),
)

PASSES: tuple[Case, ...] = (
    Case(
        "a later kernel that has it",
        "drift.kernels",
        good_machine(applied=in_force(_later(vfio=True, early=True))),
        "has what the change needs",
        subject=LATER,
    ),
    Case(
        "an image that was rebuilt with it",
        "drift.images",
        good_machine(applied=in_force(_rebuilt(vfio=True, early=True))),
        "has what the change needs",
    ),
    Case(
        "the words are stored",
        "drift.parameters",
        good_machine(configured="quiet iommu=pt", applied=in_force(add=("iommu=pt",))),
        "has the words",
    ),
)

GAPS: dict[str, HostFacts] = {
    "drift.kernels": good_machine(applied=in_force(_later(vfio=NEW_IMAGE, early=NEW_IMAGE))),
    "drift.images": good_machine(applied=CLOSED),
    "drift.addresses": good_machine(applied=CLOSED),
    "drift.parameters": good_machine(configured=Unread("boot/grub/grub.cfg", Gap.DENIED)),
}
