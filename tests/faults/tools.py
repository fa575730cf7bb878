"""Stand-ins for the programs of a boot chain: they read the configuration and write what the real ones do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.machine import RELEASES, UUID, archive
from tests.faults.pen import Pen, Strike, never

Tool = Callable[[Pen, Sequence[str]], int]


def update_initramfs(pen: Pen, _argv: Sequence[str]) -> int:
    """initramfs-tools 0.142: mkinitramfs to .new, a link to the old one as .dpkg-bak, rename, its hash."""
    for release in installed(pen):
        path = f"boot/initrd.img-{release}"
        files = {
            "init": "#!/bin/sh\n",
            "scripts/functions": "",
            "scripts/init-top/udev": "",
            "usr/lib/systemd/systemd-udevd": "",
            "conf/modules": plain_lines(pen.text("etc/initramfs-tools/modules")),
            **modprobe_files(pen),
            **module_files(release),
        }
        pen.write(f"{path}.new", archive(files))
        if pen.there(path):
            pen.write(f"{path}.dpkg-bak", (pen.root / path).read_bytes())
        pen.rename(f"{path}.new", path)
        pen.remove(f"{path}.dpkg-bak")
        pen.write(f"var/lib/initramfs-tools/{release}", f"{pen.digest(path)}  /{path}\n")
    return 0


def update_grub(pen: Pen, _argv: Sequence[str]) -> int:
    """grub-mkconfig 2.06: all into grub.cfg.new, then over grub.cfg in place."""
    settings = shell_settings(pen)
    lines = ['set default="0"']
    for release in reversed(installed(pen)):
        for title, words in (("", settings), (" (recovery mode)", "single")):
            lines += [
                f"menuentry 'Linux {release}{title}' --id 'gnulinux-{release}{title}' {{",
                f"\tlinux\t/boot/vmlinuz-{release} {UUID} ro {words}",
                f"\tinitrd\t/boot/initrd.img-{release}",
                "}",
            ]
    text = "\n".join(lines) + "\n"
    pen.write("boot/grub/grub.cfg.new", text)
    pen.write("boot/grub/grub.cfg", text)
    pen.remove("boot/grub/grub.cfg.new")
    return 0


def shell_settings(pen: Pen) -> str:
    """GRUB_CMDLINE_LINUX_DEFAULT as a shell would have it after all files."""
    value = ""
    files = ["etc/default/grub", *(f"etc/default/grub.d/{name}" for name in pen.names("etc/default/grub.d"))]
    for path in files:
        if path.endswith((".cfg", "/grub")) and pen.there(path):
            for found in re.finditer(
                r"^GRUB_CMDLINE_LINUX_DEFAULT=([\"'])(.*?)\1", pen.text(path), re.MULTILINE
            ):
                value = re.sub(r"\$\{?GRUB_CMDLINE_LINUX_DEFAULT\}?", lambda _found, now=value: now, found[2])
    return value


def installed(pen: Pen) -> list[str]:
    return [
        name.removeprefix("vmlinuz-") for name in pen.names("boot") if name.startswith("vmlinuz-")
    ] or list(RELEASES)


def plain_lines(text: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip() and not line.startswith("#"))


def modprobe_files(pen: Pen) -> dict[str, str]:
    return {
        f"etc/modprobe.d/{name}": pen.text(f"etc/modprobe.d/{name}")
        for name in pen.names("etc/modprobe.d")
        if name.endswith(".conf")
    }


def module_files(release: str) -> dict[str, str]:
    here = f"usr/lib/modules/{release}"
    return {
        f"{here}/kernel/drivers/vfio/pci/vfio-pci.ko": "",
        f"{here}/kernel/drivers/vfio/vfio.ko": "",
        f"{here}/kernel/drivers/vfio/vfio_iommu_type1.ko": "",
    }


TOOLS: dict[str, Tool] = {"update-initramfs": update_initramfs, "update-grub": update_grub}


class FakeRunner:
    """Runs the stand-ins on one root, in this process."""

    def __init__(self, root: Path, strike: Strike = never, tools: dict[str, Tool] | None = None) -> None:
        self.pen = Pen(root, strike)
        self.tools = TOOLS if tools is None else tools
        self.ran: list[tuple[str, ...]] = []

    def has(self, program: str) -> bool:
        return program.rpartition("/")[2] in self.tools

    def run(self, argv: tuple[str, ...], line: Callable[[str], None]) -> int:
        line(f"pretending {' '.join(argv)}")
        self.pen.strike(f"runs {argv[0]}")
        self.ran.append(argv)
        code = self.tools[argv[0].rpartition("/")[2]](self.pen, argv)
        self.pen.strike(f"ends {argv[0]}")
        return code


def usermod(pen: Pen, argv: Sequence[str]) -> int:
    """``usermod -aG GROUP USER``: the file anew beside it, the old one kept with a dash, renamed."""
    return _groups(pen, argv[2], lambda members: [*members, argv[3]] if argv[3] not in members else members)


def gpasswd(pen: Pen, argv: Sequence[str]) -> int:
    """``gpasswd -d USER GROUP``: refuses for a user who is not in it."""
    line = next(one for one in pen.text("etc/group").splitlines() if one.startswith(f"{argv[3]}:"))
    if argv[2] not in line.rpartition(":")[2].split(","):
        return 3
    return _groups(pen, argv[3], lambda members: [one for one in members if one != argv[2]])


def _groups(pen: Pen, group: str, change: Callable[[list[str]], list[str]]) -> int:
    def changed(line: str) -> str:
        head, _, last = line.rpartition(":")
        if not head.startswith(f"{group}:"):
            return line
        return f"{head}:{','.join(change([one for one in last.split(',') if one]))}"

    text = pen.text("etc/group")
    pen.write("etc/group-", text)
    pen.whole("etc/group", "".join(f"{changed(line)}\n" for line in text.splitlines()), "etc/group+")
    return 0
