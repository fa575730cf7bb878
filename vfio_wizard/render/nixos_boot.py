"""The NixOS module's part about booting: parameters, stage 1, binding, kernel, vendor-reset."""

from __future__ import annotations

from collections.abc import Iterator

from vfio_wizard.cards.names import short_name
from vfio_wizard.knowledge import nixos as known
from vfio_wizard.model.plan import BindBy, Parameter, Passed, Plan, System
from vfio_wizard.render.nix import Binding, Call, Code, Item, Lines, Set, Value, file_beside
from vfio_wizard.render.nixos_target import Part, Target, kernel_attribute, sentence

_RESET_METHOD_SINCE = (5, 15)


def parts(target: Target) -> Iterator[Part]:
    """All of it, in the order of the file."""
    for section in (_kernel, _binding, _modprobe, _module_packages, _vendor_reset):
        yield from section(target)


def _binding(target: Target) -> Iterator[Part]:
    yield Part((_parameters(target),)) if _wanted(target) else Part()
    yield from _stage_1(target)
    if target.plan.bind.by is BindBy.ADDRESS:
        yield _by_address(target)


def _wanted(target: Target) -> tuple[Parameter, ...]:
    return target.plan.wanted(System.NIXOS, target.kernel)


def _parameters(target: Target) -> Binding:
    items = []
    reason = ""
    for one in _wanted(target):
        # Several words may have one reason, said once.
        items.append(Item(one.word, "" if one.because == reason else _reason(one, target)))
        reason = one.because
    return Binding(("boot", "kernelParams"), tuple(items), apart=True)


def _reason(parameter: Parameter, target: Target) -> str:
    """Why a parameter is there; beside ids, whose they are."""
    told = [short_name(one.name) for one in target.plan.functions if one.name]
    if not parameter.word.startswith("vfio-pci.ids=") or not told:
        return sentence(parameter.because)
    return f"{' and '.join(dict.fromkeys(told))}: {parameter.because}."


def _stage_1(target: Target) -> Iterator[Part]:
    modules = [one.name for one in target.plan.modules]
    if target.has_vendor_reset:
        modules.insert(0, "vendor-reset")
    if not modules:
        return
    softdeps = _softdeps(target)
    by_id = target.plan.bind.by is BindBy.ID
    first = by_id and not softdeps and target.release < known.STAGE_1_MODPROBE_SINCE
    listed: Value = Call(Code("lib.mkBefore", ("lib",)), modules) if first else modules
    why = (
        "This stage 1 loads modules in the order of this list: vfio-pci before any graphics driver."
        if first
        else "In stage 1, where graphics drivers may be loaded too."
    )
    bindings = [Binding(("boot", "initrd", "kernelModules"), listed, why, apart=True)]
    yield Part(tuple(bindings))


def _softdeps(target: Target) -> tuple[str, ...]:
    """Only by id, and only where stage 1 reads them; a binding by address is done before any driver."""
    if target.plan.bind.by is BindBy.ADDRESS or target.release < known.STAGE_1_MODPROBE_SINCE:
        return ()
    return tuple(f"softdep {one.module} pre: vfio-pci" for one in target.plan.softdeps)


def _modprobe(target: Target) -> Iterator[Part]:
    """All modprobe lines of the module; one option, so one binding."""
    lines = _softdeps(target)
    reasons = [_why_softdep(target)] if lines else []
    memory = target.plan.looking_glass
    if memory and target.has_kvmfr:
        lines += (f"options kvmfr static_size_mb={memory.size_mib}",)
        reasons.append(f"/dev/kvmfr0 {memory.because}.")
    if lines:
        why = " ".join(reasons)
        yield Part((Binding(("boot", "extraModprobeConfig"), Lines(lines), why, apart=True),))


def _why_softdep(target: Target) -> str:
    early = any(one.module == "amdgpu" for one in target.plan.softdeps)
    if early and target.has("hardware.amdgpu.initrd.enable"):
        return "Whoever loads a driver first (hardware.amdgpu.initrd, too), vfio-pci comes before it."
    return "Whoever loads a driver first, vfio-pci comes before it."


def _by_address(target: Target) -> Part:
    script = Lines(_override_script(target.plan.functions))
    scripted = target.release < known.UNSTABLE
    systemd = target.release >= known.SYSTEMD_STAGE_1_SINCE
    names: list[Binding] = []
    bindings: list[Binding] = []
    shared: Value = script
    if scripted and systemd:
        names.append(Binding(("takeByAddress",), script, _WHY_ADDRESS.format(target.plan.bind.because)))
        shared = Code("takeByAddress")
    if scripted:
        bindings.append(_scripted_form(shared, choice=systemd, target=target))
    if systemd:
        bindings.append(_systemd_form(shared, choice=scripted, target=target))
    check = _stage_1_assertion(target, scripted=scripted, systemd=systemd)
    return Part((*bindings, *check.bindings), (*names, *check.names))


_WHY_ADDRESS = (
    "By address: {}. An address says where a card sits today: if another device sits there, nothing is taken."
)


def _override_script(functions: tuple[Passed, ...]) -> tuple[str, ...]:
    return (
        "take() {",
        "  device=/sys/bus/pci/devices/$1",
        "  [ -e $device ] || return 0",
        "  read -r vendor < $device/vendor",
        "  read -r model < $device/device",
        '  [ "$vendor:$model" = "$2" ] || [ -z "$2" ] || return 0',
        "  echo vfio-pci > $device/driver_override",
        "  echo $1 > /sys/bus/pci/drivers_probe",
        "}",
        *(f"take {one.address} {_sysfs_id(one)}".rstrip() for one in functions),
    )


def _sysfs_id(one: Passed) -> str:
    return f"0x{one.id.vendor}:0x{one.id.device}" if one.id else ""


def _scripted_form(script: Value, *, choice: bool, target: Target) -> Binding:
    why = "For the scripted stage 1." if choice else _WHY_ADDRESS.format(target.plan.bind.because)
    guard = Code("lib.mkIf (!config.boot.initrd.systemd.enable)", ("lib", "config"))
    value = Call(guard, script) if choice else script
    return Binding(("boot", "initrd", "preDeviceCommands"), value, why, apart=True)


def _systemd_form(script: Value, *, choice: bool, target: Target) -> Binding:
    service = Set(
        (
            Binding(("description",), "Take PCI functions for virtual machines"),
            Binding(("wantedBy",), ["sysinit.target"]),
            Binding(("before",), ["systemd-modules-load.service", "systemd-udevd.service"]),
            Binding(("unitConfig", "DefaultDependencies"), False),
            Binding(("serviceConfig", "Type"), "oneshot"),
            Binding(("script",), script),
        )
    )
    why = (
        "For stage 1 with systemd: before it loads any driver."
        if choice
        else _WHY_ADDRESS.format(target.plan.bind.because)
    )
    guard = Code("lib.mkIf config.boot.initrd.systemd.enable", ("lib", "config"))
    value = Call(guard, service) if choice else service
    return Binding(("boot", "initrd", "systemd", "services", "vfio-pci-by-address"), value, why, apart=True)


def _stage_1_assertion(target: Target, *, scripted: bool, systemd: bool) -> Part:
    """The scripted stage 1 loads its module list before anything of ours can run."""
    if not scripted:
        entry = _assertion(
            Code("config.boot.initrd.systemd.enable", ("config",)),
            "gpu_passthrough.nix binds by address in stage 1 with systemd: boot.initrd.systemd.enable = true",
        )
        return Part((Binding(("assertions",), (Item(entry),), apart=True),))
    drivers = list(dict.fromkeys(name for one in target.plan.functions for name in one.claimants))
    free = "lib.mutuallyExclusive config.boot.initrd.kernelModules tooEarly"
    condition = f"config.boot.initrd.systemd.enable\n|| {free}" if systemd else free
    entry = _assertion(
        Code(condition, ("lib", "config")),
        "gpu_passthrough.nix: the scripted stage 1 loads boot.initrd.kernelModules before it can bind by "
        f"address. Take {' and '.join(drivers)} out of that list{_who_else(target, drivers)}.",
    )
    name = Binding(("tooEarly",), drivers, "Modules that would take the card before it is bound.", apart=True)
    return Part((Binding(("assertions",), (Item(entry),), apart=True),), (name,))


def _who_else(target: Target, drivers: list[str]) -> str:
    """An option that puts a driver into the list without naming it there."""
    if "amdgpu" in drivers and target.has("hardware.amdgpu.initrd.enable"):
        return "; hardware.amdgpu.initrd.enable puts amdgpu there"
    return ""


def _assertion(condition: Code, message: str) -> Set:
    return Set((Binding(("assertion",), condition), Binding(("message",), message)))


def _kernel(target: Target) -> Iterator[Part]:
    attribute = kernel_attribute(target)
    if attribute:
        yield Part((Binding(("boot", "kernelPackages"), Code(f"pkgs.{attribute}", ("pkgs",)), apart=True),))
    patches = _patches(target)
    if patches:
        why = "A patched kernel is compiled on this machine, at every update again."
        yield Part((Binding(("boot", "kernelPatches"), patches, why, apart=True),))


def _patches(target: Target) -> tuple[Item, ...]:
    kernel = target.plan.kernel
    found = [
        Item(Set((Binding(("name",), patch.name), Binding(("patch",), file_beside(file_name)))))
        for patch, (_, file_name) in zip(kernel.patches, patch_files(target.plan), strict=True)
    ]
    if kernel.config:
        found.append(Item(_configuration_patch(target)))
    return tuple(found)


def _configuration_patch(target: Target) -> Set:
    """A change of configuration only; the key was renamed in 25.05 and the old one throws from 25.11 on."""
    renamed = target.release >= known.STRUCTURED_EXTRA_CONFIG_SINCE
    key = "structuredExtraConfig" if renamed else "extraStructuredConfig"
    options = tuple(Binding((name,), _option_value(value)) for name, value in target.plan.kernel.config)
    return Set(
        (
            Binding(("name",), "vfio-wizard-config"),
            Binding(("patch",), Code("null")),
            Binding((key,), Set(options)),
        )
    )


def _option_value(value: str) -> Value:
    words = {"y": "lib.kernel.yes", "n": "lib.kernel.no", "m": "lib.kernel.module"}
    if value in words:
        return Code(words[value], ("lib",))
    return Call(Code("lib.kernel.freeform", ("lib",)), value)


def _vendor_reset(target: Target) -> Iterator[Part]:
    plan = target.plan
    if plan.vendor_reset is None or not target.has_vendor_reset:
        return
    if target.kernel is not None and target.kernel < _RESET_METHOD_SINCE:
        return
    rules = tuple(
        f'ACTION=="add", SUBSYSTEM=="pci", ATTR{{vendor}}=="0x{one.vendor}", '
        f'ATTR{{device}}=="0x{one.device}", ATTR{{reset_method}}="device_specific"'
        for one in plan.vendor_reset.ids
    )
    where = f"/sys/bus/pci/devices/{plan.vendor_reset.functions[0]}/reset_method"
    why = (
        "Since Linux 5.15 the kernel uses vendor-reset's way only when it is told to. It works if "
        f"{where} says device_specific after a restart."
    )
    yield Part((Binding(("services", "udev", "extraRules"), Lines(rules), why, apart=True),))


def _module_packages(target: Target) -> Iterator[Part]:
    items = []
    plan = target.plan
    if plan.vendor_reset and target.has_vendor_reset:
        why = f"Resets the card between two guests: {plan.vendor_reset.because}."
        items.append(Item(Code("config.boot.kernelPackages.vendor-reset", ("config",)), why))
    if target.has_kvmfr:
        items.append(Item(Code("config.boot.kernelPackages.kvmfr", ("config",)), "Looking Glass."))
    if items:
        yield Part((Binding(("boot", "extraModulePackages"), tuple(items), apart=True),))


def patch_files(plan: Plan) -> tuple[tuple[str, str], ...]:
    """(the path that the user named, the file name beside the module) of each kernel patch."""
    found: list[tuple[str, str]] = []
    for patch in plan.kernel.patches:
        plain = _plain_file_name(patch.path)
        taken = {name for _, name in found}
        number = 2
        name = plain
        while name in taken:
            name = f"{number}-{plain}"
            number += 1
        found.append((patch.path, name))
    return tuple(found)


def _plain_file_name(path: str) -> str:
    last = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._+-") else "-" for char in last)
    return plain.lstrip(".") or "kernel.patch"
