"""Module lists of the initramfs generators, and those of /etc/modules."""

from __future__ import annotations

from vfio_wizard.lint.ids import Listed
from vfio_wizard.lint.mistake import Notes, Severity
from vfio_wizard.lint.modules import judge_gone, judge_order, same
from vfio_wizard.lint.shell import Assignment, assignments
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import HOLE, Text


def judge_mkinitcpio(text: Text, notes: Notes, situation: Situation, ids: tuple[Listed, ...]) -> None:
    """MODULES and HOOKS of mkinitcpio.conf, arrays or strings."""
    modules: list[Text] = []
    for one in assignments(text):
        if one.name.value == "MODULES":
            words = one.value.words()
            modules = [*modules, *words] if one.appends else words
            judge_gone(words, notes, situation, fails="mkinitcpio says so at every build, and goes on")
        elif one.name.value == "HOOKS":
            _modconf(one, modules, notes)
    judge_order(modules, ids, notes)


def _modconf(hooks: Assignment, modules: list[Text], notes: Notes) -> None:
    names = {word.value for word in hooks.value.words()}
    if names and "modconf" not in names and any(same(word.value) == "vfio_pci" for word in modules):
        notes.add(
            "lint.list.no-modconf",
            hooks.name,
            "without the hook modconf the image holds no modprobe.d, so vfio_pci comes up without"
            " ids from there",
            "modconf among the hooks, or vfio-pci.ids= on the kernel command line",
        )


def judge_dracut(text: Text, notes: Notes, situation: Situation) -> None:
    """Driver lists of dracut.conf and its drop-ins."""
    forced: set[str] = set()
    added: list[Text] = []
    for one in assignments(text):
        if one.name.value not in ("add_drivers", "force_drivers"):
            continue
        words = [word for word in one.value.words() if HOLE not in word.value]
        judge_gone(words, notes, situation, fails="dracut fails to build the image", severity=Severity.ERROR)
        _blanks(one, notes)
        if one.name.value == "force_drivers":
            forced |= {same(word.value) for word in words}
        else:
            added += words
    for word in added:
        if same(word.value) == "vfio_pci" and "vfio_pci" not in forced:
            notes.add(
                "lint.list.not-forced",
                word,
                "add_drivers only puts it into the image; force_drivers loads it before udev starts"
                " any driver",
                'force_drivers+=" vfio_pci ", or rd.driver.pre=vfio-pci on the kernel command line',
            )


def _blanks(one: Assignment, notes: Notes) -> None:
    value = one.value.value
    if one.appends and value and not (value[0].isspace() and value[-1].isspace()):
        notes.add(
            "lint.list.dracut-blanks",
            one.value,
            "without a blank at both ends, its first and last names run together with those of other files",
            f'{one.name.value}+=" {value.strip()} "',
            replacement=f" {value.strip()} ",
        )
    elif not one.appends and value and one.name.value not in one.uses:
        notes.add(
            "lint.list.dropped",
            one.name,
            "the plain = drops what other files of dracut.conf.d added",
            f'{one.name.value}+=" {value.strip()} "',
        )


def judge_module_lines(text: Text, notes: Notes, situation: Situation, ids: tuple[Listed, ...]) -> None:
    """/etc/initramfs-tools/modules, /etc/modules, modules-load.d: a name a line, maybe with options."""
    names = [words[0] for line in text.lines() if (words := line.words()) and words[0].value[0] not in "#;"]
    judge_gone(names, notes, situation, fails="the name is passed over")
    judge_order(names, ids, notes)
