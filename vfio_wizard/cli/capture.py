"""``capture``: a redacted record of a machine, for ``--host``."""

from __future__ import annotations

import sys

from vfio_wizard.cli.given import Given
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.probe.boot_facts import read_next_boot
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.images import read_configuration, read_images
from vfio_wizard.system.host import Host
from vfio_wizard.system.source import TextSource, open_source


def run(given: Given) -> int:
    """Record what the probes read, and nothing else."""
    source = open_source(given.text("host"))
    output = str(given.text("output"))
    if isinstance(source, TextSource):
        message = "a listing or report is a record already; pass it to --host as it is"
        raise UsageError(message)
    from vfio_wizard.system.record import write_capture  # noqa: PLC0415 - redaction needs many patterns

    write_capture(source, ask, output)
    if output != "-":
        sys.stderr.write(f"wrote {output}; it is plain text: read it before you send it to anybody\n")
    return 0


def ask(host: Host) -> None:
    """What later runs on the capture will ask: of ``--check``, and of ``predict`` the images and tables."""
    facts = gather(host, holders=False, commands=True)
    seen = read_images(host, known(facts.kernels, ()))
    read_next_boot(host, facts, {one.release: one.image for one in seen})
    if not isinstance(facts.boot.initramfs, Unread):
        read_configuration(host, facts.boot.initramfs.name)
