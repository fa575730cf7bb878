"""How to start without passthrough when it went wrong, in words for a person in front of a boot menu."""

from __future__ import annotations

from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.plan import BindBy
from vfio_wizard.planning.parameters import IDS
from vfio_wizard.render.edit import EditError
from vfio_wizard.render.entryfile import WITHOUT
from vfio_wizard.render.scene import Scene
from vfio_wizard.render.shellfile import value_of


def _word(scene: Scene) -> str:
    """The word that gives the cards to vfio-pci, and those that take the console away from them."""
    first = SWITCH if scene.plan.bind.by is BindBy.ADDRESS else f"the word that begins with {IDS}="
    words = (one.word for one in scene.plan.missing())
    return " and ".join((first, *(one for one in words if one.startswith(("video=", "initcall_blacklist=")))))


def editor(scene: Scene, menu: str, keys: str) -> str:
    """For this one start, by hand."""
    return (
        f"For one start only: {menu}, take out {_word(scene)}, {keys}. "
        "The host's own drivers then have the card, whatever is in the initramfs."
    )


def grub(scene: Scene) -> tuple[str, ...]:
    """Recovery entries lack the DEFAULT variable, where there are any."""
    by_menu = editor(scene, "in GRUB's menu press e, go to the line that begins with linux", "press Ctrl-X")
    if _no_recovery(scene):
        return (f"{by_menu} (GRUB_DISABLE_RECOVERY is set here, so that there is no recovery entry.)",)
    return (
        'In GRUB\'s menu choose "Advanced options", then the entry with "recovery mode": it starts without '
        "the parameters of this plan.",
        by_menu,
    )


def _no_recovery(scene: Scene) -> bool:
    from vfio_wizard.render.boot_grub import DEFAULT  # noqa: PLC0415 - that module asks this one too

    try:
        value = value_of(scene.text(DEFAULT) or "", "GRUB_DISABLE_RECOVERY")
    except EditError:
        return False
    return (value or "").strip() in ("true", "y", "yes", "1")


def bls(scene: Scene) -> tuple[str, ...]:
    """GRUB with entries."""
    return (
        f'In GRUB\'s menu choose the entry that ends with "({WITHOUT})".',
        editor(scene, "in GRUB's menu press e, go to the line that begins with linux", "press Ctrl-X"),
    )


def systemd_boot(scene: Scene) -> tuple[str, ...]:
    """systemd-boot with plain entries."""
    return (
        "In the boot menu (hold the space bar while the machine starts) choose the entry that ends with "
        f'"({WITHOUT})".',
        editor(scene, "in the boot menu press e", "press Enter"),
    )


def unified(scene: Scene) -> tuple[str, ...]:
    """Unified images: with Secure Boot the line inside cannot be edited."""
    return (
        "In the boot menu (hold the space bar while the machine starts) choose "
        "~vfio-wizard-without-passthrough: the image as it was before.",
        editor(scene, "in the boot menu press e", "press Enter")
        + " With Secure Boot the line inside of an image cannot be edited: take the copied image.",
    )


def limine(scene: Scene) -> tuple[str, ...]:
    """Limine, with an entry of our own or snapshots."""
    return (
        f'In Limine\'s menu choose the entry that ends with "({WITHOUT})", or one of a snapshot.',
        editor(scene, "in Limine's menu press e, go to cmdline", "press F10"),
    )


def refind(scene: Scene) -> tuple[str, ...]:
    """The other lines of refind_linux.conf are in the submenu."""
    return (
        f'In rEFInd press F2 (or Insert) on the entry, and choose "Boot {WITHOUT}".',
        editor(scene, "in rEFInd press F2 twice", "press Enter"),
    )


def fallback(scene: Scene) -> tuple[str, ...]:
    """sdboot-manage gives its fallback entries options of their own."""
    return (
        'In the boot menu choose the entry that ends with "(fallback)": it has options of its own '
        "(LINUX_FALLBACK_OPTIONS), which stay as they are.",
        editor(scene, "in the boot menu press e", "press Enter"),
    )


def ostree(scene: Scene) -> tuple[str, ...]:
    """The deployment before."""
    return (
        "In the boot menu choose the second entry, the deployment before this change; "
        "rpm-ostree rollback makes it the default again.",
        editor(scene, "in GRUB's menu press e, go to the line that begins with linux", "press Ctrl-X"),
    )


def zfsbootmenu(scene: Scene) -> tuple[str, ...]:
    """The line can be edited in its menu."""
    return (editor(scene, "in ZFSBootMenu press Ctrl-E on the boot environment", "press Enter twice"),)


def other(scene: Scene) -> tuple[str, ...]:
    """A loader whose menu is not known."""
    return (editor(scene, "in the boot loader's editor", "and start it"),)


NIXOS = (
    "In the boot menu choose the generation before this one.",
    "sudo nixos-rebuild boot --rollback makes it the default again.",
)
NIXOS_SPECIALISATION = (
    "In the boot menu choose the default entry: it is the system without passthrough, and only the entry "
    "gpu-passthrough has it."
)
