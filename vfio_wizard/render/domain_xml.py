"""A guest as libvirt spells it, for the libvirt and QEMU that will run it.

Elements stand in libvirt's own order, so that ``virsh dumpxml`` of the defined guest can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from vfio_wizard.knowledge import libvirt
from vfio_wizard.model.domain import DomainSpec, Mirroring, Pins
from vfio_wizard.model.selection import Mirror
from vfio_wizard.render.domain_devices import devices
from vfio_wizard.render.domain_tree import node, switch, to_text

_OSINFO = "http://libosinfo.org/xmlns/libvirt/domain/1.0"
_SHARED_ID = "looking-glass"


def domain_xml(spec: DomainSpec) -> str:
    """The whole domain. Raises UsageError for a name or path that XML cannot hold."""
    return to_text(
        node(
            "domain",
            *_identity(spec),
            *_memory(spec),
            *_processors(spec.cpus),
            *_iommufd(spec),
            _os(spec),
            _features(spec),
            _cpu(spec),
            _clock(spec),
            node("on_poweroff", text="destroy"),
            node("on_reboot", text="restart"),
            node("on_crash", text="destroy"),
            node("pm", node("suspend-to-mem", enabled="no"), node("suspend-to-disk", enabled="no")),
            devices(spec),
            *_command_line(spec),
            type="qemu" if spec.emulated else "kvm",
            **({"xmlns:qemu": libvirt.NAMESPACE} if _needs_kvmfr(spec.mirroring) else {}),
        )
    )


def _identity(spec: DomainSpec) -> Iterator[Element]:
    yield node("name", text=spec.name)
    if spec.uuid is not None:
        yield node("uuid", text=spec.uuid)
    known = node("libosinfo:os", id=libvirt.OS_IDS[spec.system.value])
    yield node("metadata", node("libosinfo:libosinfo", known, **{"xmlns:libosinfo": _OSINFO}))


def _memory(spec: DomainSpec) -> Iterator[Element]:
    kib = spec.memory.mib << 10
    yield node("memory", unit="KiB", text=kib)
    yield node("currentMemory", unit="KiB", text=kib)
    page = spec.memory.huge_page_kib
    if page is not None:
        yield node("memoryBacking", node("hugepages", node("page", size=page, unit="KiB")))


def _processors(pins: Pins) -> Iterator[Element]:
    yield node("vcpu", placement="static", text=pins.topology.cpus)
    if pins.iothreads:
        yield node("iothreads", text=len(pins.iothreads))
    tuned = tuple(_pins(pins))
    if tuned:
        yield node("cputune", *tuned)
    if pins.numa_node is not None:
        yield node("numatune", node("memory", mode="strict", nodeset=pins.numa_node))


def _pins(pins: Pins) -> Iterator[Element]:
    for vcpu, cpu in enumerate(pins.vcpus):
        yield node("vcpupin", vcpu=vcpu, cpuset=cpu)
    if pins.emulator:
        yield node("emulatorpin", cpuset=_cpuset(pins.emulator))
    for number, cpus in enumerate(pins.iothreads, 1):
        if cpus:
            yield node("iothreadpin", iothread=number, cpuset=_cpuset(cpus))


def _cpuset(cpus: tuple[int, ...]) -> str:
    from vfio_wizard.planning.cpus import cpu_list  # noqa: PLC0415 - planning imports much that XML needs not

    return cpu_list(cpus)


def _iommufd(spec: DomainSpec) -> Iterator[Element]:
    """For the whole domain where libvirt has that word; before, each device says it."""
    if spec.iommufd and libvirt.takes("iommufd-domain", spec.versions.libvirt, spec.versions.qemu):
        yield node("iommufd", enabled="yes")


# -- firmware, features, clock ---------------------------------------------------------------------


def _os(spec: DomainSpec) -> Element:
    """libvirt chooses the firmware by its features: paths of images differ between distributions."""
    secure = _yes(spec.secure_boot)
    return node(
        "os",
        node("type", arch="x86_64", machine=_machine(spec), text="hvm"),
        node(
            "firmware",
            node("feature", enabled=secure, name="enrolled-keys") if spec.secure_boot else None,
            node("feature", enabled=secure, name="secure-boot"),
        ),
        firmware="efi",
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _machine(spec: DomainSpec) -> str:
    """The newest of its kind that QEMU has; without asking, the name that libvirt resolves itself."""
    found = [name for name in spec.capabilities.machines if name.startswith("pc-q35-")]
    return max(found, key=_machine_version, default="q35")


def _machine_version(name: str) -> tuple[int, ...]:
    words = name.removeprefix("pc-q35-").split(".")
    return tuple(int(word) for word in words) if all(word.isdigit() for word in words) else ()


def _features(spec: DomainSpec) -> Element:
    return node(
        "features",
        node("acpi"),
        node("apic"),
        _hyperv(spec),
        switch("vmport", on=False),
        switch("smm") if spec.secure_boot else None,
        None if spec.emulated else node("ioapic", driver="kvm"),
    )


def _hyperv(spec: DomainSpec) -> Element | None:
    """Windows measures time and wakes CPUs through these; QEMU has them with KVM only."""
    if spec.emulated or not spec.system.is_windows:
        return None
    names = enlightenments(spec)
    return node("hyperv", *(_enlightenment(name) for name in names), mode="custom") if names else None


def enlightenments(spec: DomainSpec) -> tuple[str, ...]:
    """The names that this libvirt and this host take, each with all that it needs."""
    listed = spec.capabilities.hyperv
    found: list[str] = []
    for one in libvirt.ENLIGHTENMENTS:
        is_there = one.name in listed if listed else not one.asked
        if is_there and spec.versions.libvirt >= one.libvirt and set(one.needs) <= set(found):
            found.append(one.name)
    return tuple(found)


def _enlightenment(name: str) -> Element:
    if name == "spinlocks":
        return switch(name, retries=libvirt.SPINLOCK_RETRIES)
    if name == "stimer":
        return node(name, switch("direct"), state="on")
    return switch(name)


def _cpu(spec: DomainSpec) -> Element:
    topology = node("topology", **spec.cpus.topology._asdict())
    if spec.emulated:
        return node("cpu", topology, mode="maximum", check="none")
    shares = spec.cpus.cache_passthrough
    limit = spec.address_limit
    return node(
        "cpu",
        topology,
        node("cache", mode="passthrough") if shares else None,
        node("maxphysaddr", mode="passthrough", limit=limit) if limit is not None else None,
        node("feature", policy="require", name="topoext") if spec.cpus.topoext else None,
        mode="host-passthrough",
        check="none",
        migratable="on",
    )


def _clock(spec: DomainSpec) -> Element:
    """Windows keeps local time in the clock chip; both do badly with the emulated HPET."""
    windows = spec.system.is_windows
    return node(
        "clock",
        node("timer", name="rtc", tickpolicy="catchup"),
        node("timer", name="pit", tickpolicy="delay"),
        node("timer", name="hpet", present="no"),
        node("timer", name="hypervclock", present="yes") if windows and not spec.emulated else None,
        offset="localtime" if windows else "utc",
    )


# -- kvmfr -----------------------------------------------------------------------------------------


def _needs_kvmfr(mirroring: Mirroring | None) -> bool:
    return mirroring is not None and mirroring.mode is Mirror.KVMFR


def _command_line(spec: DomainSpec) -> Iterator[Element]:
    if spec.mirroring is not None and _needs_kvmfr(spec.mirroring):
        words = kvmfr_arguments(spec.mirroring, spec)
        yield node("qemu:commandline", *(node("qemu:arg", value=word) for word in words))


def kvmfr_arguments(mirroring: Mirroring, spec: DomainSpec) -> tuple[str, ...]:
    """QEMU's words for the device node of kvmfr, which libvirt has no element for.

    In JSON where libvirt writes its own devices so: mixed with the older form, QEMU gives both one slot.
    """
    size = mirroring.size_mib << 20
    if libvirt.takes("json-devices", spec.versions.libvirt, spec.versions.qemu):
        import json  # noqa: PLC0415 - only kvmfr needs it

        device = {"driver": "ivshmem-plain", "id": "shmem0", "memdev": _SHARED_ID}
        memory = {"qom-type": "memory-backend-file", "id": _SHARED_ID, "mem-path": "/dev/kvmfr0"}
        return ("-device", json.dumps(device), "-object", json.dumps({**memory, "size": size, "share": True}))
    return (
        "-device",
        f"ivshmem-plain,id=shmem0,memdev={_SHARED_ID}",
        "-object",
        f"memory-backend-file,id={_SHARED_ID},mem-path=/dev/kvmfr0,size={size},share=yes",
    )
