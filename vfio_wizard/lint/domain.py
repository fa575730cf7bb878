"""libvirt domain XML: what the schema lets pass and a passthrough guest stumbles over."""

from __future__ import annotations

from vfio_wizard.cards.units import gpu_of, gpus
from vfio_wizard.lint.mistake import Notes, Severity
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import Text
from vfio_wizard.lint.xmltree import Element, Refused, parse_xml
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.unread import Unread

_UNITS = {
    "": 1,
    "b": 1,
    "bytes": 1,
    "k": 1 << 10,
    "kib": 1 << 10,
    "m": 1 << 20,
    "mib": 1 << 20,
    "g": 1 << 30,
    "gib": 1 << 30,
}
_FIELDS = (("domain", 0xFFFFFFFF), ("bus", 0xFF), ("slot", 0x1F), ("function", 0x7))

_NEWER: tuple[tuple[str, str, str, str], ...] = (
    ("cpu/maxphysaddr", "limit", "9.3", "libvirt-go-xml-module a8eaad5"),
    ("devices/hostdev/driver", "iommufd", "12.1", "libvirt NEWS 12.1.0"),
    ("devices/hostdev/driver", "model", "10.0", "libvirt NEWS 10.0.0"),
    ("iommufd", "enabled", "12.2", "libvirt NEWS 12.2.0"),
)
"""(element, attribute, first libvirt that takes it, source)."""


def judge_domain(text: Text, notes: Notes, situation: Situation) -> None:
    """Every rule over one ``<domain>`` or a lone ``<hostdev>``."""
    try:
        root = parse_xml(text.value)
    except Refused as refused:
        notes.add(refused.rule, (refused.place, refused.seen), refused.why)
        return
    if root.name == "hostdev":
        devices = Element("devices", {}, root.place, [root], [])
        root = Element("domain", {}, root.place, [devices], [])
    if root.name != "domain":
        notes.gap(root.place, f"<{root.name}>", "only domains and single hostdevs are judged")
        return
    for judge in (_memory, _features, _firmware, _threads, _newer, _balloon):
        judge(root, notes)
    _hostdevs(root, notes, situation)


def _say(
    rule: str, one: Element, notes: Notes, why: str, right: str | None = None, **more: str | None
) -> None:
    replacement, source = more.get("replacement"), more.get("source") or ""
    notes.add(rule, (one.place, one.shown()), why, right, replacement=replacement, source=source)


def _memory(root: Element, notes: Notes) -> None:
    for size in root.all("devices/shmem/size"):
        found = _bytes(size)
        if found is None:
            continue
        if found < 1 << 20 or found & (found - 1):
            right = 1 << 20
            while right < found:
                right <<= 1
            _say(
                "lint.domain.shmem-size",
                size,
                notes,
                f"{size.words} {size.attributes.get('unit', '(bytes, without a unit)')}: QEMU takes"
                " powers of two"
                " from 1 MiB on",
                f"<size unit='M'>{right >> 20}</size>",
                replacement=f"<size unit='M'>{right >> 20}</size>" if found >= 1 << 20 else None,
            )
    locked = root.first("memoryBacking/locked")
    if locked is not None and root.first("memtune/hard_limit") is None:
        _say(
            "lint.domain.locked",
            locked,
            notes,
            "VFIO locks the guest's memory without it; this lifts the limit for all of QEMU's",
            "leave it out",
            replacement="",
        )


def _bytes(size: Element) -> int | None:
    unit = _UNITS.get(size.attributes.get("unit", "").lower())
    return int(size.words) * unit if unit and size.words.isascii() and size.words.isdigit() else None


def _features(root: Element, notes: Notes) -> None:
    vendor = root.first("features/hyperv/vendor_id")
    if vendor is not None and len(vendor.attributes.get("value", "")) > 12:
        _say(
            "lint.domain.vendor-id",
            vendor,
            notes,
            f"{len(vendor.attributes['value'])} characters; libvirt takes at most 12",
            vendor.attributes["value"][:12],
            replacement=vendor.attributes["value"][:12],
        )
    hidden = root.first("features/kvm/hidden")
    if hidden is not None and hidden.attributes.get("state") == "on":
        _say(
            "lint.domain.hidden",
            hidden,
            notes,
            "NVIDIA's drivers from 465 on work in a guest that knows what it is; only older ones"
            " failed with code 43",
            "leave it out, unless the guest has a driver below 465 or something else asks for it",
            replacement="",
        )
    locks = root.first("features/hyperv/spinlocks")
    retries = "" if locks is None else locks.attributes.get("retries", "")
    if locks is not None and retries.isascii() and retries.isdigit() and int(retries) < 4095:
        _say("lint.domain.spinlocks", locks, notes, "libvirt takes 4095 or more", "8191", replacement="8191")


def _firmware(root: Element, notes: Notes) -> None:
    loader = root.first("os/loader")
    secure = loader is not None and loader.attributes.get("secure") == "yes"
    smm = root.first("features/smm")
    if loader is not None and secure and (smm is None or smm.attributes.get("state") == "off"):
        _say(
            "lint.domain.secure-boot",
            loader,
            notes,
            "secure firmware keeps its variables behind System Management Mode, which this domain"
            " has not got",
            "<smm state='on'/> among the features",
        )
    for path in ("os/loader", "os/nvram", "devices/emulator"):
        for one in root.all(path):
            for value in (one.words, one.attributes.get("template", "")):
                if value.startswith("/nix/store/"):
                    notes.add(
                        "lint.nix.store-path",
                        (one.place, value),
                        "this path goes with the next garbage collection after an update",
                        "<os firmware='efi'>, which lets libvirt choose, or a path below"
                        " /run/libvirt/nix-ovmf",
                    )


def _threads(root: Element, notes: Notes) -> None:
    threads = root.first("iothreads")
    count = (
        int(threads.words)
        if threads is not None and threads.words.isascii() and threads.words.isdigit()
        else 0
    )
    named = {one.attributes.get("id", "") for one in root.all("iothreadids/iothread")}
    named |= {str(number) for number in range(1, min(count, 4096) + 1)}
    for path in ("cputune/iothreadpin", "devices/disk/driver"):
        for one in root.all(path):
            wanted = one.attributes.get("iothread")
            if wanted is not None and wanted not in named:
                has = f"{count} I/O thread(s)" if count else "no I/O threads"
                _say("lint.domain.iothread", one, notes, f"this domain has {has}", "<iothreads> of that many")


def _newer(root: Element, notes: Notes) -> None:
    for path, attribute, version, source in _NEWER:
        for one in root.all(path):
            if attribute in one.attributes:
                _say(
                    "lint.domain.newer-libvirt",
                    one,
                    notes,
                    f"{attribute} needs libvirt {version} or later",
                    source=source,
                )


def _balloon(root: Element, notes: Notes) -> None:
    balloon = root.first("devices/memballoon")
    if balloon is not None and balloon.attributes.get("model") != "none" and _pci_hostdevs(root):
        _say(
            "lint.domain.balloon",
            balloon,
            notes,
            "VFIO pins all memory of the guest, so that a balloon gives nothing back and only costs",
            "<memballoon model='none'/>",
            replacement="<memballoon model='none'/>",
        )


# --- host devices -------------------------------------------------------------------------------


def _pci_hostdevs(root: Element) -> list[Element]:
    return [
        address
        for one in root.all("devices/hostdev")
        if one.attributes.get("type") == "pci"
        for address in one.all("source/address")
    ]


def _hostdevs(root: Element, notes: Notes, situation: Situation) -> None:
    taken: dict[PciAddress, Element] = {}
    for one in _pci_hostdevs(root):
        address = _address(one, notes)
        if address is None:
            continue
        if address in taken:
            _say(
                "lint.domain.twice",
                one,
                notes,
                f"{address} is given in line {taken[address].place.line} already",
            )
        else:
            taken[address] = one
            _on_host(address, one, notes, situation)
    if situation.functions:
        _cards(taken, notes, situation)
    else:
        _slots(taken, notes)


def _address(one: Element, notes: Notes) -> PciAddress | None:
    """What libvirt reads: 0x is hex, a leading 0 octal, the rest decimal."""
    numbers: list[int] = []
    for name, limit in _FIELDS:
        written = one.attributes.get(name, "0")
        number = _number(written)
        if number is None or number > limit:
            why = f"{name}='{written}' is no number that libvirt takes here"
            _say(
                "lint.domain.address",
                one,
                notes,
                why,
                f"{name}='0x{written.removeprefix('0x')}', as in lspci",
            )
            return None
        if number > 9 and not written.lower().startswith("0x"):
            _decimal(one, name, written, number, notes)
        numbers.append(number)
    return PciAddress(*numbers)


def _number(written: str) -> int | None:
    try:
        if written.lower().startswith("0x"):
            return int(written, 0) if written[2:].isalnum() else None
        if not (written.isascii() and written.isdigit()) or len(written) > 12:
            return None
        return int(written, 8) if written.startswith("0") and written != "0" else int(written)
    except ValueError:
        return None


def _decimal(one: Element, name: str, written: str, number: int, notes: Notes) -> None:
    notes.add(
        "lint.domain.address",
        (one.place, one.shown()),
        f"{name}='{written}' is decimal for libvirt: 0x{number:02x}; lspci and sysfs write hex, where"
        f" {written} is"
        f" {int(written, 16)}",
        f"{name}='0x{written}', if {written} is what lspci shows",
        severity=Severity.WARNING,
    )


def _on_host(address: PciAddress, one: Element, notes: Notes, situation: Situation) -> None:
    seen = situation.at(address)
    if seen is None:
        if situation.is_complete:
            _say(
                "lint.domain.absent",
                one,
                notes,
                f"this host has no function {address}",
                "compare with lspci -D",
            )
    elif seen.is_bridge:
        _say(
            "lint.domain.bridge",
            one,
            notes,
            f"{address} is a bridge; VFIO cannot take it, and it may stay",
            "leave it out",
        )


def _cards(taken: dict[PciAddress, Element], notes: Notes, situation: Situation) -> None:
    every = gpus(situation.facts) if situation.facts is not None else ()
    if isinstance(every, Unread):
        return
    told: set[PciAddress] = set()
    for address, one in taken.items():
        card = gpu_of(every, address)
        if card is None or card.address in told:
            continue
        told.add(card.address)
        missing = [str(other) for other in card.functions if other not in taken]
        if missing:
            _half(one, f"{', '.join(missing)} of the same card", notes)


def _slots(taken: dict[PciAddress, Element], notes: Notes) -> None:
    """Without a host: function 0 alone, or a later one alone, where graphics cards have two or more."""
    for address, one in taken.items():
        mates = [other for other in taken if other.slot == address.slot]
        is_first_audio = address.function == 1 and len(mates) == 1
        if is_first_audio:
            _half(one, f"{PciAddress(*address.slot, 0)}, to which it belongs,", notes)
        elif len(mates) == 1 and address.function == 0 and len(taken) == 1:
            notes.add(
                "lint.domain.half-card",
                (one.place, one.shown()),
                f"only {address} goes to the guest; a graphics card also has an audio function in this slot",
                "a hostdev for each function that lspci shows there",
                severity=Severity.NOTE,
            )


def _half(one: Element, what: str, notes: Notes) -> None:
    _say(
        "lint.domain.half-card",
        one,
        notes,
        f"{what} stays with the host; a host driver on it keeps the group from the guest, and a card"
        " is reset as a"
        " whole",
        "a hostdev for it as well",
    )
