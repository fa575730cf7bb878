"""The scenarios, as data: on which system, with what plugged in, which steps, and what must hold in each.

The expectations are written from the contract, not copied from a run.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.lab.full import guest, wizard
from tests.lab.full.machines import AUDIO, CARD, THIRD, THIRD_AUDIO, TWIN, TWIN_AUDIO
from tests.lab.full.steps import (
    GRUB_RECOVERY,
    SECOND,
    Ask,
    AskJson,
    Checked,
    Drivers,
    Install,
    KilledAndCut,
    Predicted,
    Remember,
    Restart,
    Step,
    Typed,
    Unchanged,
)

ON_VFIO = {CARD: "vfio-pci", AUDIO: "vfio-pci"}
ON_HOST = {CARD: "radeon", AUDIO: "snd_hda_intel"}
TWIN_ON_HOST = {TWIN: "radeon", TWIN_AUDIO: "snd_hda_intel"}
GPU = "--gpu 01:00.0"


class Scenario(NamedTuple):
    """One machine's story."""

    name: str
    title: str
    system: str
    steps: tuple[Step, ...]
    devices: str = "one"
    quick: bool = False
    """Part of ``make lab``, and so of what must hold before a change lands."""


BEFORE: tuple[Step, ...] = (
    Install(),
    Remember("before"),
    Drivers("the host's drivers have the card", ON_HOST),
    Checked(
        "--check says that it is not on vfio-pci",
        f"vfio-wizard --check {GPU}",
        {("vfio.bound", CARD): "fail"},
    ),
    Ask("plan shows a diff", f"vfio-wizard plan {GPU}", shows=("vfio", "+")),
    Unchanged("plan wrote nothing", "before"),
)

APPLY: tuple[Step, ...] = (
    Ask("apply makes the change", f"vfio-wizard apply {GPU} --yes", shows=("DONE",)),
    Predicted("the next boot is predicted to bind vfio-pci", ON_VFIO),
    Restart("it boots with the change"),
    Ask("verify finds all as planned", "vfio-wizard verify", shows=("HOLDS",)),
    Drivers("vfio-pci has both functions", ON_VFIO),
)

ROM: tuple[Step, ...] = (
    Ask(
        "the card's own ROM is dumped, and is one for it",
        f"vfio-wizard rom --dump {GPU} -o /root/card.rom",
        shows=("1002:5159", "checksum right", "usable"),
        lacks=("Traceback", "NOT usable"),
    ),
    Ask(
        "its window is closed again",
        "head -c 2 /sys/bus/pci/devices/0000:01:00.0/rom",
        code=1,
        shows=("Invalid argument",),
    ),
    Ask(
        "the boot display's ROM is refused, with a way",
        "vfio-wizard rom --dump -o /root/boot.rom"
        " --gpu $(basename $(dirname $(grep -l 1 /sys/bus/pci/devices/*/boot_vga)))",
        code=1,
        shows=("refused: it is the boot display", "instead:"),
    ),
)

AGAIN: tuple[Step, ...] = (
    AskJson("a second plan is empty", f"vfio-wizard plan {GPU} --json", {"artifacts": [], "commands": []}),
)

UNDO: tuple[Step, ...] = (
    Ask("undo takes it back", "vfio-wizard undo", shows=("taken back",)),
    Unchanged("all files are as they were", "before"),
    Restart("it boots as before"),
    Drivers("the host's drivers have the card again", ON_HOST),
    Unchanged("all files are still as they were", "before"),
)

WITH_GUEST = (*BEFORE, *APPLY, *ROM, *AGAIN, *guest.STEPS, *UNDO)
THERE_AND_BACK = (*BEFORE, *APPLY, *ROM, *AGAIN, *UNDO)

SECOND_ENTRY: tuple[Step, ...] = (
    Restart("the second boot entry boots", menu=SECOND, absent=("vfio-pci.ids=1002:5159,8086:293e",)),
    Drivers("the host's drivers have the card, with the change in force", ON_HOST),
)
"""What a person does who sees nothing on the screen; undo then runs from there."""

REFUSED: tuple[Step, ...] = (
    Install(),
    Remember("before"),
    Ask("apply refuses", f"vfio-wizard apply {GPU} --yes", code=1),
    Unchanged("nothing was written", "before"),
)

KILLED: tuple[Step, ...] = (
    Install(),
    Remember("before"),
    KilledAndCut("killed while the image is built, then the power goes", f"vfio-wizard apply {GPU} --yes"),
    Restart("it boots all the same"),
    Ask("undo takes back what was begun", "vfio-wizard undo", shows=("taken back",)),
    Unchanged("all files are as they were", "before"),
    Restart("it boots as before"),
    Drivers("the host's drivers have the card", ON_HOST),
)

KERNEL_HOOK = "/etc/kernel/postinst.d/zz-vfio-wizard $(uname -r)"
UNIT = "vfio-wizard-verify.service"
DRIFT: tuple[Step, ...] = (
    Install(),
    Remember("before"),
    *APPLY,
    Ask("watch is installed", "vfio-wizard watch install", shows=("installed",)),
    Ask("after a kernel update that changes nothing, it is silent", KERNEL_HOOK, lacks=("vfio-wizard:",)),
    Ask(
        "somebody takes the modules out, and the kernel's package is configured anew: the hook says so",
        "sed -i /vfio/d /etc/initramfs-tools/modules && dpkg-reconfigure linux-image-$(uname -r) 2>&1",
        shows=("after the next boot, GPU passthrough may not be as it was", "drift.images"),
    ),
    Ask(
        "somebody takes the parameters out: --check sees it before the restart",
        "rm /etc/default/grub.d/vfio-wizard.cfg && update-grub 2>/dev/null;"
        " vfio-wizard --check --strict --only drift.parameters",
        code=1,
        shows=("vfio-pci.ids",),
    ),
    Restart("it boots without them"),
    Drivers("the host's drivers have the card", ON_HOST),
    Ask(
        "verify says which function is not as planned",
        "vfio-wizard verify",
        code=1,
        shows=("01:00.0", "radeon"),
    ),
    Ask(
        "the unit has failed at boot, and its log says why",
        f"systemctl is-failed {UNIT}; journalctl -b --no-pager -u {UNIT}",
        shows=("failed", "01:00.0", "radeon"),
    ),
    Ask("watch is taken away", "vfio-wizard watch remove", shows=("taken away",)),
    Ask(
        "somebody writes into a file of the change",
        "echo 'options vfio-pci disable_vga=1' >>/etc/modprobe.d/vfio-wizard.conf",
    ),
    Remember("drifted"),
    Ask("undo does not write over what others changed", "vfio-wizard undo", code=1, shows=("--force",)),
    Unchanged("nothing was written", "drifted"),
    Ask("undo --force takes it back", "vfio-wizard undo --force", shows=("taken back",)),
    Unchanged(
        "all files are as they were, but for the image that was built anew", "before", but="/boot/initrd.img"
    ),
    Restart("it boots as before"),
    Drivers("the host's drivers have the card", ON_HOST),
)
"""What others do to a change after it was made, and who says so."""

MOVED: tuple[Step, ...] = (
    Install(),
    Remember("before"),
    Ask("apply makes the change", f"vfio-wizard apply {GPU} --yes", shows=("DONE",)),
    Restart("a controller is plugged in before both cards", devices="twins-behind-nic"),
    Drivers(
        "what is now at the old address keeps its own driver, and so do the cards",
        {
            CARD: "e1000e",
            TWIN: "radeon",
            TWIN_AUDIO: "snd_hda_intel",
            THIRD: "radeon",
            THIRD_AUDIO: "snd_hda_intel",
        },
    ),
    Checked(
        "--check says that addresses moved",
        "vfio-wizard --check --only drift.addresses --strict",
        {("drift.addresses", CARD): "fail", ("drift.addresses", AUDIO): "fail"},
        code=1,
    ),
    Ask(
        "verify says what is where the card was", "vfio-wizard verify", code=1, shows=("01:00.0", "8086:10d3")
    ),
    Restart("the controller is taken out again", devices="twins"),
    Ask("verify finds all as planned", "vfio-wizard verify", shows=("HOLDS",)),
    Drivers("vfio-pci has the first card, the host the other", {**ON_VFIO, **TWIN_ON_HOST}),
    *UNDO,
)
"""A card that is bound by its address, and hardware that moves the addresses."""

SCENARIOS = (
    Scenario(
        "bookworm-grub-apply",
        "Debian 12, GRUB, initramfs-tools: there, a guest, and back",
        "bookworm-grub",
        WITH_GUEST,
        quick=True,
    ),
    Scenario(
        "bookworm-grub-recovery",
        "the recovery entry boots without passthrough, and undo works from there",
        "bookworm-grub",
        (
            Install(),
            Remember("before"),
            *APPLY,
            Restart("the recovery entry boots", menu=GRUB_RECOVERY, words=("single",)),
            Drivers("the host's drivers have the card", ON_HOST),
            Typed("undo, typed in rescue mode", "vfio-wizard undo", prompt="aintenance"),
            Unchanged("all files are as they were", "before"),
            Restart("it boots as before"),
            Drivers("the host's drivers have the card again", ON_HOST),
        ),
    ),
    Scenario(
        "bookworm-grub-killed", "killed in the middle of an image, and the power cut", "bookworm-grub", KILLED
    ),
    Scenario(
        "bookworm-grub-twins",
        "of two identical cards, one is bound by its address",
        "bookworm-grub",
        (
            Install(),
            Remember("before"),
            Ask("apply makes the change", f"vfio-wizard apply {GPU} --yes", shows=("DONE",)),
            Predicted("only the first card is predicted to bind vfio-pci", {**ON_VFIO, **TWIN_ON_HOST}),
            Restart("it boots with the change"),
            Ask("verify finds all as planned", "vfio-wizard verify", shows=("HOLDS",)),
            Drivers("vfio-pci has the first card, the host the other", {**ON_VFIO, **TWIN_ON_HOST}),
            *UNDO,
        ),
        devices="twins",
    ),
    Scenario("bookworm-grub-drift", "others take the change apart, and are noticed", "bookworm-grub", DRIFT),
    Scenario(
        "bookworm-grub-moved",
        "added hardware moves the addresses: nothing else is bound, and verify says so",
        "bookworm-grub",
        MOVED,
        devices="twins",
    ),
    Scenario(
        "bookworm-grub-guest",
        "Linux boots in the guest that has the card, and finds it on its bus",
        "bookworm-grub",
        (Install(), Remember("before"), *APPLY, *guest.LINUX, *UNDO),
    ),
    Scenario(
        "bookworm-grub-shared", "a card that shares its group is refused", "bookworm-grub", REFUSED, "shared"
    ),
    Scenario("bookworm-grub-single", "the only card is refused", "bookworm-grub", REFUSED, "single"),
    Scenario(
        "bookworm-grub-wizard",
        "the wizard on the serial console: from the first look to a guest that runs after the restart",
        "bookworm-grub",
        (
            Install(),
            wizard.Screens(),
            wizard.Answered(),
            Remember("before"),
            wizard.Driven("look, choose, review, apply", wizard.FIRST),
            Predicted("the next boot is predicted to bind vfio-pci", ON_VFIO),
            Restart("it boots with the change"),
            wizard.Driven("it opens at the proof, which holds, and starts the guest", wizard.AFTER),
            *guest.RUNNING,
            *UNDO,
        ),
    ),
    Scenario(
        "trixie-sdboot-apply",
        "Debian 13, systemd-boot, dracut: there, and back from the second entry",
        "trixie-sdboot",
        (*BEFORE, *APPLY, *AGAIN, *SECOND_ENTRY, *UNDO),
    ),
    Scenario(
        "trixie-grub-apply",
        "Debian 13, GRUB for UEFI, dracut: there, a guest, and back",
        "trixie-grub",
        WITH_GUEST,
    ),
    Scenario(
        "trixie-grub-guest",
        "the same guest with Debian 13's libvirt, QEMU and firmware",
        "trixie-grub",
        (Install(), Remember("before"), *APPLY, *guest.LINUX, *UNDO),
    ),
    Scenario(
        "trixie-uki-apply",
        "Debian 13, unified kernel images: there, and back from the image before",
        "trixie-uki",
        (*BEFORE, *APPLY, *AGAIN, *SECOND_ENTRY, *UNDO),
    ),
    Scenario("sid-grub-apply", "Debian sid as it comes: there and back", "sid-grub", THERE_AND_BACK),
)
