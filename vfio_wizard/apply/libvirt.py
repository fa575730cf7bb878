"""Guests handed to libvirt: the only place that writes to it.

Before a guest is changed it is kept as it was (``domain_backup``), and one call brings it back. Connections
come from ``apply.connection``, which also says what to do about libvirt's errors.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from vfio_wizard.apply import domain_backup
from vfio_wizard.apply.domain_backup import Backup
from vfio_wizard.model.domain import Disk
from vfio_wizard.model.errors import WizardError
from vfio_wizard.model.record import NamedTuple
from vfio_wizard.render.xml_text import Document, tag
from vfio_wizard.system.libvirt_host import binding

_GIB = 1 << 30
_PASSING = "vfio-wizard-compare"
_STATES = (
    "without a state", "running", "blocked", "paused", "shutting down", "shut off", "crashed", "suspended",
)  # fmt: skip
"""By virDomainState."""


class Guest(NamedTuple):
    """A guest that libvirt has."""

    name: str
    uuid: str
    state: str
    text: str
    """Its XML for the next start, with passwords where the connection may see them."""

    @property
    def is_active(self) -> bool:
        """Has a QEMU process."""
        return self.state not in ("shut off", "crashed", "without a state")


class Defined(NamedTuple):
    """A guest was handed over."""

    guest: Guest
    backup: Backup
    was_there: bool


def find(connection: Any, name: str) -> Guest | None:
    """The guest of a name; None where there is none."""
    domain = _lookup(connection, name)
    return None if domain is None else _guest(domain)


def _lookup(connection: Any, name: str) -> Any:
    libvirt = binding()
    try:
        return connection.lookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _guest(domain: Any) -> Guest:
    libvirt = binding()
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    state = domain.state()[0]
    shown = _STATES[state] if 0 <= state < len(_STATES) else "unknown"
    return Guest(domain.name(), domain.UUIDString(), shown, domain.XMLDesc(flags))


# -- define and back -------------------------------------------------------------------------------


def define(connection: Any, text: str, folder: str) -> Defined:
    """Keep what was there, have libvirt check the domain, and hand it over.

    A domain without an identity gets that of the guest of the same name.
    """
    name = name_of(text)
    before = find(connection, name)
    if before is not None:
        text = with_identity(text, before.text)
    uri = connection.getURI()
    uuid = before.uuid if before is not None else None
    kept = Backup(name, uri, domain_backup.now(), uuid, before.text if before is not None else None)
    kept = domain_backup.save(folder, kept)
    try:
        after = _guest(_define(connection, text))
    except BaseException:
        domain_backup.save(folder, kept._replace(undone=True))
        raise
    return Defined(after, domain_backup.save(folder, kept._replace(after=after.text)), before is not None)


def _define(connection: Any, text: str) -> Any:
    """Against libvirt's schema first, which names what it does not know; older drivers lack the check."""
    libvirt = binding()
    try:
        return connection.defineXMLFlags(text, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG):
            raise
        return connection.defineXML(text)


class ChangedSinceError(WizardError):
    """The guest is not as this program left it."""


def undo(connection: Any, name: str, folder: str, *, force: bool = False) -> Backup:
    """Bring back what the guest was before the last change: its XML, or that there was none.

    Disks, firmware variables and the TPM's state stay. Raises ChangedSinceError, with the difference, where
    somebody changed the guest since, unless ``force``.
    """
    last = domain_backup.last(folder, name, connection.getURI())
    if last is None:
        message = f"nothing to take back: no change of the guest {name!r} is kept in {folder}"
        raise WizardError(message)
    there = _lookup(connection, name)
    if there is not None and last.after is not None and not force:
        _refuse_changed(last.after, _guest(there).text)
    if last.before is not None:
        _define(connection, last.before)
    elif there is not None:
        _undefine(there)
    domain_backup.save(folder, last._replace(undone=True))
    return last


def _refuse_changed(left: str, found: str) -> None:
    from vfio_wizard.render.xml_diff import difference  # noqa: PLC0415 - only before an undo

    lines = difference(left, found)
    if lines:
        message = (
            "the guest was changed since by somebody else; undo would throw that away (--force does):\n"
            + "\n".join(lines)
        )
        raise ChangedSinceError(message)


def _undefine(domain: Any) -> None:
    """Firmware variables and the TPM's state belong to what is installed in the guest, so they are kept."""
    libvirt = binding()
    if domain.isActive():
        message = f"the guest {domain.name()!r} runs; shut it down first: vfio-wizard domain --stop"
        raise WizardError(message)
    flags = libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
    tpm = getattr(libvirt, "VIR_DOMAIN_UNDEFINE_KEEP_TPM", 0)  # since 8.9
    for wanted in (flags | tpm, flags, 0):
        try:
            domain.undefineFlags(wanted)
        except libvirt.libvirtError as error:
            if wanted == 0 or error.get_error_code() not in (
                libvirt.VIR_ERR_NO_SUPPORT,
                libvirt.VIR_ERR_INVALID_ARG,
            ):
                raise
        else:
            return


# -- comparing -------------------------------------------------------------------------------------


def stored_form(connection: Any, text: str) -> str:
    """A domain as this libvirt would store it, with all that it adds itself.

    libvirt has no call for that. It is defined under a passing name, read and removed again at once; nothing
    is started and no file is made.
    """
    name = name_of(text)
    passing = f"{_PASSING}-{domain_backup.now()}"
    document = Document(text)
    named = _named(document)
    document = Document(document.with_words(named, passing))
    uuid = document.root.first("uuid")
    identity = uuid.words if uuid is not None else None
    domain = _define(connection, document.without(uuid) if uuid is not None else document.data.decode())
    try:
        stored = _guest(domain)
    finally:
        _undefine(domain)
    stored_text = stored.text.replace(passing, name)
    return stored_text if identity is None else stored_text.replace(stored.uuid, identity)


def with_identity(text: str, old: str) -> str:
    """UUID and MAC addresses of the guest that is there, where the new domain names none of its own."""
    there = Document(old).root
    document = Document(text)
    uuid = there.first("uuid")
    if document.root.first("uuid") is None and uuid is not None:
        text = document.with_child(document.root, [f"<uuid>{uuid.words}</uuid>"], ("name",))
    macs = [one.get("mac", "address") for one in there.all("devices/interface")]
    for number, mac in enumerate(macs):
        document = Document(text)
        cards = document.root.all("devices/interface")
        if mac is not None and number < len(cards) and cards[number].first("mac") is None:
            text = document.with_child(cards[number], [tag("mac", (("address", mac),))])
    return text


def name_of(text: str) -> str:
    """The guest's name. Raises WizardError for what is no domain."""
    return str(_named(Document(text)).words)


def _named(document: Document) -> Any:
    found = document.root.first("name")
    if document.root.name != "domain" or found is None or not found.words:
        message = "not a domain: there is no <domain> with a <name>"
        raise WizardError(message)
    return found


# -- running ---------------------------------------------------------------------------------------


def start(connection: Any, name: str) -> Guest:
    """Start a guest, and say how it is then. One that runs is left alone."""
    domain = _must_find(connection, name)
    if not domain.isActive():
        domain.create()
    return _guest(domain)


def stop(connection: Any, name: str, seconds: float, wait: Callable[[float], None] = time.sleep) -> Guest:
    """Ask a guest to shut down and wait for it. It is never cut off: the guest decides."""
    domain = _must_find(connection, name)
    if domain.isActive():
        domain.shutdown()
    end = time.monotonic() + seconds
    while domain.isActive() and time.monotonic() < end:
        wait(0.5)
    return _guest(domain)


def _must_find(connection: Any, name: str) -> Any:
    domain = _lookup(connection, name)
    if domain is None:
        message = f"libvirt has no guest {name!r}; vfio-wizard domain --define makes it"
        raise WizardError(message)
    return domain


# -- disks -----------------------------------------------------------------------------------------


def create_disk(connection: Any, disk: Disk, gib: int) -> str:
    """Make a disk that is not there, as a volume of the pool that has its folder; gives its path.

    A folder that no pool has gets one for as long as it takes.
    """
    libvirt = binding()
    if disk.path is None:
        pool = connection.storagePoolLookupByName(disk.pool or "default")
        return str(_volume(pool, str(disk.volume), disk, gib).path())
    if disk.is_block:
        message = f"{disk.path} is a block device; it is there or it is not, and cannot be created"
        raise WizardError(message)
    folder, _, name = disk.path.rpartition("/")
    pool = _pool_of(connection, folder)
    if pool is not None:
        return str(_volume(pool, name, disk, gib).path())
    pool = connection.storagePoolCreateXML(_pool_xml(folder), 0)
    try:
        return str(_volume(pool, name, disk, gib).path())
    finally:
        try:
            pool.destroy()
        except libvirt.libvirtError as error:
            message = (
                f"the disk is made, but the passing storage pool for {folder} could not be closed: {error}"
            )
            raise WizardError(message) from None


def _pool_of(connection: Any, folder: str) -> Any:
    wanted = folder.rstrip("/") or "/"
    for pool in connection.listAllStoragePools():
        path = re.search(r"<path>([^<]*)</path>", pool.XMLDesc())
        if path is not None and pool.isActive() and path[1].rstrip("/") == wanted:
            return pool
    return None


def _pool_xml(folder: str) -> str:
    words = Document("<pool type='dir'><name/><target><path/></target></pool>")
    text = words.with_words(words.root.all("name")[0], f"vfio-wizard-{domain_backup.now()}")
    words = Document(text)
    return words.with_words(words.root.all("target/path")[0], folder or "/")


def _volume(pool: Any, name: str, disk: Disk, gib: int) -> Any:
    """An image that grows as it is written to; one that is there is never written over."""
    pool.refresh(0)
    if name in pool.listVolumes():
        message = f"the disk {name!r} is there already in {pool.name()!r}; it is not written over"
        raise WizardError(message)
    words = Document("<volume><name/><capacity unit='bytes'/><allocation>0</allocation></volume>")
    text = words.with_words(words.root.all("name")[0], name)
    words = Document(text)
    text = words.with_words(words.root.all("capacity")[0], str(gib * _GIB))
    words = Document(text)
    target = ["<target>", f"  {tag('format', (('type', disk.format.value),))}", "</target>"]
    return pool.createXML(words.with_child(words.root, target), 0)
