"""Whether a change that this program made still holds: kernels, images, places and parameters move on.

Where no change is in force these checks say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.outcome import Seen, by_user, failed, passed, unknown
from vfio_wizard.model.applied import BoundFunction, InForce, SeenImage
from vfio_wizard.model.finding import Fix, Outcome, Severity
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.unread import Unread, known, untold

STATE = "var/lib/vfio-wizard/state.json"
IDS = ("drift.kernels", "drift.images", "drift.addresses", "drift.parameters")


def _in_force(case: Situation) -> InForce | None | Unread:
    return case.facts.applied


def _no_state(gap: Unread) -> Outcome:
    return unknown(
        "whether a change of this program is in force is not known",
        gap,
        "look into it as root.",
        ("cat", f"/{STATE}"),
    )


# -- kernels and images ---------------------------------------------------------------------------


def _kernels(case: Situation) -> Iterator[Outcome]:
    yield from _about_images(case, later=True)


def _images(case: Situation) -> Iterator[Outcome]:
    yield from _about_images(case, later=False)


def _about_images(case: Situation, *, later: bool) -> Iterator[Outcome]:
    found = _in_force(case)
    if isinstance(found, Unread):
        yield _no_state(found)
        return
    if found is None:
        return
    concerned = [one for one in found.images if _is_later(found, one) is later and (later or one.rebuilt)]
    if not concerned:
        what = "no kernel came after the change" if later else "the images are those that were looked into"
        yield passed(what, (STATE, f"kernels: {', '.join(found.state.kernels)}"))
    for image in concerned:
        yield _judged(found, image)


def _is_later(found: InForce, image: SeenImage) -> bool:
    return image.release not in found.state.kernels


def _judged(found: InForce, image: SeenImage) -> Outcome:
    """An image must hold what those held that were looked into."""
    needs = (
        ("vfio-pci", any(one.vfio for one in found.state.images), image.vfio),
        ("the line that loads vfio-pci first", any(one.early for one in found.state.images), image.early),
    )
    gap = next((has for _, wanted, has in needs if wanted and isinstance(has, Unread)), None)
    lacks = [what for what, wanted, has in needs if wanted and has is False]
    if lacks:
        summary = f"the image of Linux {image.release} lacks {' and '.join(lacks)}"
        return failed(
            summary, _REBUILD, (image.path, f"without {' and '.join(lacks)}"), subject=image.release
        )
    if gap is not None:
        how = "as root: vfio-wizard verify."
        summary = f"what is in the image of Linux {image.release} is not known"
        return unknown(summary, gap, how, ("sudo", "vfio-wizard", "verify"), subject=image.release)
    seen: Seen = (image.path, "has what the change needs")
    return passed(
        f"the image of Linux {image.release} has what the change needs", seen, subject=image.release
    )


_REBUILD: Fix = by_user(
    "Build the image again (update-initramfs, dracut or mkinitcpio), and look: vfio-wizard predict. If it "
    "still lacks it, the generator's configuration was changed: sudo vfio-wizard undo, then apply again.",
    ("vfio-wizard", "predict"),
)


# -- addresses ------------------------------------------------------------------------------------


def _addresses(case: Situation) -> Iterator[Outcome]:
    found = _in_force(case)
    if isinstance(found, Unread):
        yield _no_state(found)
        return
    if found is None:
        return
    if isinstance(case.facts.pci, Unread):
        yield unknown("where the devices sit is not known", case.facts.pci, "list them.", ("lspci", "-Dnn"))
        return
    for function in found.state.functions:
        yield _placed(case, function)


def _placed(case: Situation, function: BoundFunction) -> Outcome:
    here = case.functions.get(function.address)
    told: Seen = (STATE, f"{function.address} was {function.id}")
    gap = _untold(here, function)
    if gap is not None:
        summary = f"whether {function.address} is still what it was is not known"
        return unknown(summary, gap, "list what is there.", ("lspci", "-Dnn"), subject=function.address)
    identity = None if here is None else known(here.id, None)
    if identity is not None and identity == function.id:
        return passed(f"{function.id} is still at {function.address}", told, subject=function.address)
    elsewhere = _same_model(case, function)
    now = f"{function.address} is {identity or 'empty'}"
    moved = f"; {function.id} is at {', '.join(map(str, elsewhere))} now" if elsewhere else ""
    return failed(
        f"{now} since the change was made{moved}",
        _MOVED,
        told,
        (f"sys/bus/pci/devices/{function.address}", now),
        subject=function.address,
    )


def _untold(here: PciFunction | None, function: BoundFunction) -> Unread | None:
    """Why the identity then and the one now cannot be compared; an empty place needs no comparing."""
    if here is None:
        return None
    if function.id is None:
        return untold(STATE, f"the identity of {function.address} was not known when the change was made")
    return here.id if isinstance(here.id, Unread) else None


def _same_model(case: Situation, function: BoundFunction) -> list[PciAddress]:
    return [one.address for one in case.functions.values() if known(one.id, None) == function.id]


_MOVED: Fix = by_user(
    "Hardware that is added or taken out renumbers what is behind it. Take the change back and make it anew "
    "for the new address, and put that into the guest too: sudo vfio-wizard undo, then vfio-wizard apply.",
    ("vfio-wizard", "groups"),
)


# -- parameters -----------------------------------------------------------------------------------


def _parameters(case: Situation) -> Iterator[Outcome]:
    found = _in_force(case)
    if isinstance(found, Unread):
        yield _no_state(found)
        return
    if found is None:
        return
    line, origin = case.facts.boot.configured, case.facts.boot.configured_origin
    if isinstance(line, Unread):
        yield unknown("the stored kernel command line is not known", line, "as root: vfio-wizard verify.")
        return
    lost = [word for word in found.state.add if not line.has(word)]
    back = [word for word in found.state.remove if line.has(word)]
    if not lost and not back:
        yield passed("the stored kernel command line has the words of the change", (origin, str(line)))
        return
    words = [*(f"{word} is gone" for word in lost), *(f"{word} is back" for word in back)]
    yield failed(
        f"the stored kernel command line was changed: {', '.join(words)}", _AGAIN, (origin, str(line))
    )


_AGAIN: Fix = by_user(
    "An update or somebody wrote the boot configuration anew. See what is missing with vfio-wizard plan; "
    "sudo vfio-wizard undo and then apply put it back.",
    ("vfio-wizard", "plan"),
)


KERNELS = Check(
    id="drift.kernels",
    title="Kernels that came after the change",
    severity=Severity.WARNING,
    claim="Each kernel that was installed after vfio-wizard's change has what the change needs in its image.",
    fails_when="The image of a later kernel lacks vfio-pci, or does not load it first.",
    why="The newest kernel boots: one update later the card may be back with the host's driver.",
    run=_kernels,
    references=("Debian: update-initramfs(8)", "systemd: kernel-install(8)"),
    verify="Afterwards vfio-wizard predict says vfio-pci for that kernel.",
)
IMAGES = Check(
    id="drift.images",
    title="Images that were rebuilt",
    severity=Severity.WARNING,
    claim="Each initramfs image that was rebuilt since vfio-wizard's change still has what the change needs.",
    fails_when="A rebuilt image lacks vfio-pci, or does not load it first.",
    why="Any package may rebuild an image, with whatever the generator's configuration says by then.",
    run=_images,
    references=("Debian: update-initramfs(8)", "systemd: kernel-install(8)"),
    verify="Afterwards vfio-wizard predict says vfio-pci for that kernel.",
)
ADDRESSES = Check(
    id="drift.addresses",
    title="Cards where they were",
    severity=Severity.WARNING,
    claim="Each function that vfio-wizard gave to vfio-pci is still the same model at the same address.",
    fails_when="Another device is at the address, or none, since hardware was added or taken out.",
    why="What is bound by address would be the wrong device, which may be the disk controller.",
    run=_addresses,
    references=("systemd.net-naming-scheme(7): names from slots and addresses move with the hardware",),
    verify="Afterwards the address is that of the card again in vfio-wizard groups.",
)
PARAMETERS = Check(
    id="drift.parameters",
    title="Parameters that stay",
    severity=Severity.WARNING,
    claim="The stored kernel command line still has the words that vfio-wizard put there.",
    fails_when="A word of the change is gone from the stored line, or one that it took away is back.",
    why="The next boot goes by the stored line; that this one was right says nothing about it.",
    run=_parameters,
    references=("rhboot/grubby#55",),
    verify="Afterwards vfio-wizard plan says that there is nothing to do.",
)
