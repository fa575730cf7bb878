"""Which attribute of nixpkgs a wish for a kernel becomes."""

from __future__ import annotations

import pytest

from vfio_wizard.model.errors import UsageError
from vfio_wizard.render.nixos_target import attribute_name


@pytest.mark.parametrize(
    ("wish", "attribute"),
    [
        ("6.12", "linuxPackages_6_12"),
        ("linuxPackages_6_12", "linuxPackages_6_12"),
        ("linuxPackages_zen", "linuxPackages_zen"),
        ("latest", "linuxPackages_latest"),
    ],
)
def test_a_kernel_that_nixpkgs_may_have(wish: str, attribute: str) -> None:
    assert attribute_name(wish) == attribute


@pytest.mark.parametrize("wish", ["six", "6.12.9", "linuxPackages_6_12; evil", "linüxPackages"])
def test_what_cannot_be_one_is_refused_with_what_can(wish: str) -> None:
    with pytest.raises(UsageError, match=r"not a kernel of nixpkgs: .* a version like 6\.12"):
        attribute_name(wish)
