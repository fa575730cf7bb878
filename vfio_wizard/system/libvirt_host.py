"""What a libvirt offers its guests: emulator, firmware and devices, networks and pools. Read only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vfio_wizard.model.domain import Capabilities, Versions
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.model.version import Release
from vfio_wizard.system.libvirt import HOW_TO_GET

SYSTEM = "qemu:///system"

_ENROLLED = (".ms.", "_ms.", ".ms-", "secboot.enrolled")
"""Parts of the names of images that hold Microsoft's keys, where libvirt lists only images (before 12.1)."""


class LibvirtError(WizardError):
    """What libvirt said, on one line."""


class NoBindingError(WizardError):
    """There is no libvirt binding for this Python."""


class Network(NamedTuple):
    """A network of libvirt's own."""

    name: str
    active: bool
    autostart: bool


class Pool(NamedTuple):
    """Where libvirt keeps volumes; ``path`` only for those in a folder."""

    name: str
    active: bool
    path: str | None


class Offer(NamedTuple):
    """All of it, with the programs' versions."""

    uri: str
    versions: Versions
    capabilities: Capabilities
    kvm: bool
    """Guests with KVM are offered; else only emulated ones."""
    networks: tuple[Network, ...]
    pools: tuple[Pool, ...]


def binding() -> Any:
    """The module ``libvirt``. Raises NoBindingError with the way to get it."""
    try:
        import libvirt  # noqa: PLC0415 - optional, and it loads libvirt's libraries
    except ImportError:
        raise NoBindingError(HOW_TO_GET) from None
    libvirt.registerErrorHandler(_silent, None)  # else it writes to stderr itself
    return libvirt


def _silent(_context: Any, _error: Any) -> None:
    return


@contextmanager
def connected(uri: str = SYSTEM, *, read_only: bool = False) -> Iterator[Any]:
    """A connection. Whatever libvirt refuses meanwhile is raised as a LibvirtError."""
    libvirt = binding()
    with told(libvirt):
        connection = libvirt.openReadOnly(uri) if read_only else libvirt.open(uri)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def told(libvirt: Any) -> Iterator[None]:
    """libvirt's errors as ours."""
    try:
        yield
    except libvirt.libvirtError as error:
        message = f"libvirt: {' '.join(str(error).split())}"
        raise LibvirtError(message) from None


def read_offer(connection: Any) -> Offer:
    """Ask one libvirt. Raises libvirt's own errors."""
    libvirt = binding()
    kvm, text = _domain_capabilities(connection, libvirt)
    return Offer(
        connection.getURI(),
        Versions(release(connection.getLibVersion()), _qemu(connection, libvirt)),
        read_capabilities(text),
        kvm,
        _networks(connection, libvirt),
        _pools(connection, libvirt),
    )


def release(number: int) -> Release:
    """libvirt's versions are a million times the first part, a thousand times the second, and the third."""
    return (number // 1_000_000, number // 1000 % 1000, number % 1000)


def _qemu(connection: Any, libvirt: Any) -> Release | None:
    try:
        return release(connection.getVersion())
    except libvirt.libvirtError:
        return None


def _domain_capabilities(connection: Any, libvirt: Any) -> tuple[bool, str]:
    """For KVM where there is KVM; a driver without the question has no answer."""
    for kind in ("kvm", "qemu"):
        try:
            return kind == "kvm", connection.getDomainCapabilities(None, "x86_64", "q35", kind, 0)
        except libvirt.libvirtError:
            continue
    return False, "<domainCapabilities/>"


def read_capabilities(text: str) -> Capabilities:
    """From ``virsh domcapabilities``. Raises WizardError for what is no XML."""
    from xml.etree import ElementTree as Tree  # noqa: PLC0415 - only with libvirt

    try:
        # libvirt wrote it; it declares no document type, and expat limits what entities may become
        root = Tree.fromstring(text)  # noqa: S314
    except Tree.ParseError as error:
        message = f"what libvirt says of its domains is no XML: {error}"
        raise WizardError(message) from None
    return Capabilities(
        emulator=root.findtext("path"),
        machines=tuple(one for one in (root.findtext("machine"),) if one),
        secure_boot=_secure_boot(root),
        enrolled_keys=_enrolled_keys(root),
        tpm_models=_values(root, "devices/tpm", "model") if _is(root, "devices/tpm") else (),
        hyperv=_values(root, "features/hyperv", "features") if _is(root, "features/hyperv") else (),
        graphics=_values(root, "devices/graphics", "type") if _is(root, "devices/graphics") else (),
    )


def _is(root: Any, path: str) -> bool:
    found = root.find(path)
    return found is not None and found.get("supported") == "yes"


def _values(root: Any, path: str, name: str) -> tuple[str, ...]:
    return tuple(one.text or "" for one in root.findall(f"{path}/enum[@name='{name}']/value"))


def _secure_boot(root: Any) -> bool | None:
    if root.find("os") is None:
        return None
    told_features = _values(root, "os/firmwareFeatures", "secureBoot")
    return "yes" in (told_features or _values(root, "os/loader", "secure"))


def _enrolled_keys(root: Any) -> bool | None:
    if root.find("os") is None:
        return None
    told_features = _values(root, "os/firmwareFeatures", "enrolledKeys")
    if told_features:
        return "yes" in told_features
    images = [one.text or "" for one in root.findall("os/loader/value")]
    return True if any(word in image.lower() for image in images for word in _ENROLLED) else None


def _networks(connection: Any, libvirt: Any) -> tuple[Network, ...]:
    try:
        found = connection.listAllNetworks()
        return tuple(
            sorted(Network(one.name(), bool(one.isActive()), bool(one.autostart())) for one in found)
        )
    except libvirt.libvirtError:
        return ()  # this connection has no networks (embedded, or the driver is not installed)


def _pools(connection: Any, libvirt: Any) -> tuple[Pool, ...]:
    try:
        found = [
            (one.name(), bool(one.isActive()), one.XMLDesc()) for one in connection.listAllStoragePools()
        ]
    except libvirt.libvirtError:
        return ()
    return tuple(sorted((_pool(*one) for one in found), key=lambda one: one.name))


def _pool(name: str, active: bool, text: str) -> Pool:
    from xml.etree import ElementTree as Tree  # noqa: PLC0415 - as above

    return Pool(name, active, Tree.fromstring(text).findtext("target/path"))  # noqa: S314 - libvirt wrote it
