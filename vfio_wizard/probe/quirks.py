"""The user's own knowledge in etc/vfio-wizard/quirks.d: read here, judged elsewhere."""

from __future__ import annotations

from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.system.host import Host

FOLDER = "etc/vfio-wizard/quirks.d"

_FILE_LIMIT = 1 << 16
_MOST_FILES = 64


def read_quirks(host: Host) -> tuple[tuple[str, str | Unread], ...]:
    """Each file that ends in .toml with its text, by path; nothing where there is no such folder."""
    names = host.names(FOLDER)
    if isinstance(names, Unread):
        return ((FOLDER, names),) if names.gap in (Gap.DENIED, Gap.MALFORMED) else ()
    paths = [f"{FOLDER}/{name}" for name in names if name.endswith(".toml")][:_MOST_FILES]
    return tuple((path, host.text(path, _FILE_LIMIT)) for path in paths)


def words_of_log(files: tuple[tuple[str, str | Unread], ...]) -> tuple[str, ...]:
    """What lines of the kernel log must be kept for the user's own entries: of each the longest text."""
    if not files:
        return ()
    from vfio_wizard.knowledge.own import read_own  # noqa: PLC0415 - few users have files

    return tuple(max(row.holds, key=len) for row in read_own(files).log if row.holds)
