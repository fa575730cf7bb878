"""What libvirt or QEMU refuse although the schema lets it pass: looked for before a domain is defined.

Works on any domain, also on one that somebody else wrote; what is only unwise is the review's (``lint``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from vfio_wizard.knowledge.libvirt import ENLIGHTENMENTS
from vfio_wizard.lint.domain import judge_domain
from vfio_wizard.lint.mistake import Notes, Severity
from vfio_wizard.lint.situation import Situation
from vfio_wizard.lint.text import whole
from vfio_wizard.lint.xmltree import Element, Refused, parse_xml
from vfio_wizard.model.errors import UsageError
from vfio_wizard.planning.cpus import parse_cpu_list

_KIB = {"": 1, "k": 1, "kib": 1, "m": 1 << 10, "mib": 1 << 10, "g": 1 << 20, "gib": 1 << 20}


def problems(text: str, cpus: frozenset[int] | None = None) -> tuple[str, ...]:
    """One sentence each, in the order of the rules; empty when nothing stands against the domain.

    ``cpus`` are the host's logical CPUs, where they are known.
    """
    try:
        root = parse_xml(text)
    except Refused as refused:
        return (f"line {refused.place.line}: {refused.why}",)
    notes = Notes("domain.xml")
    judge_domain(whole(text), notes, Situation())
    reviewed = tuple(
        f"line {one.place.line}: {one.seen}: {one.why}"
        for one in notes.mistakes
        if one.severity is Severity.ERROR
    )
    return (*reviewed, *(said for rule in _RULES for said in rule(root)), *_pinned(root, cpus))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else None


def _repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


# -- processors and memory -------------------------------------------------------------------------


def _count(root: Element) -> int | None:
    vcpu = root.first("vcpu")
    return None if vcpu is None else _number(vcpu.words)


def _topology(root: Element) -> Iterator[str]:
    topology, count = root.first("cpu/topology"), _count(root)
    if topology is None or count is None:
        return
    product = 1
    for name in ("sockets", "dies", "clusters", "cores", "threads"):
        product *= _number(topology.attributes.get(name, "1")) or 0
    if product != count:
        yield f"the topology has {product} CPUs, <vcpu> says {count}"


def _pinned(root: Element, there: frozenset[int] | None) -> Iterator[str]:
    count = _count(root)
    pins = root.all("cputune/vcpupin")
    for number in _repeated([one.attributes.get("vcpu", "") for one in pins]):
        yield f"CPU {number} of the guest is pinned twice"
    for one in pins:
        vcpu = _number(one.attributes.get("vcpu"))
        if vcpu is None or (count is not None and vcpu >= count):
            yield f"{one.shown()}: the guest has no such CPU"
    for path in ("vcpupin", "emulatorpin", "iothreadpin"):
        for one in root.all(f"cputune/{path}"):
            yield from _on_host(one, there)


def _on_host(pin: Element, there: frozenset[int] | None) -> Iterator[str]:
    text = pin.attributes.get("cpuset", "")
    try:
        wanted = frozenset(parse_cpu_list(text))
    except UsageError:
        if "^" not in text:  # libvirt's way to leave one out
            yield f"{pin.shown()}: not a list of CPUs"
        return
    missing = sorted(wanted - there) if there is not None else []
    if missing:
        yield f"{pin.shown()}: the host has no CPU {', '.join(map(str, missing))}"


def _kib(one: Element | None) -> int | None:
    if one is None:
        return None
    factor, number = _KIB.get(one.attributes.get("unit", "").lower()), _number(one.words)
    return None if factor is None or number is None else factor * number


def _sizes(root: Element) -> Iterator[str]:
    memory, current = _kib(root.first("memory")), _kib(root.first("currentMemory"))
    if memory is not None and current is not None and current > memory:
        yield f"currentMemory ({current} KiB) is more than memory ({memory} KiB)"
    for page in root.all("memoryBacking/hugepages/page"):
        factor = _KIB.get(page.attributes.get("unit", "").lower())
        size = (_number(page.attributes.get("size")) or 0) * (factor or 0)
        if memory is not None and size and memory % size:
            yield f"memory of {memory} KiB is no whole number of hugepages of {size} KiB"


def _enlightened(root: Element) -> Iterator[str]:
    hyperv = root.first("features/hyperv")
    if hyperv is None:
        return
    on = {one.name for one in hyperv.children if one.attributes.get("state") == "on"}
    for row in ENLIGHTENMENTS:
        missing = [name for name in row.needs if name not in on]
        if row.name in on and missing:
            yield f"hyperv {row.name} needs {' and '.join(missing)}"


# -- firmware --------------------------------------------------------------------------------------


def _secure(root: Element) -> Iterator[str]:
    secure = any(
        one.attributes.get("name") == "secure-boot" and one.attributes.get("enabled") == "yes"
        for one in root.all("os/firmware/feature")
    )
    smm = root.first("features/smm")
    if secure and smm is not None and smm.attributes.get("state") == "off":
        yield "Secure Boot needs System Management Mode, which is off"
    keys = any(
        one.attributes.get("name") == "enrolled-keys" and one.attributes.get("enabled") == "yes"
        for one in root.all("os/firmware/feature")
    )
    if keys and not secure:
        yield "enrolled keys are of use with Secure Boot only, which is not asked for"


def _tpm(root: Element) -> Iterator[str]:
    for tpm in root.all("devices/tpm"):
        for backend in tpm.all("backend"):
            if tpm.attributes.get("model") == "tpm-crb" and backend.attributes.get("version") == "1.2":
                yield "tpm-crb is a TPM 2.0, the backend is a 1.2"


def _boot_order(root: Element) -> Iterator[str]:
    devices = root.first("devices")
    orders = [
        order.attributes.get("order", "")
        for device in (devices.children if devices else ())
        for order in device.all("boot")
    ]
    for order in _repeated(orders):
        yield f"two devices are number {order} in the boot order"
    if orders and root.first("os/boot") is not None:
        yield "the boot order is told twice: by <boot dev> in <os> and by devices"


# -- devices ---------------------------------------------------------------------------------------


def _slots(root: Element) -> Iterator[str]:
    """One device per function; function 0 says so when there are others, and devices of the host have one."""
    handed = {_slot(place) for place in root.all("devices/hostdev/address")}
    slots: dict[str, list[Element]] = {}
    for place in _places(root):
        slots.setdefault(_slot(place), []).append(place)
    for slot, places in slots.items():
        functions = [_hex(place, "function") for place in places]
        for function in _repeated([str(one) for one in functions]):
            yield f"two devices of the guest are at {slot}, function {function}"
        first = next((place for place in places if _hex(place, "function") == 0), None)
        if first is None and slot in handed:
            yield f"nothing is function 0 at {slot}: the guest would not look further"
        elif first is not None and len(set(functions)) > 1 and first.attributes.get("multifunction") != "on":
            yield f"function 0 at {slot} lacks multifunction='on'"


def _places(root: Element) -> list[Element]:
    devices = root.first("devices")
    return [
        place
        for device in (devices.children if devices else ())
        for place in device.all("address")
        if place.attributes.get("type") == "pci" and "bus" in place.attributes
    ]


def _hex(place: Element, name: str) -> int:
    try:
        return int(place.attributes.get(name, "0"), 0)
    except ValueError:
        return -1


def _slot(place: Element) -> str:
    return f"{_hex(place, 'domain'):04x}:{_hex(place, 'bus'):02x}:{_hex(place, 'slot'):02x}"


def _ports(root: Element) -> Iterator[str]:
    """A root port has one slot."""
    ports = {
        _number(one.attributes.get("index"))
        for one in root.all("devices/controller")
        if one.attributes.get("type") == "pci" and one.attributes.get("model") == "pcie-root-port"
    }
    for place in _places(root):
        if _hex(place, "bus") in ports and _hex(place, "slot"):
            yield f"{place.shown()}: a root port has only slot 0"


def _drives(root: Element) -> Iterator[str]:
    for name in _repeated([one.attributes.get("dev", "") for one in root.all("devices/disk/target")]):
        yield f"two drives are {name}"


def _shared(root: Element) -> Iterator[str]:
    for name in _repeated([one.attributes.get("name", "") for one in root.all("devices/shmem")]):
        yield f"two shared memories are called {name}"
    values = [one.attributes.get("value", "") for one in root.all("qemu:commandline/qemu:arg")]
    for value in values:
        size = _backend_size(value)
        if size is not None and (size < 1 << 20 or size & (size - 1)):
            yield f"{size} bytes for kvmfr: QEMU takes powers of two from 1 MiB on"


def _backend_size(value: str) -> int | None:
    """The bytes of a memory backend on /dev/kvmfr in JSON syntax; None for any other word."""
    import json  # noqa: PLC0415 - few domains have it

    if "/dev/kvmfr" not in value:
        return None
    try:
        told = json.loads(value)
    except ValueError:
        return None
    size = told.get("size") if isinstance(told, dict) else None
    return size if isinstance(size, int) else None


def _inputs(root: Element) -> Iterator[str]:
    grabs = [one for one in root.all("devices/input/source") if one.attributes.get("grab") == "all"]
    if len(grabs) > 1:
        yield "two input devices grab all others"


def _sounds(root: Element) -> Iterator[str]:
    there = {one.attributes.get("id") for one in root.all("devices/audio")}
    for one in root.all("devices/sound/audio"):
        if one.attributes.get("id") not in there:
            yield f"{one.shown()}: the domain has no such audio"


_RULES: tuple[Callable[[Element], Iterator[str]], ...] = (
    _topology,
    _sizes,
    _enlightened,
    _secure,
    _tpm,
    _boot_order,
    _slots,
    _ports,
    _drives,
    _shared,
    _inputs,
    _sounds,
)
