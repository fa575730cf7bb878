"""PCI functions as facts: one tree per situation, and every attribute spoiled in turn."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import PCI, RELEASE, SysfsTree, resource_text
from vfio_wizard.model.iommu import IommuGroup
from vfio_wizard.model.pci import PciAddress, PciClass, PcieLink, PciFunction, PciId, ResizableBar
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.probe.aliases import glob_matches
from vfio_wizard.probe.iommu import read_iommu
from vfio_wizard.probe.pci import read_pci
from vfio_wizard.system.host import RootHost

GPU = "0000:01:00.0"
AUDIO = "0000:01:00.1"
ROOT_PORT = "0000:00:01.0"
DISK = "0000:00:17.0"

AMDGPU = "alias pci:v00001002d0000731Fsv*sd*bc*sc*i* amdgpu"
RADEON_OTHER = "alias pci:v00001002d00009999sv*sd*bc*sc*i* radeon"
HDA = "alias pci:v00001002d*sv*sd*bc04sc03i00* snd-hda-intel"
AHCI = "alias pci:v*d*sv*sd*bc01sc06i01* ahci"
UNRELATED = "alias usb:v1D6Bp0002d*dc*dsc*dp*ic*isc*ip*in* hub"


def desktop(root: Path) -> SysfsTree:
    """A root port, a card of two functions behind it, and a disk controller."""
    tree = SysfsTree(root)
    tree.pci(ROOT_PORT, device=0x1901, cls=0x060400, driver="pcieport", group=1)
    tree.pci(
        GPU,
        vendor=0x1002,
        device=0x731F,
        cls=0x030000,
        subsystem=(0x1DA2, 0xE410),
        driver="amdgpu",
        group=5,
        parent=ROOT_PORT,
        boot_vga=True,
        reset="bus pm",
        bars={
            0: (0xE0000000, 1 << 28, 0x14220C),
            5: (0xFCA00000, 1 << 19, 0x40200),
            6: (0xFCA80000, 1 << 17, 0x46200),
        },
        resource0_resize="0000000000003f00",
        current_link_speed="8.0 GT/s PCIe",
        current_link_width=16,
        max_link_speed="16.0 GT/s PCIe",
        max_link_width=16,
        rom="",
    )
    tree.pci(
        AUDIO, vendor=0x1002, device=0xAB38, cls=0x040300, driver="snd_hda_intel", group=5, parent=ROOT_PORT
    )
    tree.pci(DISK, device=0xA282, cls=0x010601, driver="ahci", group=2, reset="")
    return tree.aliases(
        AMDGPU, RADEON_OTHER, HDA, AHCI, UNRELATED, builtin=("ehci.alias=pci:v*d*sv*sd*bc0Csc03i20*",)
    )


def functions(tree: SysfsTree, release: str | Unread = RELEASE) -> dict[str, PciFunction]:
    host = tree.host()
    found = read_pci(host, release, read_iommu(host, ()).groups)
    assert not isinstance(found, Unread)
    return {str(one.address): one for one in found}


def function(tree: SysfsTree, address: str = GPU) -> PciFunction:
    return functions(tree)[address]


def test_a_card_is_read_with_all_it_has(tmp_path: Path) -> None:
    gpu = function(desktop(tmp_path))

    assert gpu.id == PciId("1002", "731f")
    assert gpu.cls == PciClass(3, 0, 0)
    assert gpu.subsystem == PciId("1da2", "e410")
    assert gpu.revision == 1
    assert (gpu.driver, gpu.group, gpu.modules) == ("amdgpu", 5, ("amdgpu",))
    assert gpu.parent == PciAddress.parse(ROOT_PORT)
    assert gpu.boot_vga is True
    assert gpu.reset_methods == ("bus", "pm")
    assert gpu.driver_override is None
    assert gpu.numa_node is None
    assert gpu.rom is True
    assert gpu.link == PcieLink("8.0 GT/s PCIe", 16, "16.0 GT/s PCIe", 16)
    assert gpu.power_state == "D0"
    assert gpu.physical_function is None
    assert gpu.removable is False
    assert gpu.origin == f"{PCI}/{GPU}"


def test_windows_keep_their_numbers_and_the_rom_is_none_of_them(tmp_path: Path) -> None:
    bars = function(desktop(tmp_path)).bars

    assert not isinstance(bars, Unread)
    assert [(bar.number, bar.start, bar.size) for bar in bars] == [
        (0, 0xE0000000, 1 << 28),
        (5, 0xFCA00000, 1 << 19),
    ]
    assert bars[0].is_prefetchable
    assert not bars[1].is_prefetchable


def test_sizes_of_a_resizable_bar_are_the_bits_of_the_bitmap(tmp_path: Path) -> None:
    expected = tuple(1 << power for power in range(28, 34))  # 256 MiB to 8 GiB
    assert function(desktop(tmp_path)).resizable_bars == (ResizableBar(0, expected),)


def test_the_rest_of_the_machine_gets_identity_only(tmp_path: Path) -> None:
    disk = function(desktop(tmp_path), DISK)

    assert (disk.driver, disk.group, disk.modules) == ("ahci", 2, ("ahci",))
    assert disk.reset_methods == ()
    assert disk.boot_vga is None
    assert isinstance(disk.bars, Unread)
    assert disk.bars.gap is Gap.UNTOLD


def test_the_audio_of_a_card_with_its_own_switch_is_read_like_the_card(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci(ROOT_PORT, cls=0x060400)
    tree.pci("0000:01:00.0", cls=0x060400, parent=ROOT_PORT)
    tree.pci("0000:02:01.0", cls=0x060400, parent="0000:01:00.0").pci(
        "0000:02:04.0", cls=0x060400, parent="0000:01:00.0"
    )
    tree.pci("0000:03:00.0", device=0x56A0, cls=0x030000, parent="0000:02:01.0")
    tree.pci("0000:04:00.0", device=0x4F90, cls=0x040300, parent="0000:02:04.0")

    assert function(tree, "0000:04:00.0").power_state == "D0"


def test_a_function_that_nothing_has_claimed_has_no_driver(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci(GPU, cls=0x030000)
    assert function(tree).driver is None


def test_a_copy_without_uevent_and_links_does_not_tell_of_drivers(tmp_path: Path) -> None:
    driver = function(SysfsTree(tmp_path).pci(GPU, cls=0x030000, uevent=False)).driver
    assert isinstance(driver, Unread)
    assert driver.gap is Gap.UNTOLD


def test_a_driver_is_found_by_its_link_where_uevent_is_silent(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci(GPU, cls=0x030000, driver="vfio-pci", uevent=False)
    assert function(tree).driver == "vfio-pci"


def test_without_uevent_single_files_tell_the_same(tmp_path: Path) -> None:
    full, bare = desktop(tmp_path / "full"), desktop(tmp_path / "bare")
    for address in (GPU, AUDIO, DISK, ROOT_PORT):
        bare.remove(f"{PCI}/{address}/uevent")
    assert functions(bare) == functions(full)


@pytest.mark.parametrize("nothing", [(0, 0), (0xFFFF, 0xFFFF)])
def test_an_empty_subsystem_id_is_none(tmp_path: Path, nothing: tuple[int, int]) -> None:
    for uevent in (True, False):
        tree = SysfsTree(tmp_path / str(uevent)).pci(GPU, cls=0x030000, subsystem=nothing, uevent=uevent)
        assert function(tree).subsystem is None


def test_a_domain_of_five_digits_has_its_root_bus_below_a_function(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci("0000:00:0e.0", cls=0x010400)
    tree.pci("10000:e0:06.0", cls=0x060400, root_bus="pci0000:00/0000:00:0e.0/pci10000:e0")
    tree.pci("10000:e1:00.0", cls=0x010802, parent="10000:e0:06.0")
    found = functions(tree)

    assert found["10000:e0:06.0"].parent is None
    assert found["10000:e1:00.0"].parent == PciAddress(0x10000, 0xE0, 6, 0)


def test_no_group_is_none_where_groups_are_told(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci(GPU, cls=0x030000, group=1).pci(DISK)
    assert functions(tree)[DISK].group is None


def test_no_group_is_unread_where_a_source_is_silent_about_groups(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci(GPU, cls=0x030000)
    shutil.rmtree(tmp_path / "sys/kernel")
    group = function(tree).group
    assert isinstance(group, Unread)
    assert group.gap is Gap.UNTOLD


def test_a_group_is_known_by_the_link_where_the_groups_were_not_copied(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci(GPU, cls=0x030000, group=12)
    shutil.rmtree(tmp_path / "sys/kernel")
    assert function(tree).group == 12


def test_groups_that_were_read_spare_the_links(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci(GPU, cls=0x030000)
    told = IommuGroup(7, (PciAddress.parse(GPU),), "DMA", ())
    found = read_pci(tree.host(), RELEASE, (told,))
    assert not isinstance(found, Unread)
    assert found[0].group == 7


@pytest.mark.parametrize(
    ("release", "expected"), [("5.15.0", ()), ("6.12.9-amd64", ()), ("5.10.0-30-amd64", None)]
)
def test_a_missing_reset_method_is_none_only_where_the_kernel_tells(
    tmp_path: Path, release: str, expected: tuple[()] | None
) -> None:
    methods = functions(SysfsTree(tmp_path).pci(GPU, cls=0x030000), release)[GPU].reset_methods
    assert (None if isinstance(methods, Unread) else methods) == expected


def test_an_unknown_kernel_leaves_reset_and_modules_unread(tmp_path: Path) -> None:
    gone = Unread("proc/sys/kernel/osrelease", Gap.UNTOLD)
    gpu = functions(SysfsTree(tmp_path).pci(GPU, cls=0x030000), gone)[GPU]
    assert isinstance(gpu.reset_methods, Unread)
    assert gpu.modules == gone


def test_modules_are_found_as_built_ins_too(tmp_path: Path) -> None:
    tree = desktop(tmp_path).pci("0000:00:14.0", device=0xA12F, cls=0x0C0320)
    assert functions(tree)["0000:00:14.0"].modules == ("ehci",)


def test_module_names_have_underscores(tmp_path: Path) -> None:
    assert function(desktop(tmp_path), AUDIO).modules == ("snd_hda_intel",)


def test_modules_of_a_system_whose_modules_lie_elsewhere(tmp_path: Path) -> None:
    tree = desktop(tmp_path)
    store = "nix/store/abc-kernel-modules"
    (tmp_path / store / "lib").mkdir(parents=True)
    (tmp_path / "lib/modules").rename(tmp_path / store / "lib/modules")
    tree.link("run/booted-system/kernel-modules", store)
    assert function(tree).modules == ("amdgpu",)


def test_without_an_alias_table_modules_are_unread(tmp_path: Path) -> None:
    modules = function(SysfsTree(tmp_path).pci(GPU, cls=0x030000)).modules
    assert isinstance(modules, Unread)


def test_a_card_that_sleeps_is_not_woken_for_its_link(tmp_path: Path) -> None:
    tree = desktop(tmp_path).files(f"{PCI}/{GPU}", power_state="D3cold")
    link = function(tree).link
    assert isinstance(link, Unread)
    assert "D3cold" in link.detail


def test_a_virtual_function_names_its_physical_one(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path).pci("0000:00:02.0", cls=0x030000).pci("0000:00:02.1", cls=0x030000)
    tree.link(f"{PCI}/0000:00:02.1/physfn", tree.device("0000:00:02.0"))
    assert function(tree, "0000:00:02.1").physical_function == PciAddress(0, 0, 2, 0)


@pytest.mark.parametrize(("word", "expected"), [("removable", True), ("fixed", False), ("unknown", None)])
def test_the_kernel_marks_what_hangs_on_an_external_port(
    tmp_path: Path, word: str, expected: bool | None
) -> None:
    removable = function(SysfsTree(tmp_path).pci(GPU, cls=0x030000, removable=word)).removable
    assert (None if isinstance(removable, Unread) else removable) is expected


def test_an_override_is_reported_and_its_absence_is_none(tmp_path: Path) -> None:
    tree = desktop(tmp_path).files(f"{PCI}/{GPU}", driver_override="vfio-pci")
    assert function(tree).driver_override == "vfio-pci"
    assert function(tree, AUDIO).driver_override is None


def test_a_function_that_vanishes_while_it_is_read_is_dropped(tmp_path: Path) -> None:
    tree = desktop(tmp_path)
    shutil.rmtree(tmp_path / tree.device(AUDIO))
    tree.remove(f"{PCI}/{AUDIO}")

    class LateHost(RootHost):
        """Names the function that is no longer there, once, as a listing does that was made before."""

        asked = 0

        def names(self, path: str) -> tuple[str, ...] | Unread:
            names = super().names(path)
            if path != PCI or isinstance(names, Unread) or self.asked:
                return names
            self.asked = 1
            return (*names, AUDIO)

    found = read_pci(LateHost(str(tmp_path)), RELEASE, ())
    assert not isinstance(found, Unread)
    assert AUDIO not in [str(one.address) for one in found]


def test_names_that_are_no_addresses_are_passed_over(tmp_path: Path) -> None:
    tree = desktop(tmp_path)
    before = functions(tree)
    for name in ("hello", "0000:01:00", "0000:01:00.9", "zzzz:01:00.0", "0000:01:40.0"):
        tree.directory(f"{PCI}/{name}")
    assert functions(tree) == before


def test_a_tree_without_pci_is_unread_and_not_empty(tmp_path: Path) -> None:
    assert isinstance(read_pci(RootHost(str(tmp_path)), RELEASE, ()), Unread)


def test_who_holds_a_card_is_not_asked_of_a_record(tmp_path: Path) -> None:
    held = function(desktop(tmp_path)).holders
    assert isinstance(held, Unread)
    assert held.gap is Gap.UNTOLD


CONTENTS = {
    "empty": b"",
    "newline": b"\n",
    "binary": bytes(range(256)),
    "nul": b"\0" * 64,
    "huge": b"0x1234 " * 300_000,
    "long": b"f" * 5000,
    "two lines": b"0x1002\n0x1002\n",
    "minus": b"-99999999999999999999999999\n",
}
ATTRIBUTES = (
    *("uevent", "vendor", "device", "class", "subsystem_vendor", "subsystem_device", "modalias", "revision"),
    *("driver_override", "numa_node", "power_state", "resource", "boot_vga", "reset_method"),
    *("resource0_resize", "current_link_speed", "current_link_width", "max_link_speed", "max_link_width"),
    *("driver", "iommu_group"),
)


def _spoil(place: Path, how: str) -> None:
    place.unlink()
    match how:
        case "directory":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "loop":
            place.symlink_to(place.name)
        case "gone":
            pass
        case _:
            place.write_bytes(CONTENTS[how])


@pytest.mark.parametrize("how", [*CONTENTS, "gone", "directory", "pipe", "loop"])
@pytest.mark.parametrize("uevent", [True, False])
def test_a_spoiled_attribute_is_a_gap_and_never_an_exception(tmp_path: Path, how: str, uevent: bool) -> None:
    tree = desktop(tmp_path)
    if not uevent:
        tree.remove(f"{PCI}/{GPU}/uevent")
    sound = functions(tree)
    for attribute in ATTRIBUTES:
        place = tmp_path / tree.device(GPU) / attribute
        if not place.exists():
            continue
        kept = place.with_name("kept")
        os.link(place, kept, follow_symlinks=False)
        _spoil(place, how)
        found = functions(tree)
        assert found.pop(GPU).address == sound[GPU].address
        assert found == {name: one for name, one in sound.items() if name != GPU}
        if how == "directory":
            place.rmdir()
        kept.replace(place)


@pytest.mark.parametrize(
    ("attribute", "field"),
    [
        ("vendor", "id"),
        ("class", "cls"),
        ("subsystem_device", "subsystem"),
        ("modalias", "modalias"),
        ("revision", "revision"),
        ("resource", "bars"),
        ("numa_node", "numa_node"),
        ("boot_vga", "boot_vga"),
        ("reset_method", "reset_methods"),
        ("resource0_resize", "resizable_bars"),
        ("power_state", "power_state"),
        ("max_link_width", "link"),
    ],
)
def test_binary_rubbish_is_malformed_in_its_own_field_only(
    tmp_path: Path, attribute: str, field: str
) -> None:
    sound = desktop(tmp_path / "sound").remove(f"{PCI}/{GPU}/uevent")
    tree = desktop(tmp_path / "spoiled").remove(f"{PCI}/{GPU}/uevent")
    tree.file(f"{PCI}/{GPU}/{attribute}", bytes(range(1, 256)))
    spoiled = function(tree)._asdict()
    good = function(sound)._asdict()
    gap = spoiled[field]

    assert isinstance(gap, Unread)
    assert gap.gap is Gap.MALFORMED
    dependent = {"modalias": {"modules"}, "resource": {"resizable_bars"}}.get(attribute, set())
    assert {name for name in good if good[name] != spoiled[name]} - dependent == {field}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_refused_attribute_says_denied(tmp_path: Path) -> None:
    tree = desktop(tmp_path).remove(f"{PCI}/{GPU}/uevent")
    (tmp_path / tree.device(GPU) / "vendor").chmod(0)
    found = function(tree).id
    assert isinstance(found, Unread)
    assert found.gap is Gap.DENIED


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 6),
        st.tuples(st.integers(0, 1 << 40), st.integers(1, 1 << 40), st.integers(1, 1 << 32)),
    )
)
def test_any_windows_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, windows: dict[int, tuple[int, int, int]]
) -> None:
    wanted = {number: bar for number, bar in windows.items() if bar[0] + bar[1] > 1}
    tree = SysfsTree(tmp_path_factory.mktemp("bars")).pci(GPU, cls=0x030000, bars=wanted)
    found = function(tree)
    assert not isinstance(found.bars, Unread)
    assert {bar.number: bar[1:] for bar in found.bars} == {n: bar for n, bar in wanted.items() if n < 6}
    assert found.rom is (6 in wanted)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_no_text_of_uevent_raises(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    tree = SysfsTree(tmp_path_factory.mktemp("uevent")).pci(GPU, cls=0x030000, vendor=0x10DE, device=0x1B80)
    tree.file(f"{PCI}/{GPU}/uevent", text)
    assert function(tree).id == PciId("10de", "1b80")


def test_a_glob_covers_the_whole_text() -> None:
    assert glob_matches("pci:v*d*sv*sd*bc03sc*i*", "pci:v00001002d0000731Fsv0sd0bc03sc00i00")
    assert not glob_matches("pci:v*d*sv*sd*bc03sc*", "pci:v00001002d0000731Fsv0sd0bc04sc00i00")
    assert not glob_matches("a*bc", "abcb")
    assert not glob_matches("ab*ba", "aba")  # first and last part may not overlap
    assert glob_matches("pci:v0000100[12]d*", "pci:v00001002d1")
    assert glob_matches("a?c", "abc")
    assert not glob_matches("[", "b")


@given(st.lists(st.sampled_from("ab*"), max_size=8), st.text(alphabet="ab", max_size=10))
def test_globs_match_what_fnmatch_matches(glob: list[str], text: str) -> None:
    from fnmatch import fnmatchcase  # noqa: PLC0415 - the yardstick, used here only

    assert glob_matches("".join(glob), text) is fnmatchcase(text, "".join(glob))


def test_a_resource_file_is_what_the_kernel_prints() -> None:
    first = resource_text({0: (0xE0000000, 1 << 28, 0x14220C)}).split("\n")[0]
    assert first == "0x00000000e0000000 0x00000000efffffff 0x000000000014220c"


@pytest.mark.live
def test_the_functions_of_this_machine_are_all_read() -> None:
    host = RootHost("/")
    found = read_pci(host, RELEASE, read_iommu(host, ()).groups)
    names = host.names(PCI)
    if isinstance(names, Unread):
        assert isinstance(found, Unread)
        return
    assert not isinstance(found, Unread)
    assert [str(one.address) for one in found] == sorted(names)
    assert all(isinstance(one.id, PciId) for one in found)
