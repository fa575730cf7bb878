"""nixos-facter reports, version 1: hardware as hwinfo saw it, with the IOMMU group of each device.

Every released nixos-facter writes ``sysfs_iommu_group_id`` wherever the kernel has one (0.1.0 and
later), so a device without it has no group, and a report without any comes from a machine whose
IOMMU was off or absent. Serial numbers, UUIDs and MAC addresses of a report are never read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import Board, Cpu, Firmware, HostFacts, Kernel, Memory, NetworkLink
from vfio_wizard.model.pci import PciAddress, PciClass, PciFunction, PciId
from vfio_wizard.model.unread import Gap, Unread, untold
from vfio_wizard.probe.text.blank import blank_facts, blank_function, with_functions, with_others
from vfio_wizard.probe.text.lines import words

KIND = "facter"
VERSION = 1

_KEYS = ('"hardware"', '"version"', '"system"', '"schema"')
"""A text with none of them is neither a report nor a record of this program, cut off or not."""
_PCI_BUS = 4
_VENDORS = {"AuthenticAMD": "amd", "GenuineIntel": "intel"}
_AGAIN = "write it again with `nixos-facter -o facter.json`"

Report = dict[str, Any]


def read(text: str, label: str) -> HostFacts | None:
    """A report as facts; None when the text is no JSON object. Raises UsageError for a damaged report."""
    if not text.lstrip().startswith("{") or not any(key in text for key in _KEYS):
        return None
    report = parse(text, label)
    hardware = report.get("hardware")
    if not isinstance(hardware, dict) or "version" not in report:
        return None
    if report["version"] != VERSION:
        told = words(str(report["version"]))[:20]
        msg = f"{label}: nixos-facter report of version {told}; only version {VERSION} is known here"
        raise UsageError(msg)
    return _facts(report, hardware, label)


def parse(text: str, label: str) -> Report:
    """The JSON object of a text. Raises UsageError where it is cut off or damaged."""
    try:
        report = json.loads(text)
    except RecursionError:
        msg = f"{label}: JSON nested too deeply for a report; {_AGAIN}"
        raise UsageError(msg) from None
    except ValueError as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "a number"
        msg = f"{label}: JSON that is cut off or damaged at {where}; if it is a report, {_AGAIN}"
        raise UsageError(msg) from None
    return report if isinstance(report, dict) else {}


def _facts(report: Report, hardware: Report, label: str) -> HostFacts:
    facts = with_functions(blank_facts(KIND, label), _functions(hardware, label))
    facts = with_others(facts, _others(hardware))
    if isinstance(facts.iommu.groups, Unread):
        facts = facts._replace(iommu=facts.iommu._replace(groups=()))
    return facts._replace(
        source=facts.source._replace(complete=True),
        cpu=_cpu(hardware, facts.cpu),
        firmware=_firmware(report, facts.firmware),
        kernel=_kernel(report, facts.kernel),
        memory=_memory(hardware, facts.memory),
        network=_network(hardware, label),
    )


def _functions(hardware: Report, label: str) -> tuple[PciFunction, ...]:
    """PCI functions of all lists; a device that is in two lists counts once."""
    found: dict[PciAddress, PciFunction] = {}
    for place, device in _devices(hardware):
        if _number(device.get("bus_type")) != _PCI_BUS:
            continue
        address = _address(_text(device.get("sysfs_bus_id")))
        if address is not None and address not in found:
            found[address] = _function(address, device, f"{label} {place}")
    return tuple(found.values())


def _others(hardware: Report) -> list[tuple[int, str]]:
    """Devices of other buses that stand in a group, as on machines without much PCI."""
    found: dict[tuple[int, str], None] = {}
    for _, device in _devices(hardware):
        group = _plain(device.get("sysfs_iommu_group_id"))
        name = (_text(device.get("sysfs_id")) or "").rpartition("/")[2]
        if group is not None and name and _number(device.get("bus_type")) != _PCI_BUS:
            found[(group, name)] = None
    return list(found)


def _devices(hardware: Report) -> Iterator[tuple[str, Report]]:
    for name, listed in hardware.items():
        if isinstance(listed, list):
            for index, device in enumerate(listed):
                if isinstance(device, dict):
                    yield f"hardware.{words(name)}[{index}]", device


def _function(address: PciAddress, device: Report, origin: str) -> PciFunction:
    path = _text(device.get("sysfs_id")) or ""
    return blank_function(
        address,
        origin,
        id=_id(device, "vendor", "device", origin),
        cls=_class(device, origin),
        subsystem=_subsystem(device, origin),
        revision=_revision(device, origin),
        driver=_text(device.get("driver")),
        group=_group(device, origin),
        parent=_parent(path, address, origin),
        modules=_modules(device, origin),
        modalias=_text(device.get("module_alias")) or untold(origin),
        name=_name(device),
    )


def _id(device: Report, vendor: str, model: str, origin: str) -> PciId | Unread:
    pair = (_number(device.get(vendor)), _number(device.get(model)))
    if pair[0] is None or pair[1] is None or max(pair[0], pair[1]) > 0xFFFF:
        return Unread(origin, Gap.MALFORMED, f"no {vendor} and {model} number")
    return PciId(f"{pair[0]:04x}", f"{pair[1]:04x}")


def _subsystem(device: Report, origin: str) -> PciId | Unread | None:
    """Left out for functions without one, such as bridges."""
    if "sub_vendor" not in device and "sub_device" not in device:
        return None
    return _id(device, "sub_vendor", "sub_device", origin)


def _class(device: Report, origin: str) -> PciClass | Unread:
    base = _number(device.get("base_class"))
    if base is None or base > 0xFF:
        return Unread(origin, Gap.MALFORMED, "no base_class number")
    sub = _number(device.get("sub_class")) or 0
    return PciClass(base, sub & 0xFF, _interface(device))


def _interface(device: Report) -> int | None:
    told = _number(device.get("pci_interface"))
    detail = device.get("detail")
    if told is None and isinstance(detail, dict):
        told = _number({"value": detail.get("prog_if")})
    return None if told is None else told & 0xFF


def _revision(device: Report, origin: str) -> int | Unread:
    """Left out both for revision 0 and where none was read, so silence tells nothing."""
    told = _number(device.get("revision"))
    return untold(origin) if told is None else told


def _group(device: Report, origin: str) -> int | None | Unread:
    group = device.get("sysfs_iommu_group_id")
    if group is None:
        return None
    if isinstance(group, int) and not isinstance(group, bool) and group >= 0:
        return group
    return Unread(origin, Gap.MALFORMED, "sysfs_iommu_group_id is no number")


def _parent(path: str, address: PciAddress, origin: str) -> PciAddress | None | Unread:
    """The function above in the sysfs path; None directly below a root bus (``pci0000:00``)."""
    steps = path.split("/")
    if len(steps) < 2 or _address(steps[-1]) != address:
        return untold(origin)
    return _address(steps[-2])


def _modules(device: Report, origin: str) -> tuple[str, ...] | Unread:
    """The module of the active driver; other candidates are not part of a report."""
    told = device.get("driver_modules")
    if not isinstance(told, list):
        return untold(origin)
    names = (_text(name) for name in told)
    return tuple(sorted({name.replace("-", "_") for name in names if name}))


def _name(device: Report) -> str | None:
    """Only where both are named; the report's ``model`` is often just "NVIDIA VGA compatible controller"."""
    vendor, model = device.get("vendor"), device.get("device")
    if not isinstance(vendor, dict) or not isinstance(model, dict):
        return None
    parts = (_text(vendor.get("name")), _text(model.get("name")))
    return f"{parts[0]} {parts[1]}" if all(parts) else None


def _cpu(hardware: Report, blank: Cpu) -> Cpu:
    listed = hardware.get("cpu")
    if not isinstance(listed, list) or not listed or not isinstance(listed[0], dict):
        return blank
    told = listed[0]
    vendor = _text(told.get("vendor_name"))
    flags = told.get("features")
    return blank._replace(
        origin=f"{blank.origin} hardware.cpu[0]",
        vendor=_VENDORS.get(vendor, vendor.lower()) if vendor else blank.vendor,
        model=_text(told.get("model_name")) or blank.model,
        family=_family(told) or blank.family,
        flags=frozenset(filter(None, map(_text, flags))) if isinstance(flags, list) else blank.flags,
        address_bits=_address_bits(told.get("address_sizes")) or blank.address_bits,
    )


def _family(told: Report) -> tuple[int, int, int] | None:
    numbers = [_plain(told.get(name)) for name in ("family", "model", "stepping")]
    if numbers[0] is None or numbers[1] is None or numbers[2] is None:
        return None
    return (numbers[0], numbers[1], numbers[2])


def _address_bits(told: object) -> tuple[int, int] | None:
    if not isinstance(told, dict):
        return None
    try:
        return (int(str(told["physical"]), 0), int(str(told["virtual"]), 0))
    except (KeyError, ValueError):
        return None


def _firmware(report: Report, blank: Firmware) -> Firmware:
    uefi = report.get("uefi")
    supported = uefi.get("supported") if isinstance(uefi, dict) else None
    kind: str | Unread = blank.type
    if isinstance(supported, bool):
        kind = "uefi" if supported else "bios"
    smbios = report.get("smbios")
    board = _board(smbios, blank.board) if isinstance(smbios, dict) else blank.board
    return blank._replace(type=kind, board=board)


def _board(smbios: Report, blank: Board) -> Board:
    """Names only: no serial number, asset tag or UUID."""
    places = (
        ("vendor", "board", "manufacturer"),
        ("name", "board", "product"),
        ("product", "system", "product"),
        ("system_vendor", "system", "manufacturer"),
        ("bios_vendor", "bios", "vendor"),
        ("bios_version", "bios", "version"),
        ("bios_date", "bios", "date"),
    )
    told = {field: _text(_first(smbios.get(part)).get(key)) for field, part, key in places}
    chassis = _number(_first(smbios.get("chassis")).get("chassis_type"))
    told["chassis"] = None if chassis is None else str(chassis)
    return blank._replace(**{field: value for field, value in told.items() if value})


def _kernel(report: Report, blank: Kernel) -> Kernel:
    system = _text(report.get("system"))
    virtual = _text(report.get("virtualisation"))
    return blank._replace(
        architecture=system.split("-")[0] if system else blank.architecture,
        hypervisor=blank.hypervisor if virtual is None else None if virtual == "none" else virtual,
    )


def _memory(hardware: Report, blank: Memory) -> Memory:
    sizes = [
        size
        for device in _listed(hardware.get("memory"))
        for resource in _listed(device.get("resources"))
        if resource.get("type") == "phys_mem" and (size := _plain(resource.get("range")))
    ]
    return blank._replace(total_kib=sum(sizes) // 1024) if sizes else blank


def _network(hardware: Report, label: str) -> tuple[NetworkLink, ...] | Unread:
    found = [_link(device, label) for device in _listed(hardware.get("network_interface"))]
    links = sorted({link.name: link for link in found if link.name}.values(), key=lambda link: link.name)
    return tuple(links) if links else untold(label)


def _link(device: Report, label: str) -> NetworkLink:
    names = device.get("unix_device_names")
    name = _text(device.get("unix_device_name")) or _text(
        names[0] if isinstance(names, list) and names else None
    )
    path = (_text(device.get("sysfs_device_link")) or "").split("/")
    functions = [address for step in path if (address := _address(step))]
    kind = _text(_first(device.get("sub_class")).get("name")) or "unknown"
    return NetworkLink(
        name or "",
        functions[-1] if functions else None,
        untold(label),
        kind.lower().removesuffix(" network interface"),
    )


def _listed(value: object) -> list[Report]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _first(value: object) -> Report:
    """An object, or the first one of a list of objects; reports have both forms."""
    if isinstance(value, dict):
        return value
    return next(iter(_listed(value)), {})


def _number(value: object) -> int | None:
    """The ``value`` of a named number (``{"hex": "1002", "value": 4098}``), or its ``hex``."""
    if not isinstance(value, dict):
        return None
    told = _plain(value.get("value"))
    if told is not None:
        return told
    try:
        return int(str(value["hex"]), 16)
    except (KeyError, ValueError):
        return None


def _plain(value: object) -> int | None:
    """A count: an int that is no bool and not negative."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: object) -> str | None:
    """Words on one line, without control characters; None for anything that is no text."""
    return (words(value) or None) if isinstance(value, str) else None


def _address(text: str | None) -> PciAddress | None:
    try:
        return PciAddress.parse(text or "")
    except ValueError:
        return None
