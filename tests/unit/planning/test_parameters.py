"""Only parameters that this kernel and this hardware need."""

from __future__ import annotations

from typing import Any

import pytest

from tests.facts_builder import AUDIO, GPU, IGPU, at, card, good_machine, groups, integrated, modprobe
from tests.nix.machines import GUEST, cores, seed, seed_functions, seed_selection
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import Distribution, Framebuffer, HostFacts
from vfio_wizard.model.pci import PciClass
from vfio_wizard.model.plan import Plan, System
from vfio_wizard.model.selection import CpuWish, HugePageWish, KernelWish, Pinning, Selection
from vfio_wizard.model.unread import untold
from vfio_wizard.planning.plan import make_plan

CARD = Selection((at(GPU),), users=("alice",))
IDS = "vfio-pci.ids=10de:2484,10de:228b"
NIXOS = Distribution("nixos", (), "25.11", "NixOS", None)


def words(plan: Plan, system: System = System.HOST) -> list[str]:
    return [one.word for one in plan.wanted(system, plan.running)]


def desktop(**told: Any) -> HostFacts:
    fields: dict[str, Any] = {
        "pci": (integrated(), *card()),
        "groups": groups(g1=IGPU, g5=f"{GPU} {AUDIO}"),
    }
    return good_machine(**(fields | told))


def without_groups(**told: Any) -> HostFacts:
    return desktop(pci=(integrated(group=None), *card(group=None)), groups=(), **told)


def test_an_amd_host_gets_the_ids_and_nothing_else() -> None:
    plan = make_plan(seed(), seed_selection())
    assert words(plan) == words(plan, System.NIXOS) == ["vfio-pci.ids=1002:731f,1002:ab38"]


def test_an_intel_host_whose_vt_d_is_on_gets_the_ids_and_nothing_else() -> None:
    assert words(make_plan(desktop(), CARD)) == [IDS]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"INTEL_IOMMU_DEFAULT_ON": "y"}, False),
        ({"INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF": "y"}, False),
        ({"INTEL_IOMMU_DEFAULT_OFF": "y"}, True),
        (untold("boot/config"), True),
    ],
)
def test_vt_d_is_switched_on_where_the_kernel_would_not(config: object, *, expected: bool) -> None:
    plan = make_plan(without_groups(config=config), CARD)
    assert ("intel_iommu=on" in words(plan)) is expected


def test_the_integrated_graphics_need_the_word_where_the_kernel_leaves_them_out() -> None:
    facts = desktop(
        pci=(integrated(group=None), *card()),
        groups=groups(g5=f"{GPU} {AUDIO}"),
        config={"INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF": "y"},
    )
    assert "intel_iommu=on" in words(make_plan(facts, Selection((at(IGPU),))))
    assert "intel_iommu=on" not in words(make_plan(facts, CARD))


def test_nixos_kernels_leave_vt_d_off() -> None:
    assert "intel_iommu=on" in words(make_plan(desktop(), CARD), System.NIXOS)
    own = desktop(distribution=NIXOS, configured=untold("x"))
    assert "intel_iommu=on" not in words(make_plan(own, CARD), System.NIXOS)


def test_the_processor_is_told_by_the_host_bridge_of_a_listing() -> None:
    functions = seed_functions()
    facts = seed(vendor=untold("a listing"), pci=functions)
    assert "intel_iommu=on" not in words(make_plan(facts, seed_selection()), System.NIXOS)


def test_words_that_keep_the_iommu_off_must_go() -> None:
    facts = without_groups(configured="quiet intel_iommu=off,sm_on iommu=off")
    assert [one.word for one in make_plan(facts, CARD).remove] == ["intel_iommu=off,sm_on", "iommu=off"]


def test_amd_iommu_on_and_iommu_pt_are_never_added() -> None:
    for facts in (seed(), desktop(), without_groups()):
        plan = make_plan(facts, Selection((facts.pci[1].address,), allow=("device.bridge",)))  # type: ignore[index]
        assert not {"amd_iommu=on", "iommu=pt"} & {*words(plan), *words(plan, System.NIXOS)}


def test_ids_on_the_line_already_are_kept_in_the_one_parameter_that_counts() -> None:
    plan = make_plan(desktop(configured="vfio-pci.ids=14e4:43a0 quiet"), CARD)
    assert words(plan)[0] == "vfio-pci.ids=14e4:43a0,10de:2484,10de:228b"
    assert [one.word for one in plan.remove] == ["vfio-pci.ids=14e4:43a0"]


def test_ids_of_modprobe_options_are_kept_too() -> None:
    plan = make_plan(desktop(modprobe=modprobe("options vfio-pci ids=14e4:43a0 disable_vga=1")), CARD)
    assert words(plan)[0] == "vfio-pci.ids=14e4:43a0,10de:2484,10de:228b"


def test_what_is_no_id_is_not_carried_into_our_files() -> None:
    plan = make_plan(desktop(configured='vfio-pci.ids=$(reboot),"; x'), CARD)
    assert words(plan)[0] == IDS


def test_ids_that_are_all_there_are_present_in_any_order() -> None:
    plan = make_plan(desktop(configured="vfio-pci.ids=10de:228b,10DE:2484,1b21:1242"), CARD)
    assert plan.missing() == ()
    assert plan.remove == ()


def test_old_kernels_keep_the_console_on_the_boot_card() -> None:
    pci = (integrated(boot_vga=False), *card(boot_vga=True))
    assert "video=efifb:off" in words(make_plan(desktop(pci=pci, release="5.15.0"), CARD))
    assert "video=efifb:off" not in words(make_plan(desktop(pci=pci, release="6.1.0"), CARD))


def test_a_display_controller_under_the_console_needs_the_console_gone() -> None:
    graphics, sound = card()
    other = graphics._replace(cls=PciClass(3, 0x80, 0))
    held = (Framebuffer("simple-framebuffer.0", 0, 1, at(GPU)),)
    facts = desktop(pci=(integrated(), other, sound), framebuffers=held)
    assert "initcall_blacklist=sysfb_init" in words(make_plan(facts, CARD))
    free = desktop(pci=(integrated(), other, sound))
    assert "initcall_blacklist=sysfb_init" not in words(make_plan(free, CARD))


def test_large_pages_need_a_mount_of_their_size() -> None:
    plan = make_plan(seed(), seed_selection(huge_pages=HugePageWish(1048576, 16)))
    assert words(plan)[1:] == ["default_hugepagesz=1G", "hugepagesz=1G", "hugepages=16"]
    small = make_plan(seed(), seed_selection(huge_pages=HugePageWish(2048, 8192)))
    assert words(small)[1:] == ["hugepagesz=2M", "hugepages=8192"]


def test_cpus_are_set_aside_as_asked() -> None:
    plan = make_plan(seed(), seed_selection(cpus=CpuWish((2, 3, 4, 8), Pinning.PARAMETER)))
    assert words(plan)[-1] == "isolcpus=2-4,8"
    hook = make_plan(seed(), seed_selection(cpus=CpuWish((2, 3))))
    assert hook.cpus is not None
    assert (hook.cpus.guest, hook.cpus.host, hook.cpus.every) == ("2-3", "0-1,4-23", "0-23")


@pytest.mark.parametrize(
    ("wish", "text"), [((99,), "has no CPU 99"), (tuple(range(4)), "no CPU would be left")]
)
def test_cpus_that_cannot_be_set_aside_are_a_usage_error(wish: tuple[int, ...], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        make_plan(seed(cores=cores(4)), seed_selection(cpus=CpuWish(wish)))


@pytest.mark.parametrize("value", ["on", "downstream multifunction", "id:10de", "id:10de:xyz1", ""])
def test_values_that_the_acs_patch_does_not_read_are_refused(value: str) -> None:
    with pytest.raises(UsageError, match="pcie_acs_override"):
        make_plan(seed(), seed_selection(kernel=KernelWish(acs_override=(value,))))


def test_the_acs_override_is_one_word() -> None:
    wish = KernelWish(acs_override=("downstream", "id:10de:2484"))
    plan = make_plan(seed(), seed_selection(gpus=(at(GUEST),), kernel=wish))
    assert words(plan)[-1] == "pcie_acs_override=downstream,id:10de:2484"
