"""``gpu_passthrough.nix``: the plan as a NixOS module, in three shapes and for every known release.

The module sets only options that exist in the release, and says in words what the release cannot do.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from vfio_wizard.knowledge import nixos as known
from vfio_wizard.knowledge.nixos import Release
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.plan import BindBy, Parameter, Passed, Plan, System
from vfio_wizard.model.selection import Mirror, Pinning, Style
from vfio_wizard.model.version import KernelVersion
from vfio_wizard.render.nix import (
    Binding,
    Call,
    Code,
    Function,
    Item,
    Let,
    Lines,
    Set,
    Value,
    comment,
    file_beside,
    one_line,
    uses,
)
from vfio_wizard.render.nix import (
    render as print_nix,
)

FILE_NAME = "gpu_passthrough.nix"
SPECIALISATION = "gpu-passthrough"
_ARGUMENTS = ("config", "lib", "pkgs")
_CGROUP_DEVICES = (
    "/dev/null",
    "/dev/full",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/ptmx",
    "/dev/kvm",
)
"""libvirt's own list (qemu.conf of 9.0); setting cgroup_device_acl replaces it."""
_KERNEL_WORDS = {
    "default": "linuxPackages",
    "latest": "linuxPackages_latest",
    "zen": "linuxPackages_zen",
    "xanmod": "linuxPackages_xanmod",
    "hardened": "linuxPackages_hardened",
}
_RESET_METHOD_SINCE = (5, 15)


class _Target(NamedTuple):
    plan: Plan
    release: Release
    kernel: KernelVersion | None

    def has(self, option: str) -> bool:
        return known.has_option(option, self.release)


class _Part(NamedTuple):
    """Bindings for the configuration, and names that they need around it."""

    bindings: tuple[Binding, ...] = ()
    names: tuple[Binding, ...] = ()


def release_for(plan: Plan, wish: str | None = None) -> Release:
    """The release asked for, else the host's own, else the newest known. Raises UsageError."""
    text = wish or plan.nixos.release or plan.machine.nixos_release
    if text is None:
        return known.NEWEST
    found = known.release(text)
    if found is None:
        choices = ", ".join(str(one) for one in known.RELEASES)
        msg = f"not a NixOS release that the export knows: {text!r}. It knows {choices}"
        raise UsageError(msg)
    return found


def render(plan: Plan, *, style: Style | None = None, release: str | None = None, tool_version: str) -> str:
    """The module as text; the same bytes for the same plan. Raises UsageError for a release unknown here."""
    target = _target(plan, release)
    parts = [part for section in _SECTIONS for part in section(target)]
    configuration = Set(tuple(binding for part in parts for binding in part.bindings))
    names = tuple(binding for part in parts for binding in part.names)
    body = _SHAPES[style or plan.nixos.style](configuration, names)
    arguments = tuple(one for one in _ARGUMENTS if one in uses(body))
    return _header(target, tool_version) + print_nix(Function(arguments, body)) + "\n"


def notes(plan: Plan, release: str | None = None) -> tuple[str, ...]:
    """What this release cannot do, or what must be done beside the module; also in its header."""
    return tuple(dict.fromkeys(_notes(_target(plan, release))))


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


def _target(plan: Plan, wish: str | None) -> _Target:
    release = release_for(plan, wish)
    return _Target(plan, release, _kernel_version(plan, release))


def _kernel_version(plan: Plan, release: Release) -> KernelVersion | None:
    """The kernel that the configuration will run; None where it moves with its package set."""
    if plan.kernel.packages not in (None, "default"):
        return _version_in(plan.kernel.packages or "")
    if plan.machine.nixos_release == str(release) and plan.running is not None:
        return plan.running
    return known.default_kernel(release)


def _version_in(words: str) -> KernelVersion | None:
    numbers = words.removeprefix("linuxPackages_").replace("_", ".").split(".")
    if len(numbers) == 2 and all(one.isdigit() for one in numbers):
        return (int(numbers[0]), int(numbers[1]))
    return None


# -- shapes ---------------------------------------------------------------------------------------


def _as_module(configuration: Set, names: tuple[Binding, ...]) -> Value:
    return _around(names, configuration)


def _as_option(configuration: Set, names: tuple[Binding, ...]) -> Value:
    enable = Call(Code("lib.mkEnableOption", ("lib",)), "giving a graphics card to virtual machines")
    switched = Call(Code("lib.mkIf config.gpuPassthrough.enable", ("lib", "config")), configuration)
    body = Set(
        (
            Binding(("options", "gpuPassthrough", "enable"), enable),
            Binding(("config",), switched, apart=True),
        )
    )
    return _around(names, body)


def _as_specialisation(configuration: Set, names: tuple[Binding, ...]) -> Value:
    """``config`` must be the second system's own: its kernel may be another one."""
    inner = _around(names, configuration)
    if "config" in uses(inner):
        inner = Function(("config",), inner)
    return Set(
        (
            Binding(
                ("specialisation", SPECIALISATION, "configuration"),
                inner,
                "A second entry in the boot menu; the plain system stays the default.",
            ),
        )
    )


def _around(names: tuple[Binding, ...], body: Value) -> Value:
    return Let(names, body) if names else body


_SHAPES = {
    Style.MODULE: _as_module,
    Style.OPTION: _as_option,
    Style.SPECIALISATION: _as_specialisation,
}


# -- header ---------------------------------------------------------------------------------------


def _header(target: _Target, tool_version: str) -> str:
    plan = target.plan
    lines = [
        f"Gives a graphics card to virtual machines. Made by vfio-wizard {tool_version} for NixOS "
        f"{target.release}.",
        "",
        *_field("Machine", [_machine_words(plan)]),
        *_field("Guest", [_described(one) for one in plan.functions]),
        *_field("Host", [f"{address} {name or ''}".rstrip() for address, name in plan.machine.stays]),
    ]
    text = "".join(_raw_comment(line) for line in lines) + "#\n"
    for paragraph in (*_usage(plan), *notes(plan, str(target.release)), *_overruled(plan)):
        text += comment(paragraph) + "#\n"
    return text.removesuffix("#\n")


def _raw_comment(line: str) -> str:
    return f"# {one_line(line)}".rstrip() + "\n"


def _field(title: str, values: list[str]) -> list[str]:
    heads = [f"{title}:", *[""] * len(values)]
    return [f"{head:<8} {value}" for head, value in zip(heads, values, strict=False)]


def _machine_words(plan: Plan) -> str:
    machine = plan.machine
    kernel = f"Linux {machine.kernel}" if machine.kernel else None
    words = [word for word in (machine.label, machine.processor, kernel) if word]
    return ", ".join(words) or "not described"


def _described(one: Passed) -> str:
    identity = str(one.id) if one.id else "id not known"
    return f"{one.address} {one.name} ({identity})" if one.name else f"{one.address} ({identity})"


def _usage(plan: Plan) -> Iterator[str]:
    style = plan.nixos.style
    activate = " and set gpuPassthrough.enable = true" if style is Style.OPTION else ""
    choose = f", and choose the entry {SPECIALISATION}" if style is Style.SPECIALISATION else ""
    yield (
        f"On: put this file beside configuration.nix, add ./{FILE_NAME} to its imports{activate}, "
        f"run nixos-rebuild boot and restart{choose}."
    )
    yield (
        "Off: take the import out again and do the same. If the machine does not come up, the previous "
        "generation in the boot menu is the way back."
    )


def _overruled(plan: Plan) -> Iterator[str]:
    """What the user overruled and what could not be proven: the next reader should see it."""
    for one in plan.warnings:
        if one.text.startswith("Allowed by you") or one.id in _IN_HEADER:
            yield f"Note: {one.text}"


_IN_HEADER = frozenset(
    ("group.unknown", "group.overridden", "group.direct-region", "host.excerpt", "bind.address-moves")
)


# -- binding --------------------------------------------------------------------------------------


def _binding(target: _Target) -> Iterator[_Part]:
    yield _Part((_parameters(target),)) if _wanted(target) else _Part()
    yield from _stage_1(target)
    if target.plan.bind.by is BindBy.ADDRESS:
        yield _by_address(target)


def _wanted(target: _Target) -> tuple[Parameter, ...]:
    return target.plan.wanted(System.NIXOS, target.kernel)


def _parameters(target: _Target) -> Binding:
    items = []
    reason = ""
    for one in _wanted(target):
        # Several words may have one reason, said once.
        items.append(Item(one.word, "" if one.because == reason else _sentence(one.because)))
        reason = one.because
    return Binding(("boot", "kernelParams"), tuple(items))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _stage_1(target: _Target) -> Iterator[_Part]:
    modules = [one.name for one in target.plan.modules]
    if target.plan.vendor_reset and target.release >= known.VENDOR_RESET_SINCE:
        modules.insert(0, "vendor-reset")
    if not modules:
        return
    softdeps = _softdeps(target)
    first = not softdeps and target.release < known.STAGE_1_MODPROBE_SINCE
    listed: Value = Call(Code("lib.mkBefore", ("lib",)), modules) if first else modules
    why = (
        "This stage 1 loads modules in the order of this list: vfio-pci before any graphics driver."
        if first
        else "In stage 1, where graphics drivers may be loaded too."
    )
    bindings = [Binding(("boot", "initrd", "kernelModules"), listed, why, apart=True)]
    yield _Part(tuple(bindings))


def _softdeps(target: _Target) -> tuple[str, ...]:
    """Only by id, and only where stage 1 reads them; a binding by address is done before any driver."""
    if target.plan.bind.by is BindBy.ADDRESS or target.release < known.STAGE_1_MODPROBE_SINCE:
        return ()
    return tuple(f"softdep {one.module} pre: vfio-pci" for one in target.plan.softdeps)


def _modprobe(target: _Target) -> Iterator[_Part]:
    """All modprobe lines of the module; one option, so one binding."""
    lines = _softdeps(target)
    reasons = ["Whatever is loaded first, vfio-pci comes before it."] if lines else []
    memory = target.plan.looking_glass
    if memory and _has_kvmfr(target):
        lines += (f"options kvmfr static_size_mb={memory.size_mib}",)
        reasons.append(f"/dev/kvmfr0 {memory.because}.")
    if lines:
        why = " ".join(reasons)
        yield _Part((Binding(("boot", "extraModprobeConfig"), Lines(lines), why, apart=True),))


def _by_address(target: _Target) -> _Part:
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
    bindings.append(_stage_1_assertion(target, scripted=scripted, systemd=systemd))
    return _Part(tuple(bindings), tuple(names))


_WHY_ADDRESS = (
    "By address, since {}. An address says where a card sits today: if another device sits there, "
    "nothing is taken."
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


def _scripted_form(script: Value, *, choice: bool, target: _Target) -> Binding:
    why = "The scripted stage 1 …" if choice else _WHY_ADDRESS.format(target.plan.bind.because)
    guard = Code("lib.mkIf (!config.boot.initrd.systemd.enable)", ("lib", "config"))
    value = Call(guard, script) if choice else script
    return Binding(("boot", "initrd", "preDeviceCommands"), value, why, apart=True)


def _systemd_form(script: Value, *, choice: bool, target: _Target) -> Binding:
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
        "… and the one with systemd, before it loads a driver."
        if choice
        else _WHY_ADDRESS.format(target.plan.bind.because)
    )
    guard = Code("lib.mkIf config.boot.initrd.systemd.enable", ("lib", "config"))
    value = Call(guard, service) if choice else service
    return Binding(("boot", "initrd", "systemd", "services", "vfio-pci-by-address"), value, why, apart=True)


def _stage_1_assertion(target: _Target, *, scripted: bool, systemd: bool) -> Binding:
    """The scripted stage 1 loads its module list before anything of ours can run."""
    systemd_runs = "config.boot.initrd.systemd.enable"
    if not scripted:
        condition = Code(systemd_runs, ("config",))
        message = "gpu_passthrough.nix binds by address in the stage 1 with systemd."
    else:
        drivers = tuple(dict.fromkeys(name for one in target.plan.functions for name in one.claimants))
        checks = [f'!(lib.elem "{driver}" config.boot.initrd.kernelModules)' for driver in drivers]
        free = "\n&& ".join(checks) or "true"
        if systemd:
            nested = free.replace("\n", "\n  ") if len(checks) > 1 else free
            free = f"{systemd_runs}\n|| ({nested})" if len(checks) > 1 else f"{systemd_runs} || {free}"
        condition = Code(free, ("lib", "config"))
        message = (
            f"gpu_passthrough.nix: the scripted stage 1 would load {' or '.join(drivers)} from "
            "boot.initrd.kernelModules before it can bind by address. Take it out of that list."
        )
    entry = Set((Binding(("assertion",), condition), Binding(("message",), message)))
    return Binding(("assertions",), (Item(entry),), apart=True)


# -- kernel ---------------------------------------------------------------------------------------


def _kernel(target: _Target) -> Iterator[_Part]:
    attribute = _kernel_attribute(target)
    if attribute:
        yield _Part((Binding(("boot", "kernelPackages"), Code(f"pkgs.{attribute}", ("pkgs",)), apart=True),))
    patches = _patches(target)
    if patches:
        why = "A patched kernel is compiled on this machine, at every update again."
        yield _Part((Binding(("boot", "kernelPatches"), patches, why, apart=True),))


def _kernel_attribute(target: _Target) -> str | None:
    wish = target.plan.kernel.packages
    if wish is None or wish == "default":
        return None
    attribute = _attribute_name(wish)
    return None if known.has_kernel_set(attribute, target.release) is False else attribute


def _attribute_name(wish: str) -> str:
    if wish in _KERNEL_WORDS:
        return _KERNEL_WORDS[wish]
    version = _version_in(wish)
    name = f"linuxPackages_{version[0]}_{version[1]}" if version else wish
    if not (name.isascii() and name.startswith("linuxPackages") and name.replace("_", "").isalnum()):
        words = ", ".join(_KERNEL_WORDS)
        msg = f"not a kernel of nixpkgs: {wish!r}. Say {words}, a version like 6.12, or linuxPackages_…"
        raise UsageError(msg)
    return name


def _patches(target: _Target) -> tuple[Item, ...]:
    kernel = target.plan.kernel
    found = [
        Item(Set((Binding(("name",), patch.name), Binding(("patch",), file_beside(file_name)))))
        for patch, (_, file_name) in zip(kernel.patches, patch_files(target.plan), strict=True)
    ]
    if kernel.config:
        found.append(Item(_configuration_patch(target)))
    return tuple(found)


def _configuration_patch(target: _Target) -> Set:
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


def _vendor_reset(target: _Target) -> Iterator[_Part]:
    plan = target.plan
    if plan.vendor_reset is None or target.release < known.VENDOR_RESET_SINCE:
        return
    if target.kernel is not None and target.kernel < _RESET_METHOD_SINCE:
        return
    rules = tuple(
        f'ACTION=="add", SUBSYSTEM=="pci", ATTR{{vendor}}=="0x{one.vendor}", '
        f'ATTR{{device}}=="0x{one.device}", ATTR{{reset_method}}="device_specific"'
        for one in plan.vendor_reset.ids
    )
    why = "Since Linux 5.15 the kernel uses vendor-reset's way only when it is told to."
    yield _Part((Binding(("services", "udev", "extraRules"), Lines(rules), why, apart=True),))


def _module_packages(target: _Target) -> Iterator[_Part]:
    items = []
    plan = target.plan
    if plan.vendor_reset and target.release >= known.VENDOR_RESET_SINCE:
        why = f"Resets the card between two guests: {plan.vendor_reset.because}."
        items.append(Item(Code("config.boot.kernelPackages.vendor-reset", ("config",)), why))
    if _has_kvmfr(target):
        items.append(Item(Code("config.boot.kernelPackages.kvmfr", ("config",)), "Looking Glass."))
    if items:
        yield _Part((Binding(("boot", "extraModulePackages"), tuple(items), apart=True),))


# -- libvirt --------------------------------------------------------------------------------------


def _libvirtd(target: _Target) -> Iterator[_Part]:
    bindings = [
        Binding(("enable",), True),
        Binding(("onBoot",), "ignore", "Guests start when asked, not because they ran at the last shutdown."),
        Binding(("onShutdown",), "shutdown", "A guest with a real card cannot be saved to disk."),
        *_qemu(target),
        *_hooks(target),
    ]
    yield _Part((Binding(("virtualisation", "libvirtd"), Set(tuple(bindings)), apart=True),))


def _qemu(target: _Target) -> tuple[Binding, ...]:
    wish = target.plan.libvirt
    modern = target.has("virtualisation.libvirtd.qemu.runAsRoot")
    found = []
    if not wish.qemu_as_root:
        why = "A guest that breaks out of QEMU should not be root."
        found.append(Binding(("runAsRoot",) if modern else ("qemuRunAsRoot",), False, why))
    if wish.tpm and modern:
        found.append(Binding(("swtpm", "enable"), True, "Windows 11 asks for a TPM."))
    devices = _devices(target)
    if devices:
        why = "Each line replaces libvirt's default, so the defaults are repeated."
        name = ("verbatimConfig",) if modern else ("qemuVerbatimConfig",)
        found.append(Binding(name, Lines(_verbatim(devices)), why))
    if not modern or not found:
        return tuple(found)
    if len(found) == 1:
        only = found[0]
        return (only._replace(path=("qemu", *only.path)),)
    return (Binding(("qemu",), Set(tuple(found))),)


def _devices(target: _Target) -> tuple[str, ...]:
    kvmfr = ("/dev/kvmfr0",) if _has_kvmfr(target) else ()
    return (*kvmfr, *target.plan.libvirt.devices)


def _verbatim(devices: tuple[str, ...]) -> tuple[str, ...]:
    """``namespaces = []`` is NixOS' own default for this text, and goes when the text is set."""
    nodes = [f'  "{node}",' for node in (*_CGROUP_DEVICES, *devices)]
    nodes[-1] = nodes[-1].removesuffix(",")
    return ("namespaces = []", "cgroup_device_acl = [", *nodes, "]")


def _hooks(target: _Target) -> tuple[Binding, ...]:
    cpus = target.plan.cpus
    if cpus is None or cpus.how is not Pinning.HOOK or not target.has("virtualisation.libvirtd.hooks.qemu"):
        return ()
    script = Call(Code('pkgs.writeShellScript "cpus-for-guest"', ("pkgs",)), Lines(_cpu_hook(target)))
    why = "While the guest runs, the host's own processes stay off its CPUs."
    return (Binding(("hooks", "qemu", "cpus-for-guest"), script, why),)


def _cpu_hook(target: _Target) -> tuple[str | Code, ...]:
    cpus = target.plan.cpus
    if cpus is None:
        return ()
    return (
        f'[ "$1" = {shlex.quote(target.plan.guest)} ] || exit 0',
        'case "$2/$3" in',
        f"  prepare/begin) cpus={cpus.host} ;;",
        f"  release/end) cpus={cpus.every} ;;",
        "  *) exit 0 ;;",
        "esac",
        "for unit in init.scope system.slice user.slice; do",
        Code(
            '  ${pkgs.systemd}/bin/systemctl set-property --runtime -- $unit AllowedCPUs="$cpus"', ("pkgs",)
        ),
        "done",
    )


def _people(target: _Target) -> Iterator[_Part]:
    if target.plan.users:
        why = "May manage guests without a password."
        members = list(target.plan.users)
        yield _Part((Binding(("users", "groups", "libvirtd", "members"), members, why, apart=True),))


def _tools(target: _Target) -> Iterator[_Part]:
    wish = target.plan.libvirt
    bindings = []
    packages = []
    if wish.virt_manager and target.has("programs.virt-manager.enable"):
        bindings.append(Binding(("programs", "virt-manager", "enable"), True))
    elif wish.virt_manager:
        packages.append("virt-manager")
        bindings.append(
            Binding(("programs", "dconf", "enable"), True, "Where virt-manager keeps its settings.")
        )
    if wish.usb_redirection and target.has("virtualisation.spiceUSBRedirection.enable"):
        why = "Lets the user hand USB devices to a running guest."
        bindings.append(Binding(("virtualisation", "spiceUSBRedirection", "enable"), True, why))
    if target.plan.looking_glass:
        packages.append("looking-glass-client")
    if packages:
        items = tuple(Item(Code(f"pkgs.{one}", ("pkgs",))) for one in packages)
        bindings.append(Binding(("environment", "systemPackages"), items))
    if bindings:
        bindings[0] = bindings[0]._replace(apart=True)
    yield _Part(tuple(bindings))


# -- Looking Glass --------------------------------------------------------------------------------


def _has_kvmfr(target: _Target) -> bool:
    memory = target.plan.looking_glass
    return memory is not None and memory.mode is Mirror.KVMFR and target.release >= known.KVMFR_SINCE


def _qemu_group(target: _Target) -> str:
    return "root" if target.plan.libvirt.qemu_as_root else "qemu-libvirtd"


def _looking_glass(target: _Target) -> Iterator[_Part]:
    memory = target.plan.looking_glass
    if memory is None:
        return
    if _has_kvmfr(target):
        yield _kvmfr(target)
        return
    rule = f"f /dev/shm/looking-glass 0660 {memory.owner or 'root'} {_qemu_group(target)} -"
    why = (
        f"Looking Glass: the guest's <shmem> of {memory.size_mib} MiB {memory.because}. "
        "Only the user and QEMU may see the screen."
    )
    yield _Part((Binding(("systemd", "tmpfiles", "rules"), [rule], why, apart=True),))


def _kvmfr(target: _Target) -> _Part:
    """The rule file is numbered below 73-seat-late.rules, which hands out what uaccess asks for."""
    memory = target.plan.looking_glass
    owner = f'OWNER="{memory.owner}", ' if memory and memory.owner else ""
    rule = f'SUBSYSTEM=="kvmfr", {owner}GROUP="{_qemu_group(target)}", MODE="0660", TAG+="uaccess"'
    write = Call(Code('pkgs.writeTextDir "lib/udev/rules.d/70-kvmfr.rules"', ("pkgs",)), Lines((rule,)))
    return _Part(
        (
            Binding(("boot", "kernelModules"), ["kvmfr"], apart=True),
            Binding(
                ("services", "udev", "packages"),
                (Item(write),),
                "Before 73-seat-late.rules, or uaccess comes too late.",
            ),
        )
    )


# -- the host's own graphics ----------------------------------------------------------------------


def _host_graphics(target: _Target) -> Iterator[_Part]:
    settings = target.plan.host_settings
    if settings is None or not settings.without_nvidia:
        return
    bindings = [
        Binding(
            ("services", "xserver", "videoDrivers"),
            Call(Code("lib.mkForce", ("lib",)), ["modesetting"]),
            _sentence(settings.because),
            apart=True,
        )
    ]
    if target.has("hardware.nvidia.prime.offload.enable"):
        off = Call(Code("lib.mkForce", ("lib",)), False)
        bindings.append(
            Binding(
                ("hardware", "nvidia", "prime"),
                Set((Binding(("offload", "enable"), off), Binding(("sync", "enable"), off))),
            )
        )
    yield _Part(tuple(bindings))


# -- notes ----------------------------------------------------------------------------------------


def _notes(target: _Target) -> Iterator[str]:
    plan = target.plan
    release = target.release
    wish = plan.kernel.packages
    if wish not in (None, "default") and _kernel_attribute(target) is None:
        yield f"Not in NixOS {release}: pkgs.{_attribute_name(wish or '')}. The release's own kernel is used."
    if plan.vendor_reset and release < known.VENDOR_RESET_SINCE:
        yield f"Not in NixOS {release}: vendor-reset, which came with 21.05."
    if plan.looking_glass and plan.looking_glass.mode is Mirror.KVMFR and not _has_kvmfr(target):
        yield f"Not in NixOS {release}: kvmfr, which came with 21.11. Looking Glass uses /dev/shm here."
    if plan.libvirt.tpm and not target.has("virtualisation.libvirtd.qemu.swtpm.enable"):
        yield f"Not in NixOS {release}: an option for a virtual TPM (21.11 and later have one)."
    if plan.libvirt.usb_redirection and not target.has("virtualisation.spiceUSBRedirection.enable"):
        yield f"Not in NixOS {release}: SPICE USB redirection, which came with 21.05."
    hook = plan.cpus is not None and plan.cpus.how is Pinning.HOOK
    if hook and not target.has("virtualisation.libvirtd.hooks.qemu"):
        yield (
            f"Not in NixOS {release}: hooks for libvirt, which came with 23.11. The CPUs are not kept free; "
            "isolcpus can do it here."
        )
    yield from _to_take_out(target)


def _to_take_out(target: _Target) -> Iterator[str]:
    """A module can add kernel parameters, never take one away that another file sets."""
    for one in target.plan.remove:
        yield f"Take {one.word} out of boot.kernelParams where you set it: {one.because}."


_SECTIONS = (
    _kernel,
    _binding,
    _modprobe,
    _module_packages,
    _vendor_reset,
    _host_graphics,
    _libvirtd,
    _people,
    _tools,
    _looking_glass,
)
