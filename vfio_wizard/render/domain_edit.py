"""An existing domain changed in place: what is asked for, and not a byte beside it.

People have put years into these files: comments, QEMU's own command line, what virt-manager keeps in the
metadata. Each edit is looked for first and made only where it is missing, so that editing twice changes
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from vfio_wizard.model.domain import Card, DomainSpec, Evdev, Handed, Pins
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.selection import Mirror
from vfio_wizard.render.xml_text import Document, Element, XmlError, escaped, tag

SHARED_NAME = "looking-glass"

_MIB = 1 << 20
_UNITS = {
    "b": 1, "bytes": 1, "KB": 10**3, "k": 1 << 10, "KiB": 1 << 10, "MB": 10**6, "M": 1 << 20, "MiB": 1 << 20,
    "GB": 10**9, "G": 1 << 30, "GiB": 1 << 30, "TB": 10**12, "T": 1 << 40, "TiB": 1 << 40,
}  # fmt: skip
"""libvirt's (virScaleInteger); memory without a unit is in KiB, shared memory in bytes."""

_LARGEST_SLOT = 0x1F
_FIRST_FREE_SLOT = 3
"""On pc-i440fx slot 1 is the chipset and 2 the emulated display."""
_FUNCTIONS = 8


class AddCard(NamedTuple):
    """All functions of a card, on one slot of the guest. Functions that are there stay where they are."""

    card: Card
    iommufd: bool = False
    """Each function is opened through /dev/iommu."""


class RemoveCard(NamedTuple):
    """The functions no longer go to the guest."""

    functions: tuple[PciAddress, ...]


class SetRom(NamedTuple):
    """The ROM that the guest's firmware sees of a function: a file, the card's own (None), or none."""

    function: PciAddress
    file: str | None = None
    bar: bool = True


class SetSharedMemory(NamedTuple):
    """Looking Glass' memory, plain or of kvmfr, gets this size; None takes plain memory away."""

    mib: int | None


class SetPins(NamedTuple):
    """CPUs of the guest, where they run, and how the guest sees them."""

    pins: Pins


class SetMemory(NamedTuple):
    """The guest's memory."""

    mib: int


class AddEvdev(NamedTuple):
    """A keyboard or mouse of the host."""

    evdev: Evdev


class RemoveEvdev(NamedTuple):
    """The device by its path."""

    path: str


class NoBalloon(NamedTuple):
    """Memory that a card reaches cannot be taken back from the guest."""


class Ensure(NamedTuple):
    """An element below the domain with these attributes: ``features/kvm/hidden`` with ``state='on'``."""

    path: str
    attributes: tuple[tuple[str, str], ...] = ()


class SetFirmware(NamedTuple):
    """Firmware chosen by libvirt. The guest's boot entries and keys begin anew, in a file of their own."""

    secure_boot: bool


Edit = (
    AddCard
    | RemoveCard
    | SetRom
    | SetSharedMemory
    | SetPins
    | SetMemory
    | AddEvdev
    | RemoveEvdev
    | NoBalloon
    | Ensure
    | SetFirmware
)


def edit_domain(text: str, edits: Iterable[Edit]) -> str:
    """The domain with all edits made, in order. Raises WizardError for what is no domain, or cannot be."""
    _domain(text)
    for one in edits:
        text = _EDITS[type(one)](text, one)
    return text


def edits_for(spec: DomainSpec, *, firmware: bool = False, memory: bool = False) -> tuple[Edit, ...]:
    """What a guest that is there already needs for the card; the rest of it is its owner's.

    Firmware and memory only when asked for: the first forgets boot entries, the second is a matter of taste.
    """
    return tuple(_edits_for(spec, firmware, memory))


def _edits_for(spec: DomainSpec, firmware: bool, memory: bool) -> Iterator[Edit]:
    for card in (*spec.cards, *spec.others):
        yield AddCard(card, spec.iommufd)
        if card.rom is not None or not card.rom_bar:
            yield SetRom(card.functions[0].host, card.rom, card.rom_bar)
    if spec.mirroring is not None and spec.mirroring.mode in (Mirror.SHM, Mirror.KVMFR):
        yield SetSharedMemory(spec.mirroring.size_mib)
    yield NoBalloon()
    if spec.cpus.vcpus:
        yield SetPins(spec.cpus)
    yield from (AddEvdev(one) for one in spec.evdev)
    if memory:
        yield SetMemory(spec.memory.mib)
    if firmware or spec.firmware_chosen:
        yield SetFirmware(spec.secure_boot)


class DomainEditError(WizardError):
    """The domain cannot be changed so, and why."""


def _domain(text: str) -> Document:
    document = Document(text)
    if document.root.name != "domain":
        message = f"not a domain: the file begins with <{document.root.name}>"
        raise XmlError(message)
    return document


# -- cards -----------------------------------------------------------------------------------------


def _add_card(text: str, asked: AddCard) -> str:
    missing = [one for one in asked.card.functions if _hostdev(_domain(text), one.host) is None]
    if not missing:
        return text
    text, place = _place_for(text, asked.card)
    for one in missing:
        document = _domain(text)
        function = _free_function(document, place, one.function)
        lines = _hostdev_lines(one, asked, place, function)
        text = document.with_child(_devices(document), lines, ("hostdev",))
    return _multifunction(text, place)


class _Place(NamedTuple):
    """A slot of the guest."""

    bus: int
    slot: int


def _hostdev(document: Document, function: PciAddress) -> Element | None:
    for one in document.root.all("devices/hostdev"):
        if one.attributes.get("type") == "pci" and _source_of(one) == function:
            return one
    return None


def _source_of(hostdev: Element) -> PciAddress | None:
    source = hostdev.first("source/address")
    if source is None:
        return None
    numbers = [_number(source.attributes.get(name)) for name in ("domain", "bus", "slot", "function")]
    domain, bus, slot, function = numbers
    if bus is None or slot is None:
        return None
    return PciAddress(domain or 0, bus, slot, function or 0)


def _number(text: str | None) -> int | None:
    """As libvirt reads it: 0x is hex, a leading 0 octal."""
    if text is None:
        return None
    base = 16 if text[:2].lower() == "0x" else 8 if text[:1] == "0" and len(text) > 1 else 10
    try:
        return int(text, base)
    except ValueError:
        return None


def _guest_place(device: Element) -> tuple[int, int, int] | None:
    """Bus, slot and function in the guest."""
    for one in device.all("address"):
        if one.attributes.get("type") != "pci":
            continue
        bus, slot = _number(one.attributes.get("bus")), _number(one.attributes.get("slot"))
        if bus is not None and slot is not None:
            return bus, slot, _number(one.attributes.get("function")) or 0
    return None


def _places(document: Document) -> list[tuple[int, int, int]]:
    devices = document.root.first("devices")
    found = [_guest_place(one) for one in (devices.children if devices else ())]
    return [place for place in found if place is not None]


def _place_for(text: str, card: Card) -> tuple[str, _Place]:
    """Beside those of the card's functions that are there, else on a free slot, made where there is none."""
    document = _domain(text)
    for one in card.functions:
        there = _hostdev(document, one.host)
        place = _guest_place(there) if there is not None else None
        if place is not None and place[2] == 0:
            return text, _Place(place[0], place[1])
    if card.on_root or not _is_pcie(document):
        return text, _Place(0, card.slot if card.on_root else _free_slot(document))
    return _free_port(text)


def _is_pcie(document: Document) -> bool:
    """Machines of the q35 kind: their first bus is PCI Express."""
    for one in document.root.all("devices/controller"):
        if one.attributes.get("type") == "pci" and one.attributes.get("index") == "0":
            return one.attributes.get("model") == "pcie-root"
    return "q35" in (document.root.get("os/type", "machine") or "")


def _free_slot(document: Document) -> int:
    used = {slot for bus, slot, _ in _places(document) if bus == 0}
    free = [slot for slot in range(_FIRST_FREE_SLOT, _LARGEST_SLOT) if slot not in used]
    if not free:
        message = "the guest's PCI bus has no free slot; remove a device from it"
        raise DomainEditError(message)
    return free[0]


def _free_port(text: str) -> tuple[str, _Place]:
    """A root port that nothing is plugged into, or a new one with the next index."""
    document = _domain(text)
    buses = {bus for bus, _, _ in _places(document)}
    controllers = [
        one for one in document.root.all("devices/controller") if one.attributes.get("type") == "pci"
    ]
    for one in controllers:
        index = _number(one.attributes.get("index"))
        if one.attributes.get("model") == "pcie-root-port" and index is not None and index not in buses:
            return text, _Place(index, 0)
    indexes = [_number(one.attributes.get("index")) or 0 for one in controllers]
    index = max([0, *indexes, *buses]) + 1
    line = tag("controller", (("type", "pci"), ("index", str(index)), ("model", "pcie-root-port")))
    return document.with_child(_devices(document), [line], ("controller", "emulator")), _Place(index, 0)


def _free_function(document: Document, place: _Place, wanted: int) -> int:
    used = {function for bus, slot, function in _places(document) if (bus, slot) == place}
    free = [one for one in (wanted, *range(_FUNCTIONS)) if one not in used]
    if not free:
        message = f"slot {place.slot:#x} of the guest's bus {place.bus:#x} has eight functions already"
        raise DomainEditError(message)
    return int(free[0])


def _hostdev_lines(one: Handed, asked: AddCard, place: _Place, function: int) -> list[str]:
    shared = function == 0 and len(asked.card.functions) > 1
    guest = (
        ("type", "pci"),
        ("domain", "0x0000"),
        ("bus", f"0x{place.bus:02x}"),
        ("slot", f"0x{place.slot:02x}"),
        ("function", f"0x{function:x}"),
        ("multifunction", "on" if shared else None),
    )
    return [
        tag("hostdev", (("mode", "subsystem"), ("type", "pci"), ("managed", "yes")), ">"),
        *([f"  {tag('driver', (('iommufd', 'yes'),))}"] if asked.iommufd else ()),
        "  <source>",
        f"    {tag('address', _host_address(one.host))}",
        "  </source>",
        f"  {tag('address', guest)}",
        "</hostdev>",
    ]


def _host_address(address: PciAddress) -> tuple[tuple[str, str], ...]:
    return (
        ("domain", f"0x{address.domain:04x}"),
        ("bus", f"0x{address.bus:02x}"),
        ("slot", f"0x{address.device:02x}"),
        ("function", f"0x{address.function:x}"),
    )


def _multifunction(text: str, place: _Place) -> str:
    """Without it on function 0 the guest looks for no other."""
    document = _domain(text)
    if sum((bus, slot) == place for bus, slot, _ in _places(document)) < 2:
        return text
    for one in document.root.all("devices/hostdev"):
        if _guest_place(one) != (*place, 0):
            continue
        address = next(child for child in one.all("address") if child.attributes.get("type") == "pci")
        return _with(document, address, "multifunction", "on")
    return text


def _remove_card(text: str, asked: RemoveCard) -> str:
    for function in asked.functions:
        document = _domain(text)
        there = _hostdev(document, function)
        while there is not None:
            text = document.without(there)
            document = _domain(text)
            there = _hostdev(document, function)
    return text


def _set_rom(text: str, asked: SetRom) -> str:
    document = _domain(text)
    there = _hostdev(document, asked.function)
    if there is None:
        message = f"the domain does not have {asked.function}, so its ROM cannot be set; add the card first"
        raise DomainEditError(message)
    rom = there.first("rom")
    if asked.file is None and asked.bar:
        return text if rom is None else document.without(rom)
    wanted = (("bar", None if asked.bar else "off"), ("file", asked.file))
    if rom is None:
        return document.with_child(there, [tag("rom", wanted)], ("source",))
    return _attributes(text, lambda fresh: _rom_of(fresh, asked.function), (*wanted, ("enabled", None)))


def _rom_of(document: Document, function: PciAddress) -> Element:
    there = _hostdev(document, function)
    rom = there.first("rom") if there is not None else None
    if rom is None:
        raise AssertionError
    return rom


# -- memory and CPUs -------------------------------------------------------------------------------


def _set_shared_memory(text: str, asked: SetSharedMemory) -> str:
    document = _domain(text)
    if asked.mib is not None:
        kvmfr = _kvmfr_arguments(document)
        if kvmfr:
            return _kvmfr_size(text, asked.mib)
    there = _shared(document)
    if asked.mib is None:
        return text if there is None else document.without(there)
    if there is None:
        lines = [
            tag("shmem", (("name", SHARED_NAME),), ">"),
            "  <model type='ivshmem-plain'/>",
            f"  <size unit='M'>{asked.mib}</size>",
            "</shmem>",
        ]
        return document.with_child(_devices(document), lines)
    return _shared_size(document, there, asked.mib)


def _shared(document: Document) -> Element | None:
    found = document.root.all("devices/shmem")
    return next((one for one in found if one.attributes.get("name") == SHARED_NAME), None)


def _shared_size(document: Document, there: Element, mib: int) -> str:
    size = there.first("size")
    if size is None:
        return document.with_child(there, [f"<size unit='M'>{mib}</size>"], ("model",))
    unit = size.attributes.get("unit", "b")
    if _bytes(size.words, unit) == mib * _MIB:
        return document.data.decode()
    text = _with(document, size, "unit", "M")
    document = _domain(text)
    again = _shared(document)
    size = again.first("size") if again is not None else None
    return text if size is None else document.with_words(size, str(mib))


def _bytes(words: str, unit: str) -> int | None:
    return int(words) * _UNITS[unit] if words.isascii() and words.isdigit() and unit in _UNITS else None


_KVMFR = "/dev/kvmfr"
_KVMFR_SIZE = re.compile(r'("size"\s*:\s*|\bsize=)(\d+)([KMGT]?)')


def _kvmfr_arguments(document: Document) -> list[Element]:
    """QEMU's words for kvmfr's memory, whatever prefix the namespace has."""
    root = document.root
    named = [one for child in root.children if child.name.endswith(":commandline") for one in child.children]
    return [one for one in named if _KVMFR in one.attributes.get("value", "")]


def _kvmfr_size(text: str, mib: int) -> str:
    document = _domain(text)
    for one in _kvmfr_arguments(document):
        match = _KVMFR_SIZE.search(one.attributes["value"])
        if match is None or int(match[2]) * _UNITS[match[3] or "b"] == mib * _MIB:
            continue
        value = one.attributes["value"]
        size = f"{match[1]}{mib}{match[3]}" if match[3] == "M" else f"{match[1]}{mib * _MIB}"
        return _kvmfr_size(
            document.with_attribute(one, "value", value[: match.start()] + size + value[match.end() :]), mib
        )
    return text


def _set_pins(text: str, asked: SetPins) -> str:
    pins = asked.pins
    text = _set_vcpus(text, pins)
    text = _set_topology(text, pins)
    text = _pin(text, "vcpupin", "vcpu", {n: str(cpu) for n, cpu in enumerate(pins.vcpus)})
    if pins.emulator:
        text = _ensure(text, Ensure("cputune/emulatorpin", (("cpuset", _cpu_list(pins.emulator)),)))
    if any(pins.iothreads):
        text = _set_iothreads(text, len(pins.iothreads))
        wanted = {n: _cpu_list(cpus) for n, cpus in enumerate(pins.iothreads, 1) if cpus}
        text = _pin(text, "iothreadpin", "iothread", wanted)
    return text


def _cpu_list(cpus: tuple[int, ...]) -> str:
    from vfio_wizard.planning.cpus import cpu_list  # noqa: PLC0415 - only pins need it

    return cpu_list(cpus)


def _set_vcpus(text: str, pins: Pins) -> str:
    document = _domain(text)
    count = str(pins.topology.cpus)
    there = document.root.first("vcpu")
    if there is None:
        line = f"<vcpu placement='static'>{count}</vcpu>"
        return document.with_child(document.root, [line], _BEFORE["vcpu"])
    if there.words == count and there.attributes.get("current", count) == count:
        return text
    if document.root.first("cpu/numa/cell") is not None:
        message = (
            f"this guest divides its {there.words} CPUs among NUMA cells of its own; {count} CPUs need "
            "another division, which only you can choose: change <numa> in `virsh edit` first"
        )
        raise DomainEditError(message)
    text = document.with_words(there, count)
    document = _domain(text)
    return document.with_attribute(_must(document, "vcpu"), "current", None)


def _set_topology(text: str, pins: Pins) -> str:
    shape = pins.topology
    text = _ensure(text, Ensure("cpu/topology"))
    old = _must(_domain(text), "cpu/topology")
    dies = None if shape.dies == 1 and "dies" not in old.attributes else str(shape.dies)
    wanted = (
        ("sockets", str(shape.sockets)),
        ("dies", dies),
        ("cores", str(shape.cores)),
        ("threads", str(shape.threads)),
        ("clusters", "1" if "clusters" in old.attributes else None),
    )
    text = _attributes(text, lambda fresh: _must(fresh, "cpu/topology"), wanted)
    if _domain(text).root.get("cpu", "mode") != "host-passthrough":
        return text  # caches and topoext are those of the host's own processor
    if pins.cache_passthrough:
        text = _ensure(text, Ensure("cpu/cache", (("mode", "passthrough"),)))
    return _topoext(text) if pins.topoext else text


def _topoext(text: str) -> str:
    document = _domain(text)
    named = {one.attributes.get("name"): one for one in document.root.all("cpu/feature")}
    there = named.get("topoext")
    if there is None:
        line = "<feature policy='require' name='topoext'/>"
        return document.with_child(_must(document, "cpu"), [line])
    return _with(document, there, "policy", "require")


def _pin(text: str, name: str, key: str, wanted: dict[int, str]) -> str:
    """One element for each number, in place; those for numbers that there are no more are removed."""
    text = _ensure(text, Ensure("cputune"))
    while True:
        after = _pin_once(_domain(text), name, key, wanted)
        if after is None:
            return text
        text = after


def _pin_once(document: Document, name: str, key: str, wanted: dict[int, str]) -> str | None:
    """One step towards it; None where there is none left."""
    there = {}
    for one in document.root.all(f"cputune/{name}"):
        number = _number(one.attributes.get(key))
        if number not in wanted or number in there:
            return document.without(one)
        if one.attributes.get("cpuset") != wanted[number]:
            return document.with_attribute(one, "cpuset", wanted[number])
        there[number] = one
    missing = next((number for number in wanted if number not in there), None)
    if missing is None:
        return None
    line = tag(name, ((key, str(missing)), ("cpuset", wanted[missing])))
    return document.with_child(_must(document, "cputune"), [line], (name, *_BEFORE.get(name, ())))


def _set_iothreads(text: str, count: int) -> str:
    document = _domain(text)
    there = document.root.first("iothreads")
    if there is None:
        return document.with_child(document.root, [f"<iothreads>{count}</iothreads>"], _BEFORE["iothreads"])
    enough = there.words.isascii() and there.words.isdigit() and int(there.words) >= count
    return text if enough else document.with_words(there, str(count))


def _set_memory(text: str, asked: SetMemory) -> str:
    kib = asked.mib << 10
    for name in ("memory", "currentMemory"):
        document = _domain(text)
        there = document.root.first(name)
        if there is None:
            continue
        if _bytes(there.words, there.attributes.get("unit", "KiB")) == kib << 10:
            continue
        if document.root.first("cpu/numa/cell") is not None:
            message = "this guest divides its memory among NUMA cells of its own; change them in `virsh edit`"
            raise DomainEditError(message)
        text = _with(document, there, "unit", "KiB")
        document = _domain(text)
        text = document.with_words(_must(document, name), str(kib))
    return text


# -- the rest --------------------------------------------------------------------------------------


def _evdev(document: Document, path: str) -> Element | None:
    for one in document.root.all("devices/input"):
        if one.attributes.get("type") == "evdev" and one.get("source", "dev") == path:
            return one
    return None


def _add_evdev(text: str, asked: AddEvdev) -> str:
    document = _domain(text)
    one = asked.evdev
    if _evdev(document, one.path) is not None:
        return text
    shared = (("grab", "all"), ("grabToggle", "ctrl-ctrl"), ("repeat", "on")) if one.grabs else ()
    lines = [
        tag("input", (("type", "evdev"),), ">"),
        f"  {tag('source', (('dev', one.path), *shared))}",
        "</input>",
    ]
    return document.with_child(_devices(document), lines, ("input",))


def _remove_evdev(text: str, asked: RemoveEvdev) -> str:
    document = _domain(text)
    there = _evdev(document, asked.path)
    return text if there is None else document.without(there)


def _no_balloon(text: str, _asked: NoBalloon) -> str:
    document = _domain(text)
    there = document.root.first("devices/memballoon")
    line = tag("memballoon", (("model", "none"),))
    if there is None:
        return document.with_child(_devices(document), [line])
    if there.attributes.get("model") == "none":
        return text
    return document.replaced(there.start, there.end, line)


def _ensure(text: str, asked: Ensure) -> str:
    path = ""
    for name in asked.path.split("/"):
        document = _domain(text)
        parent = _must(document, path) if path else document.root
        path = f"{path}/{name}" if path else name
        if parent.first(name) is None:
            text = document.with_child(parent, [tag(name)], _BEFORE.get(name, ()))
    return _attributes(text, lambda fresh: _must(fresh, asked.path), asked.attributes)


def _set_firmware(text: str, asked: SetFirmware) -> str:
    """Paths of images belong to one distribution and one size of image, so libvirt chooses both."""
    if _has_firmware(_domain(text), asked):
        return text
    _refuse_firmware(_domain(text), asked)
    variables = _fresh_variables(_domain(text), asked)
    for name in ("loader", "nvram", "firmware"):
        document = _domain(text)
        there = document.root.first(f"os/{name}")
        text = text if there is None else document.without(there)
    text = _ensure(text, Ensure("os", (("firmware", "efi"),)))
    document = _domain(text)
    secure = "yes" if asked.secure_boot else "no"
    lines = ["<firmware>", f"  <feature enabled='{secure}' name='secure-boot'/>", "</firmware>"]
    if asked.secure_boot:
        lines.insert(1, "  <feature enabled='yes' name='enrolled-keys'/>")
    text = document.with_child(_must(document, "os"), lines + variables, ("type",))
    return _ensure(text, Ensure("features/smm", (("state", "on"),))) if asked.secure_boot else text


def _refuse_firmware(document: Document, asked: SetFirmware) -> None:
    if asked.secure_boot and not _is_pcie(document):
        message = (
            "Secure Boot needs a machine of the q35 kind, and this guest has another, which an installed "
            "system does not survive being changed; UEFI without Secure Boot (uefi) can be had"
        )
        raise DomainEditError(message)


def _fresh_variables(document: Document, asked: SetFirmware) -> list[str]:
    """A name that no firmware has used yet, beside the old one, which stays for the way back.

    libvirt's own choice of a name depends on the guest alone, and it takes a file that is there as it is:
    of another size, or without the keys.
    """
    old = document.root.first("os/nvram")
    path = "" if old is None else old.words or old.get("source", "file") or ""
    folder, slash, name = path.rpartition("/")
    if not slash:
        return []
    stem, dot, ending = name.rpartition(".")
    kind = "secure-boot" if asked.secure_boot else "uefi"
    stem = (stem or ending).removesuffix("_VARS").removesuffix("_secure-boot").removesuffix("_uefi")
    fresh = f"{folder}/{stem}_{kind}_VARS{dot}{ending if dot else ''}"
    form = old.attributes.get("format") if old is not None else None
    return [f"{tag('nvram', (('format', form),), '>')}{escaped(fresh)}</nvram>"]


def firmware_notes(before: str, after: str) -> tuple[str, ...]:
    """What another firmware means for a guest that has run already; nothing where it is the same."""
    old, new = _domain(before).root, _domain(after).root
    if [old.get("os", "firmware"), *_feature_words(old)] == [new.get("os", "firmware"), *_feature_words(new)]:
        return ()
    if old.get("os", "firmware") != "efi" and old.get("os/loader", "type") != "pflash":
        return (_FROM_BIOS,)
    return (_NEW_VARIABLES if new.first("os/nvram") is not None else _OLD_VARIABLES,)


_FROM_BIOS = (
    "it had a BIOS: a system that is installed on its disk does not start with UEFI unless the disk was "
    "converted before (Windows: mbr2gpt /convert /allowFullOS, in the guest, with the BIOS)"
)
_NEW_VARIABLES = (
    "its boot entries and Secure Boot's keys begin anew; the firmware finds the disk's own loader, and the "
    "old variables are kept for --undo"
)
_OLD_VARIABLES = (
    "libvirt may find variables of the old firmware under the same name: start it the first time with "
    "`virsh start NAME --reset-nvram`"
)


def _feature_words(root: Element) -> list[str]:
    """The firmware's features, and whether an image that was named is the secure one."""
    features = [one.attributes for one in root.all("os/firmware/feature")]
    found = sorted(f"{one.get('name')}={one.get('enabled')}" for one in features)
    return found or [str(root.get("os/loader", "secure"))]


def _has_firmware(document: Document, asked: SetFirmware) -> bool:
    features = {
        one.attributes.get("name"): one.attributes.get("enabled")
        for one in document.root.all("os/firmware/feature")
    }
    secure = document.root.get("os/loader", "secure") == "yes" or features.get("secure-boot") == "yes"
    return document.root.get("os", "firmware") == "efi" and secure == asked.secure_boot


def _devices(document: Document) -> Element:
    found = document.root.first("devices")
    if found is None:
        message = "the domain has no <devices>; it cannot be a guest that ever ran"
        raise DomainEditError(message)
    return found


def _must(document: Document, path: str) -> Element:
    found = document.root.first(path)
    if found is None:
        message = f"the domain has no <{path}>"
        raise DomainEditError(message)
    return found


def _with(document: Document, element: Element, name: str, value: str) -> str:
    if element.attributes.get(name) == value:
        return document.data.decode()
    return document.with_attribute(element, name, value)


def _attributes(
    text: str, find: Callable[[Document], Element], wanted: Iterable[tuple[str, str | None]]
) -> str:
    """Each attribute set, or (None) removed; every change moves what stands behind it."""
    for name, value in wanted:
        document = _domain(text)
        element = find(document)
        if element.attributes.get(name) != value:
            text = document.with_attribute(element, name, value)
    return text


_BEFORE: dict[str, tuple[str, ...]] = {
    "vcpu": ("name", "uuid", "title", "description", "metadata", "memory", "currentMemory", "memoryBacking"),
    "iothreads": ("vcpu",),
    "cputune": ("vcpu", "vcpus", "iothreads", "iothreadids", "defaultiothread"),
    "features": ("os", "bootloader"),
    "cpu": ("os", "features"),
    "topology": ("model", "vendor"),
    "cache": ("topology",),
    "emulatorpin": ("vcpupin",),
    "iothreadpin": ("vcpupin", "emulatorpin"),
}
"""Behind which elements a new one goes: libvirt's own order, so that its next rewrite moves nothing."""

_EDITS: dict[type, Callable[[str, Any], str]] = {
    AddCard: _add_card,
    RemoveCard: _remove_card,
    SetRom: _set_rom,
    SetSharedMemory: _set_shared_memory,
    SetPins: _set_pins,
    SetMemory: _set_memory,
    AddEvdev: _add_evdev,
    RemoveEvdev: _remove_evdev,
    NoBalloon: _no_balloon,
    Ensure: _ensure,
    SetFirmware: _set_firmware,
}
