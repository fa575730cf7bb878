"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import in_ci
from tests.virt import daemon
from vfio_wizard.apply.connection import connected
from vfio_wizard.system.libvirt_host import NoBindingError, binding


def need_binding() -> None:
    """Skip where there is no libvirt binding, and fail where `make test` should have built it."""
    try:
        binding()
    except NoBindingError as error:
        if in_ci():
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def daemon_uri() -> Iterator[str]:
    """A real libvirtd with QEMU."""
    need_binding()
    with daemon.running() as uri:
        yield uri


@pytest.fixture
def real(daemon_uri: str) -> Iterator[Any]:
    """A connection to it; every guest that a test left behind is removed."""
    with connected(daemon_uri) as connection:
        yield connection
        forget_guests(connection)


@pytest.fixture
def mock() -> Iterator[Any]:
    """libvirt's own test driver, emptied of what tests left behind."""
    need_binding()
    with connected("test:///default") as connection:
        yield connection
        forget_guests(connection)


def forget_guests(connection: Any) -> None:
    """All but the one that the test driver begins with."""
    for domain in connection.listAllDomains():
        if domain.name() == "test":
            continue
        if domain.isActive():
            domain.destroy()
        domain.undefineFlags(binding().VIR_DOMAIN_UNDEFINE_NVRAM if "qemu" in connection.getURI() else 0)
