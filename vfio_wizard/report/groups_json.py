"""``vfio-wizard/groups/1``: groups, functions and cards as data."""

from __future__ import annotations

from vfio_wizard.cards.kinds import kind
from vfio_wizard.cards.units import Gpu, gpus
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.iommu import IommuGroup, ReservedRegion
from vfio_wizard.model.pci import PciAddress, PciFunction
from vfio_wizard.model.unread import Unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]
    Names = dict[PciAddress, str]

SCHEMA = "vfio-wizard/groups/1"


def groups_json(facts: HostFacts, names: Names) -> Json:
    """The whole document. ``null`` is unknown; ``gaps`` says which and why, ``unread`` names fields."""
    found = gpus(facts)
    return {
        "schema": SCHEMA,
        "groups": _groups(facts),
        "functions": [_function(one, names) for one in _by_address(facts)],
        "gpus": [] if isinstance(found, Unread) else [_gpu(one) for one in found],
        "gaps": _gaps(facts),
        "source": {"kind": facts.source.kind, "live": facts.source.live},
    }


def _by_address(facts: HostFacts) -> list[PciFunction]:
    known = () if isinstance(facts.pci, Unread) else facts.pci
    return sorted(known, key=lambda one: one.address)


def _gaps(facts: HostFacts) -> list[Json]:
    gaps = {"functions": facts.pci, "groups": facts.iommu.groups}
    return [
        {"fact": fact, "reason": gap.gap.value, "path": gap.path, "detail": gap.detail}
        for fact, gap in sorted(gaps.items())
        if isinstance(gap, Unread)
    ]


def _groups(facts: HostFacts) -> list[Json] | None:
    if isinstance(facts.iommu.groups, Unread):
        return None
    return [_group(one) for one in sorted(facts.iommu.groups, key=lambda one: one.number)]


def _group(group: IommuGroup) -> Json:
    reserved = group.reserved
    return {
        "number": group.number,
        "type": _told(group.type),
        "reserved": None if isinstance(reserved, Unread) else [_region(one) for one in reserved],
        "functions": [str(one) for one in sorted(group.members)],
        "others": sorted(group.others),
    }


def _region(region: ReservedRegion) -> Json:
    return {"start": f"{region.start:#018x}", "end": f"{region.end:#018x}", "type": region.kind}


def _function(function: PciFunction, names: Names) -> Json:
    ids = function.id
    subsystem = function.subsystem
    known_subsystem = None if isinstance(subsystem, Unread) else subsystem
    return {
        "address": str(function.address),
        "vendor_id": None if isinstance(ids, Unread) else ids.vendor,
        "device_id": None if isinstance(ids, Unread) else ids.device,
        "subsystem_vendor_id": known_subsystem.vendor if known_subsystem else None,
        "subsystem_device_id": known_subsystem.device if known_subsystem else None,
        "class": None if isinstance(function.cls, Unread) else str(function.cls),
        "kind": None if isinstance(function.cls, Unread) else kind(function.cls),
        "name": function.name or names.get(function.address),
        "driver": _told(function.driver),
        "group": _told(function.group),
        "boot_vga": _told(function.boot_vga),
        "reset_methods": _listed(function.reset_methods),
        "modules": _listed(function.modules),
        "unread": _unread_fields(function),
    }


_FIELDS = (
    ("id", "vendor_id"),
    ("subsystem", "subsystem_vendor_id"),
    ("cls", "class"),
    ("driver", "driver"),
    ("group", "group"),
    ("boot_vga", "boot_vga"),
    ("reset_methods", "reset_methods"),
    ("modules", "modules"),
)


def _unread_fields(function: PciFunction) -> list[str]:
    """Which ``null`` of this function means unknown, rather than none."""
    return sorted(word for field, word in _FIELDS if isinstance(getattr(function, field), Unread))


def _gpu(gpu: Gpu) -> Json:
    return {
        "address": str(gpu.address),
        "functions": [str(one) for one in gpu.functions],
        "group": gpu.group,
        "groups": list(gpu.groups),
        "isolated": gpu.isolated,
        "shares_with": [str(one) for one in gpu.shares_with],
        "twins": [str(one) for one in gpu.twins],
        "boot_vga": gpu.boot_vga,
        "type": gpu.type,
        "external": gpu.external,
    }


def _told(fact: object) -> Any:
    return None if isinstance(fact, Unread) else fact


def _listed(fact: tuple[str, ...] | Unread) -> list[str] | None:
    return None if isinstance(fact, Unread) else list(fact)
