"""A machine made up for these tests, and the shapes in which people print its IOMMU groups."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Told(NamedTuple):
    """One function of the made-up machine."""

    group: int
    address: str
    code: str
    words: str
    ids: str
    name: str
    notes: str = ""

    @property
    def short(self) -> str:
        """The address without domain 0, as lspci prints it by default."""
        return self.address.removeprefix("0000:")


GTX = "NVIDIA Corporation GP104 [GeForce GTX 1080]"
MACHINE = (
    Told(0, "0000:00:00.0", "0600", "Host bridge", "8086:3ec2", "Intel Corporation Host Bridge", " (rev 07)"),
    Told(1, "0000:00:01.0", "0604", "PCI bridge", "8086:1901", "Intel Corporation PCIe (x16)", " (rev 07)"),
    Told(1, "0000:01:00.0", "0300", "VGA compatible controller", "10de:1b80", GTX, " (rev a1)"),
    Told(
        1,
        "0000:01:00.1",
        "0403",
        "Audio device",
        "10de:10f0",
        "NVIDIA Corporation GP104 HD Audio",
        " (rev a1)",
    ),
    Told(
        2,
        "0000:00:02.0",
        "0300",
        "VGA compatible controller",
        "8086:3e92",
        "Intel Corporation UHD Graphics 630",
    ),
    Told(3, "0000:00:14.0", "0c03", "USB controller", "8086:a36d", "Intel Corporation USB 3.1 xHCI"),
    Told(3, "0000:00:14.2", "0500", "RAM memory", "8086:a36f", "Intel Corporation Shared SRAM"),
    Told(
        12,
        "10000:e1:00.0",
        "0108",
        "Non-Volatile memory controller",
        "144d:a808",
        "Samsung Electronics PM981",
    ),
)

Machine = tuple[Told, ...]
Printer = Callable[[Machine], str]


def by_group(machine: Machine) -> list[tuple[int, Machine]]:
    """(number, members), in the order of the machine."""
    numbers = list(dict.fromkeys(one.group for one in machine))
    return [(number, tuple(one for one in machine if one.group == number)) for number in numbers]


def lspci_nn(one: Told) -> str:
    """The line of ``lspci -nns``."""
    return f"{one.short} {one.words} [{one.code}]: {one.name} [{one.ids}]{one.notes}"


def _lines(rows: Iterable[str]) -> str:
    return "\n".join(rows) + "\n"


def one_line(machine: Machine) -> str:
    return _lines(f"IOMMU Group {one.group} {lspci_nn(one)}" for one in machine)


def one_line_lower(machine: Machine) -> str:
    return _lines(f"IOMMU group {one.group} {lspci_nn(one)}" for one in machine)


def one_line_sorted_as_text(machine: Machine) -> str:
    return _lines(sorted(one_line(machine).splitlines()))


def indented_one_line(machine: Machine) -> str:
    return _lines(f"    {line}" for line in one_line(machine).splitlines())


def _headed(machine: Machine, heading: str, member: str) -> str:
    rows: list[str] = []
    for number, members in by_group(machine):
        rows.append(heading.format(number))
        rows += [member.format(lspci_nn(one)) for one in members]
    return _lines(rows)


def heading_tab(machine: Machine) -> str:
    return _headed(machine, "IOMMU Group {}:", "\t{}")


def heading_lower_without_colon(machine: Machine) -> str:
    return _headed(machine, "IOMMU group {}", "  {}")


def heading_spaced_colon(machine: Machine) -> str:
    return _headed(machine, "IOMMU Group {} :", "    {}")


def heading_squashed(machine: Machine) -> str:
    """A forum that eats leading blanks."""
    return _headed(machine, "IOMMU Group {}:", "{}")


def heading_markdown(machine: Machine) -> str:
    return _headed(machine, "- **IOMMU Group {}:**", "  - `{}`")


def heading_brackets(machine: Machine) -> str:
    return _headed(machine, "[IOMMU Group {}]", "  {}")


def heading_ruled(machine: Machine) -> str:
    return _headed(machine, "---- Group {} ----", "  {}")


def heading_tree(machine: Machine) -> str:
    return _headed(machine, "IOMMU Group {}", "├── {}")


def heading_counts(machine: Machine) -> str:
    return _headed(machine, "IOMMU Group {}: (devices below)", "   {}")


def coloured(machine: Machine) -> str:
    return _headed(machine, "\x1b[1;31mIOMMU Group \x1b[33m{}\x1b[0m:", "\t\x1b[32m{}\x1b[0m")


def _unraid(machine: Machine, heading: str, member: str, row: Callable[[Told], str]) -> str:
    rows: list[str] = []
    for number, members in by_group(machine):
        for place, one in enumerate(members):
            rows.append((heading.format(number) if place == 0 else member) + row(one))
            if one.code == "0c03":
                rows.append("    Bus 001 Device 001 Port 1-0\tID 1d6b:0002 Linux Foundation 2.0 root hub")
                rows.append("[0:0:0:0]    disk    SanDisk  Ultra Fit        1.00  /dev/sda   30.7GB")
    return _lines(rows)


def unraid(machine: Machine) -> str:
    return _unraid(
        machine,
        "IOMMU group {}:\t",
        "\t",
        lambda one: f"[{one.ids}] {one.short} {one.words}: {one.name}{one.notes}",
    )


def unraid_squashed(machine: Machine) -> str:
    return _lines(line.strip() for line in unraid(machine).splitlines())


def unraid_reset(machine: Machine) -> str:
    def row(one: Told) -> str:
        mark = "[R]" if one.code in ("0300", "0108") else "   "
        return f"[{one.ids}] {mark} {one.short}  {one.words}: {one.name}{one.notes}"

    return _unraid(machine, "IOMMU group {}:\t", "\t", row)


def columns(machine: Machine) -> str:
    def row(one: Told) -> str:
        mark = "[R]" if one.code in ("0300", "0108") else "   "
        return f"[{one.ids}] {mark} {one.short}  {one.words:<40} {one.name}"

    return _unraid(machine, "Group {}:\t", "\t", row)


def ids_first_one_line(machine: Machine) -> str:
    return _lines(
        f"IOMMU Group {one.group:>2} [{one.ids}] {one.short}  {one.words}: {one.name}" for one in machine
    )


def ls_iommu(machine: Machine) -> str:
    return _lines(
        f"Group:  {one.group:<3} {one.address} {one.words} [{one.code}]: {one.name} [{one.ids}]{one.notes}"
        for one in machine
    )


def numeric(machine: Machine) -> str:
    return _lines(f"IOMMU Group {one.group} {one.short} {one.code}: {one.ids}{one.notes}" for one in machine)


def colon_one_line(machine: Machine) -> str:
    return _lines(f"IOMMU Group {one.group}: {lspci_nn(one)}" for one in machine)


def tabbed_one_line(machine: Machine) -> str:
    return _lines(f"IOMMU Group {one.group} \t{lspci_nn(one)}" for one in machine)


def address_twice(machine: Machine) -> str:
    rows: list[str] = []
    for number, members in by_group(machine):
        rows.append(f"IOMMU Group {number}:")
        rows += [f"  {one.address} - {one.short} {one.code}: {one.ids}{one.notes}" for one in members]
    return _lines(rows)


def aligned(machine: Machine) -> str:
    rows: list[str] = []
    for number, members in by_group(machine):
        head = f"IOMMU Group {number} "
        rows += [
            (head if place == 0 else " " * len(head)) + lspci_nn(one) for place, one in enumerate(members)
        ]
    return _lines(rows)


def bbcode(machine: Machine) -> str:
    return "[CODE][COLOR=#000080]" + heading_lower_without_colon(machine).strip() + "[/COLOR][/CODE]"


def web_page(machine: Machine) -> str:
    return "<pre><code class='x'>" + heading_tab(machine).replace("\n", "<br/>\n") + "</code></pre>"


def reset_in_front(machine: Machine) -> str:
    rows: list[str] = []
    for number, members in by_group(machine):
        rows.append(f"IOMMU group {number}")
        rows += [
            ("[RESET]" if one.code in ("0300", "0108") else "") + f"\t{lspci_nn(one)}" for one in members
        ]
    return _lines(rows)


def with_drivers(machine: Machine) -> str:
    rows = []
    for line, one in zip(one_line(machine).splitlines(), machine, strict=True):
        rows.append(line)
        rows.append("\tSubsystem: Some Vendor Device [1043:85ac]")
        if one.code == "0300":
            rows += ["\tKernel driver in use: vfio-pci", "\tKernel modules: nvidiafb, nouveau"]
    return _lines(rows)


def find(machine: Machine) -> str:
    return _lines(f"/sys/kernel/iommu_groups/{one.group}/devices/{one.address}" for one in machine)


def _device_path(one: Told) -> str:
    return f"../../../../devices/pci0000:00/{one.address}"


def ls_long(machine: Machine) -> str:
    rows = []
    for number, members in by_group(machine):
        rows += [f"/sys/kernel/iommu_groups/{number}/devices:", "total 0"]
        rows += [
            f"lrwxrwxrwx 1 root root 0 Jan  1 12:00 {one.address} -> {_device_path(one)}" for one in members
        ]
        rows.append("")
    return _lines(rows)


def tree(machine: Machine) -> str:
    rows = ["/sys/kernel/iommu_groups"]
    for number, members in by_group(machine):
        rows += [f"├── {number}", "│   ├── devices"]
        rows += [f"│   │   ├── {one.address} -> {_device_path(one)}" for one in members]
        rows += ["│   ├── reserved_regions", "│   └── type"]
    return _lines([*rows, "", "9 directories, 6 files"])


def readlink(machine: Machine) -> str:
    return _lines(
        f"/sys/bus/pci/devices/{one.address}/iommu_group -> ../../../../kernel/iommu_groups/{one.group}"
        for one in machine
    )


def _pvesh_rows(machine: Machine) -> list[dict[str, str]]:
    return [
        {
            "class": f"0x{one.code}00",
            "device": f"0x{one.ids[5:]}",
            "id": one.address,
            "iommugroup": str(one.group),
            "vendor": f"0x{one.ids[:4]}",
            "device_name": one.name,
        }
        for one in machine
    ]


def pvesh_table(machine: Machine) -> str:
    rows = _pvesh_rows(machine)
    names = list(rows[0])
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
    ruled = "╞" + "╪".join("═" * (widths[name] + 2) for name in names) + "╡"
    drawn = ["│ " + " │ ".join(f"{row[name]:<{widths[name]}}" for name in names) + " │" for row in rows]
    head = "│ " + " │ ".join(f"{name:<{widths[name]}}" for name in names) + " │"
    return _lines([head, ruled, *drawn])


def pvesh_json(machine: Machine) -> str:
    return json.dumps([{**row, "iommugroup": int(row["iommugroup"])} for row in _pvesh_rows(machine)])


def markdown_table(machine: Machine) -> str:
    head = "| IOMMU Group | PCI | Class | IDs | Name |\n| --- | --- | --- | --- | --- |\n"
    return head + _lines(
        f"| {one.group} | `{one.short}` | {one.words} | {one.ids} | {one.name} |" for one in machine
    )


LISTS: tuple[Printer, ...] = (
    one_line,
    colon_one_line,
    tabbed_one_line,
    address_twice,
    aligned,
    bbcode,
    web_page,
    reset_in_front,
    one_line_lower,
    one_line_sorted_as_text,
    indented_one_line,
    heading_tab,
    heading_lower_without_colon,
    heading_spaced_colon,
    heading_squashed,
    heading_markdown,
    heading_brackets,
    heading_ruled,
    heading_tree,
    heading_counts,
    coloured,
    unraid,
    unraid_squashed,
    unraid_reset,
    columns,
    ids_first_one_line,
    ls_iommu,
    numeric,
    with_drivers,
)
"""Shapes that name class and ids of each function."""

PATHS: tuple[Printer, ...] = (find, ls_long, tree, readlink)
"""Shapes that only say who is in which group."""

TABLES: tuple[Printer, ...] = (pvesh_table, pvesh_json, markdown_table)
