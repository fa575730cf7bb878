from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probe.boot_trees import MACHINE_ID, Tree
from vfio_wizard.model.facts import InstalledKernel
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.kernel import read_kernel
from vfio_wizard.probe.kernels import by_version, read_kernels
from vfio_wizard.system.host import RootHost

OLD, NEW = "6.1.0-9-amd64", "6.1.0-38-amd64"


def kernels(tree: Tree, host: RootHost | None = None) -> dict[str, InstalledKernel]:
    host = host or tree.host
    found = read_kernels(host, read_kernel(host))
    assert not isinstance(found, Unread)
    return {one.release: one for one in found}


def installed(tree: Tree, release: str, module: str = "vfio-pci.ko.xz") -> Tree:
    tree.put(f"lib/modules/{release}/modules.builtin", "kernel/drivers/pci/pci-stub.ko\n")
    return tree.put(f"lib/modules/{release}/kernel/drivers/vfio/pci/{module}")


def debian(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path).running("root=/dev/sda1", OLD)
    for release in (OLD, NEW):
        installed(tree, release).put(f"boot/vmlinuz-{release}").put(f"boot/initrd.img-{release}")
    return tree.put(f"boot/config-{NEW}", "CONFIG_VFIO=m\n")


def test_all_kernels_are_found_oldest_first_with_their_images(tmp_path: Path) -> None:
    found = kernels(debian(tmp_path))
    assert list(found) == [OLD, NEW]
    assert [one.running for one in found.values()] == [True, False]
    assert found[NEW].initramfs == f"boot/initrd.img-{NEW}"
    assert found[NEW].has_vfio_pci is True
    config = found[NEW].config
    assert isinstance(config, dict)
    assert config["VFIO"] == "m"


def test_a_module_folder_that_a_removed_kernel_left_behind_is_no_kernel(tmp_path: Path) -> None:
    tree = debian(tmp_path).put("lib/modules/5.10.0-1-amd64/updates/dkms/vendor-reset.ko")
    assert list(kernels(tree)) == [OLD, NEW]


def test_rescue_images_and_package_names_are_no_releases(tmp_path: Path) -> None:
    tree = (
        debian(tmp_path)
        .put(f"boot/vmlinuz-0-rescue-{MACHINE_ID}")
        .put("boot/vmlinuz-linux")
        .put("boot/vmlinuz.old")
    )
    assert list(kernels(tree)) == [OLD, NEW]


def test_a_kernel_without_the_module_has_no_vfio_pci(tmp_path: Path) -> None:
    tree = (
        Tree(tmp_path)
        .running("x", OLD)
        .put(f"lib/modules/{OLD}/modules.builtin", "kernel/drivers/pci/pci-stub.ko\n")
    )
    assert kernels(tree)[OLD].has_vfio_pci is False


def test_vfio_pci_may_be_built_in(tmp_path: Path) -> None:
    tree = Tree(tmp_path).running("x", OLD)
    tree.put(f"lib/modules/{OLD}/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n")
    assert kernels(tree)[OLD].has_vfio_pci is True


def test_vfio_pci_of_a_listing_alone_is_unread(tmp_path: Path) -> None:
    tree = Tree(tmp_path).put(f"boot/vmlinuz-{NEW}")
    tree.folder("lib/modules")
    assert isinstance(kernels(tree)[NEW].has_vfio_pci, Unread)


def test_arch_names_its_images_after_the_package(tmp_path: Path) -> None:
    release = "6.17.1-arch1-1"
    tree = installed(Tree(tmp_path).running("x", release), release, "vfio-pci.ko.zst")
    tree.put(f"lib/modules/{release}/pkgbase", "linux\n").put("boot/vmlinuz-linux").put(
        "boot/initramfs-linux.img"
    )
    assert kernels(tree)[release].initramfs == "boot/initramfs-linux.img"


def test_fedora_and_opensuse_names(tmp_path: Path) -> None:
    tree = installed(Tree(tmp_path).running("x", "6.12.9-200.fc43.x86_64"), "6.12.9-200.fc43.x86_64")
    tree.put("boot/initramfs-6.12.9-200.fc43.x86_64.img").put("boot/initrd-6.13.1-1-default")
    installed(tree, "6.13.1-1-default")
    found = kernels(tree)
    assert found["6.12.9-200.fc43.x86_64"].initramfs == "boot/initramfs-6.12.9-200.fc43.x86_64.img"
    assert found["6.13.1-1-default"].initramfs == "boot/initrd-6.13.1-1-default"


def test_an_entry_of_kernel_install_tells_where_the_image_is(tmp_path: Path) -> None:
    tree = installed(Tree(tmp_path).running("x", NEW), NEW).folder("boot")
    tree.put(
        f"boot/efi/loader/entries/{MACHINE_ID}-{NEW}.conf", f"linux /a/{NEW}/linux\ninitrd /a/{NEW}/initrd\n"
    )
    assert kernels(tree)[NEW].initramfs == f"boot/efi/a/{NEW}/initrd"


def test_the_image_may_be_inside_a_unified_kernel_image(tmp_path: Path) -> None:
    tree = (
        installed(Tree(tmp_path).running("x", NEW), NEW)
        .put(f"efi/EFI/Linux/{MACHINE_ID}-{NEW}.efi")
        .folder("boot")
    )
    assert kernels(tree)[NEW].initramfs == f"efi/EFI/Linux/{MACHINE_ID}-{NEW}.efi"


def test_no_image_anywhere_is_none(tmp_path: Path) -> None:
    assert kernels(installed(Tree(tmp_path).running("x", NEW), NEW).folder("boot"))[NEW].initramfs is None


def test_a_closed_boot_partition_leaves_the_image_denied(tmp_path: Path) -> None:
    tree = debian(tmp_path)
    found = kernels(tree, tree.closed("boot"))[NEW].initramfs
    assert isinstance(found, Unread)
    assert found.gap is Gap.DENIED


def test_the_next_system_of_nixos_goes_before_the_booted_one(tmp_path: Path) -> None:
    tree = Tree(tmp_path).running("x", "6.12.1")
    (tmp_path / "lib/modules/6.12.1").rmdir()
    for system, release in (("run/booted-system", "6.12.1"), ("nix/var/nix/profiles/system", "6.12.9")):
        tree.put(
            f"{system}/kernel-modules/lib/modules/{release}/modules.builtin",
            "kernel/drivers/pci/pci-stub.ko\n",
        )
        tree.put(f"{system}/kernel-modules/lib/modules/{release}/kernel/drivers/vfio/pci/vfio-pci.ko.xz")
        tree.put(f"{system}/initrd")
    found = kernels(tree)
    assert found["6.12.9"].initramfs == "nix/var/nix/profiles/system/initrd"
    assert found["6.12.1"].initramfs == "run/booted-system/initrd"
    assert found["6.12.9"].has_vfio_pci is True


def test_an_empty_root_tells_nothing_of_kernels(tmp_path: Path) -> None:
    host = Tree(tmp_path).host
    assert isinstance(read_kernels(host, read_kernel(host)), Unread)


def test_a_container_has_no_kernel(tmp_path: Path) -> None:
    assert kernels(Tree(tmp_path).folder("lib").folder("usr/lib").folder("boot")) == {}


def test_numbers_in_releases_sort_as_numbers() -> None:
    assert sorted(["6.12.1", "6.9.0", "6.12.0-rc1", "10.0"], key=by_version) == [
        "6.9.0",
        "6.12.0-rc1",
        "6.12.1",
        "10.0",
    ]


@given(st.lists(st.text()))
def test_any_releases_can_be_sorted(releases: list[str]) -> None:
    assert len(sorted(releases, key=by_version)) == len(releases)
