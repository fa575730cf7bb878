"""Boot configuration: is it read, is it stored, is it built in, and is it whole?"""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.checks.check import Check, Situation
from vfio_wizard.checks.outcome import Command, Seen, by_user, failed, first_gap, passed, skipped, unknown
from vfio_wizard.checks.parameters import is_relevant
from vfio_wizard.checks.ways import change_line, is_nixos, rebuild
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Outcome, Severity
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.unread import Unread

_GRACE_SECONDS = 60
"""An image that is written within a minute of its configuration was built from it."""
_DRIVERS = (
    "vfio",
    "amdgpu",
    "radeon",
    "nouveau",
    "nvidia",
    "nova",
    "i915",
    "xe ",
    "snd_hda_intel",
    "snd-hda-intel",
)
_CMDLINE = "etc/kernel/cmdline"
_CHAINS_OF_CMDLINE = (
    "systemd-boot-kernel-install",
    "uki-mkinitcpio",
    "uki-addon",
    "proxmox-boot-tool",
    "sdbootutil",
    "grub-bls",
)
_GRUB_CHAINS = ("grub-mkconfig", "grub-bls", "proxmox-boot-tool")
_COMPARE: Command = ("cat", "/proc/cmdline")


def _options(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    lines = () if isinstance(facts.modprobe, Unread) else facts.modprobe.options("vfio_pci")
    gap = facts.modprobe_gap
    if isinstance(facts.modprobe, Unread) or (gap is not None and not lines):
        how = "see options vfio-pci lines."
        yield unknown("modprobe.d was not read", gap, how, ("sh", "-c", "grep -rs vfio /etc/modprobe.d"))
        return
    builtin = facts.kernel.builtin
    if not lines:
        yield passed("modprobe.d sets no options of vfio-pci", ("modprobe.d", "no options vfio-pci"))
    elif isinstance(builtin, Unread):
        yield unknown(
            "whether vfio-pci is built in is not known",
            builtin,
            "it must print a file.",
            ("modinfo", "-n", "vfio-pci"),
        )
    elif "vfio_pci" in builtin:
        words = tuple(f"vfio-pci.{word}" for line in lines for word in line.rest.split())
        text = f"Add {' '.join(words)} to the kernel command line, and take the line out of modprobe.d."
        yield failed(
            "vfio-pci is built into this kernel, so its options in modprobe.d are ignored",
            change_line(facts, text, words),
            *((line.origin, f"options vfio-pci {line.rest}") for line in lines),
            ("modules.builtin", "vfio-pci"),
        )
    else:
        yield passed(
            "vfio-pci is a module, so its options count", *((line.origin, line.rest) for line in lines)
        )


def _fresh(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    generator = facts.boot.initramfs
    if not isinstance(generator, Unread) and generator.name in ("nixos", "ostree-prebuilt"):
        yield skipped("images here are built as a whole, never from files in /etc")
        return
    kernels = () if isinstance(facts.kernels, Unread) else facts.kernels
    times = dict(facts.times)
    images = tuple(
        (one.initramfs, times[one.initramfs])
        for one in kernels
        if isinstance(one.initramfs, str) and one.initramfs in times
    )
    if not images or not facts.files:
        how = "no file of the configuration may be younger than the image."
        command = (
            "sh",
            "-c",
            "ls -lt --time-style=full-iso /boot/init* /etc/modprobe.d /etc/initramfs-tools/modules",
        )
        yield unknown("the age of the initramfs is not known", first_gap(facts.kernels), how, command)
        return
    texts = dict(facts.files)
    told = {path: time for path, time in facts.times if path in texts and _concerns_cards(texts[path])}
    stale = tuple(
        (image, built)
        for image, built in images
        if any(time > built + _GRACE_SECONDS for time in told.values())
    )
    if not stale:
        names = tuple((image, "younger than its configuration") for image, _ in images)
        yield passed("every initramfs is younger than what goes into it", *names)
        return
    oldest = min(built for _, built in stale)
    younger = sorted(path for path, time in told.items() if time > oldest + _GRACE_SECONDS)
    yield failed(
        f"older than its configuration: {', '.join(image for image, _ in stale)}",
        by_user("Build the images again: what stands in these files is not in them yet.", *rebuild(facts)),
        *((path, "changed after the image was built") for path in younger),
    )


def _concerns_cards(text: str) -> bool:
    return any(
        word in line for line in text.splitlines() if not line.lstrip().startswith("#") for word in _DRIVERS
    )


def _stored(case: Situation) -> Iterator[Outcome]:
    boot, running = case.facts.boot, case.facts.kernel.cmdline
    if isinstance(boot.configured, Unread) or isinstance(running, Unread):
        how = "compare /proc/cmdline with what your boot loader has stored."
        gap = first_gap(boot.configured, running)
        yield unknown("the running and the stored command line cannot be compared", gap, how, _COMPARE)
        return
    stored = boot.configured
    lost = tuple(word for word in running.kernel_words if is_relevant(word) and not stored.has(word))
    if not lost:
        yield passed("what runs is stored", (boot.configured_origin, "holds every parameter that matters"))
        return
    words = " ".join(lost)
    yield failed(
        f"in effect, but not stored: {words}",
        change_line(case.facts, f"The next boot goes without. If it should stay, store {words}.", lost),
        (case.facts.kernel.cmdline_origin, words),
        (boot.configured_origin, "not there"),
    )


def _one_loader(case: Situation) -> Iterator[Outcome]:
    boot = case.facts.boot
    if isinstance(boot.loader, Unread):
        yield unknown(
            "the boot loader is not known", boot.loader, "see which one starts.", ("bootctl", "status")
        )
    elif boot.others:
        names = ", ".join(one.name for one in boot.others)
        yield failed(
            f"{boot.loader.name} starts this system, and there are traces of {names}",
            by_user(
                f"Change parameters only where {boot.loader.name} reads them; the other files do nothing."
            ),
            *boot.loader.evidence[:1],
            *(seen for one in boot.others for seen in one.evidence[:1]),
        )
    else:
        yield passed(
            f"{boot.loader.name} is the only boot loader here",
            *(boot.loader.evidence or (("boot loader", boot.loader.name),)),
        )


def _files_read(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    if facts.misnamed:
        yield _misnamed(facts)
    if not facts.files:
        command = (
            "sh",
            "-c",
            "grep -rs vfio /etc/modprobe.d /etc/initramfs-tools /etc/dracut* /etc/mkinitcpio*",
        )
        yield unknown("the boot configuration was not read", None, "see which files name vfio.", command)
        return
    unread, open_questions = _unread_files(facts)
    open_questions = first_gap(open_questions, facts.files_gap)
    if unread:
        yield failed(
            f"vfio is set up in files that nothing here reads: {', '.join(path for path, _ in unread)}",
            by_user(
                f"Set it up where {_who_reads(facts)}, and take it out of these files. "
                "vfio-wizard plans it that way."
            ),
            *unread,
        )
    elif open_questions is not None:
        yield unknown(
            "whether every file that names vfio is read is not known",
            open_questions,
            "see which boot loader and initramfs generator are used.",
            ("bootctl", "status"),
        )
    elif not facts.misnamed:
        yield passed(
            "every file that names vfio is one that this system reads", ("etc", "no file that nothing reads")
        )


def _misnamed(facts: HostFacts) -> Outcome:
    names = ", ".join(path for path, _ in facts.misnamed)
    how = "Rename it so that it ends in .conf (in /etc/default/grub.d in .cfg), or delete it if it is a copy."
    return failed(
        f"nothing reads files of such a name: {names}", by_user(how, *rebuild(facts)), *facts.misnamed
    )


def _who_reads(facts: HostFacts) -> str:
    loader, generator = facts.boot.loader, facts.boot.initramfs
    names = [one.name for one in (loader, generator) if not isinstance(one, Unread)]
    return (
        f"{' and '.join(names)} look" if len(names) == 2 else f"{names[0]} looks" if names else "it is read"
    )


def _unread_files(facts: HostFacts) -> tuple[tuple[Seen, ...], Unread | None]:
    """Files that name vfio and are not read here; and the gap that keeps others from being judged."""
    found: list[Seen] = []
    gap: Unread | None = None
    for path, text in facts.files:
        line = next((one.strip() for one in text.splitlines() if _names_vfio(one)), None)
        if line is None:
            continue
        reader = _reader_of(path)
        if reader is None:
            continue
        kind, names = reader
        used = facts.boot.initramfs if kind == "generator" else facts.boot.loader
        if isinstance(used, Unread):
            gap = first_gap(gap, used)
        elif used.name not in names:
            found.append((path, f"{line} (not read by {used.name})"))
    return tuple(found), gap


def _names_vfio(line: str) -> bool:
    return "vfio" in line and not line.lstrip().startswith("#")


_READERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("etc/initramfs-tools/", "generator", ("initramfs-tools",)),
    ("etc/mkinitcpio.", "generator", ("mkinitcpio",)),
    ("etc/dracut.conf", "generator", ("dracut",)),
    ("etc/booster.yaml", "generator", ("booster",)),
    ("etc/modprobe.d/", "generator", ("initramfs-tools", "mkinitcpio", "dracut", "booster", "nixos")),
    ("etc/default/grub", "loader", _GRUB_CHAINS),
    (_CMDLINE, "loader", _CHAINS_OF_CMDLINE),
    ("etc/default/limine", "loader", ("limine-entry-tool",)),
    ("etc/sdboot-manage.conf", "loader", ("sdboot-manage",)),
)
"""Files, and the generators or boot chains that read them (knowledge/bootchain.py, architecture of each)."""


def _reader_of(path: str) -> tuple[str, tuple[str, ...]] | None:
    return next(((kind, names) for start, kind, names in _READERS if path.startswith(start)), None)


def _complete(case: Situation) -> Iterator[Outcome]:
    facts = case.facts
    running = facts.kernel.cmdline
    text = dict(facts.files).get(_CMDLINE)
    if not facts.files or isinstance(running, Unread):
        yield unknown(
            "the stored command line was not read",
            first_gap(running),
            "it must hold root=, if it exists.",
            ("cat", f"/{_CMDLINE}"),
        )
    elif text is None and facts.files_gap is not None:
        yield unknown(
            f"whether there is a /{_CMDLINE} is not told",
            facts.files_gap,
            "it must hold root=, if it exists.",
            ("cat", f"/{_CMDLINE}"),
        )
    elif text is None:
        yield passed(f"there is no /{_CMDLINE} that could be incomplete", (_CMDLINE, "absent"))
    elif _root(running) and not _root(_stored_line(text)) and not is_nixos(facts):
        yield failed(
            f"/{_CMDLINE} lacks {_root(running)}: the next kernel may not find its root",
            by_user(
                "The file must hold the whole command line. Write into it what /proc/cmdline shows, without "
                "BOOT_IMAGE= and initrd=, and add your parameters to that."
            ),
            (_CMDLINE, _short(text)),
            (facts.kernel.cmdline_origin, str(_root(running))),
            subject=_CMDLINE,
        )
    else:
        yield passed(
            f"/{_CMDLINE} is whole",
            (_CMDLINE, _root(_stored_line(text)) or "no root=, as on the running line"),
        )


def _stored_line(text: str) -> Kargs:
    return Kargs.parse(" ".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))


def _root(line: Kargs) -> str | None:
    return next((word for word in line.kernel_words if word.startswith("root=")), None)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 120 else words[:119] + "…"


OPTIONS = Check(
    id="vfio.options",
    title="Options that count",
    severity=Severity.WARNING,
    claim="Options of vfio-pci in modprobe.d take effect, or there are none.",
    fails_when="vfio-pci is built into the kernel, which does not read modprobe.d.",
    why="The ids in modprobe.d then bind nothing, and the reboot shows no difference.",
    run=_options,
    references=("64kramsystem/vga-passthrough#35", "linux 6.12: drivers/vfio/pci/vfio_pci.c"),
    verify="Afterwards cat /proc/cmdline shows the words, and lspci -nnk shows vfio-pci in use.",
)

FRESH = Check(
    id="boot.initramfs-fresh",
    title="Initramfs up to date",
    severity=Severity.WARNING,
    claim="No initramfs is older than the configuration of card drivers that goes into it.",
    fails_when="A file that names vfio or a graphics driver was changed after the image was built.",
    why="The copy inside the image decides at boot; a changed file does nothing until it is built again.",
    run=_fresh,
    references=(
        "initramfs-tools(7), dracut.conf(5), mkinitcpio(8)",
        "bryansteiner/gpu-passthrough-tutorial#3",
    ),
    verify="Afterwards ls -lt /boot shows images of today, and this check passes.",
)

STORED = Check(
    id="boot.unstored-parameters",
    title="Parameters that stay",
    severity=Severity.WARNING,
    claim="Every parameter that matters and is in effect is stored for the next boot.",
    fails_when="One was typed in the boot menu, or another place is read than the one that holds it.",
    why="It works today, and after the next reboot it does not.",
    run=_stored,
    references=("systemd 252: 90-loaderentry.install", "rhboot/grubby#55"),
    verify="Afterwards this check passes, and after the reboot cat /proc/cmdline still shows them.",
)

ONE_LOADER = Check(
    id="boot.one-loader",
    title="One boot loader",
    severity=Severity.NOTE,
    claim="Only the boot loader that starts this system has left traces.",
    fails_when="Files of another one are there too.",
    why="Guides name the files of one loader; changing those of another does nothing at all.",
    run=_one_loader,
    references=("HikariKnight/quickpassthrough#22", "NVIDIA/kubevirt-gpu-device-plugin#66"),
    verify="After a change cat /proc/cmdline shows it, once rebooted.",
)

FILES_READ = Check(
    id="boot.files-read",
    title="Files that are read",
    severity=Severity.WARNING,
    claim="Every file that sets up vfio is read by this system's boot loader or initramfs generator.",
    fails_when="One belongs to a program that is not used here, or its name does not end as it must (.conf).",
    why=(
        "Distributions change their generator, image-based systems do not look into /etc/modprobe.d, and "
        "guides are written for other ones: the file looks right and does nothing."
    ),
    run=_files_read,
    references=(
        "nextcloud/vm#2833",
        "coreos/rpm-ostree: man/rpm-ostree.xml",
        "dracut.conf(5), modprobe.d(5)",
        "HikariKnight/quickpassthrough#22",
    ),
    verify="Afterwards vfio-wizard predict shows vfio-pci for the card.",
)

COMPLETE = Check(
    id="boot.cmdline-complete",
    title="A whole command line",
    severity=Severity.WARNING,
    claim="/etc/kernel/cmdline, where it exists, holds the root= that the running kernel was started with.",
    fails_when="It lacks it: it was created for one parameter, and replaces the whole line.",
    why="kernel-install and image builders take it as the whole line: without root= the next boot fails.",
    run=_complete,
    references=("systemd 252: 90-loaderentry.install, kernel-install(8)", "omacom/omarchy#9826"),
    verify="Afterwards cat /etc/kernel/cmdline shows root= and everything else of /proc/cmdline.",
)
