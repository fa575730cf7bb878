"""Each module evaluated as a function with stand-ins, and compared with its plan."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.facts_builder import GPU, at
from tests.nix.cases import CASES, RELEASES, Case
from tests.nix.evaluator import inner, module
from tests.nix.machines import TOOL, seed, seed_selection, twins, with_board
from vfio_wizard.model.plan import BindBy, System
from vfio_wizard.model.selection import (
    CpuWish,
    KernelPatch,
    KernelWish,
    LookingGlass,
    Mirror,
    Offer,
    Selection,
    Style,
)
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.render import nixos
from vfio_wizard.render.nix import UnprintableError


def configuration(text: str, style: Style = Style.MODULE, *, systemd: bool = False) -> Any:
    """What the module sets when it is active, whatever its shape."""
    if style is Style.MODULE:
        return module(text, systemd_stage_1=systemd)
    if style is Style.OPTION:
        found = module(text, systemd_stage_1=systemd)["config"]["mkIf"]
        assert found["condition"] is True
        return found["content"]
    return inner(text, "specialisation.gpu-passthrough.configuration", systemd_stage_1=systemd)


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_the_module_sets_is_what_was_planned(case: Case, style: Style) -> None:
    plan = case.plan()
    for release in RELEASES:
        found = configuration(case.text(style, release), style)
        boot = found["boot"]
        words = [one.word for one in plan.wanted(System.NIXOS) if one.before is None]
        assert [word for word in boot.get("kernelParams", []) if word in words] == words
        early = boot["initrd"]["kernelModules"]
        assert set(early["mkBefore"] if isinstance(early, dict) else early) >= {
            "vfio_pci",
            "vfio_iommu_type1",
        }
        assert found["virtualisation"]["libvirtd"]["enable"] is True
        members = found.get("users", {}).get("groups", {}).get("libvirtd", {}).get("members", [])
        assert tuple(members) == plan.users


@pytest.mark.parametrize("style", Style)
def test_every_shape_sets_the_same(style: Style) -> None:
    for case in CASES:
        assert configuration(case.text(style), style) == configuration(case.text(Style.MODULE))


def test_the_seed_machine_names_exactly_its_two_ids() -> None:
    found = module(nixos.render(make_plan(seed(), seed_selection()), tool_version=TOOL))
    assert found["boot"]["kernelParams"] == ["vfio-pci.ids=1002:731f,1002:ab38"]


def test_the_option_is_off_until_it_is_switched_on() -> None:
    text = nixos.render(make_plan(seed(), seed_selection()), style=Style.OPTION, tool_version=TOOL)
    assert set(module(text)) == {"options", "config"}
    assert "option" in module(text)["options"]["gpuPassthrough"]["enable"]


def softdeps(release: str) -> list[str]:
    found = module(nixos.render(make_plan(seed(), seed_selection()), release=release, tool_version=TOOL))
    text: str = found["boot"].get("extraModprobeConfig", "")
    return text.splitlines()


def test_softdeps_are_written_where_stage_1_reads_them() -> None:
    expected = ["softdep amdgpu pre: vfio-pci", "softdep snd_hda_intel pre: vfio-pci"]
    assert softdeps("22.05") == softdeps("26.05") == expected
    assert softdeps("21.11") == []


def test_older_stage_1_loads_vfio_first_by_order() -> None:
    text = nixos.render(make_plan(seed(), seed_selection()), release="21.11", tool_version=TOOL)
    early = module(text)["boot"]["initrd"]["kernelModules"]
    assert early == {"mkBefore": ["vfio_pci", "vfio_iommu_type1"]}


TWIN = Selection((at("0000:27:00.0"),), users=("alice",))


@pytest.mark.parametrize("release", ["20.09", "22.05", "25.11", "26.05", "unstable"])
def test_twins_are_taken_by_address_in_the_stage_1_that_runs(release: str) -> None:
    plan = make_plan(twins(), TWIN)
    assert plan.bind.by is BindBy.ADDRESS
    text = nixos.render(plan, release=release, tool_version=TOOL)
    assert "vfio-pci.ids" not in text
    for systemd in (False, True):
        initrd = module(text, systemd_stage_1=systemd)["boot"]["initrd"]
        scripted = active(initrd.get("preDeviceCommands"))
        service = active(initrd.get("systemd", {}).get("services", {}).get("vfio-pci-by-address"))
        takes = [scripted] if scripted else []
        takes += [service["script"]] if service else []
        assert len(takes) == 1
        assert "take 0000:27:00.0 0x1002:0x67df\ntake 0000:27:00.1 0x1002:0xaaf0\n" in takes[0]
        assert "0000:26:" not in takes[0]


def active(found: Any) -> Any:
    """The content of a mkIf whose condition holds; None of one whose condition does not."""
    if isinstance(found, dict) and "mkIf" in found:
        return found["mkIf"]["content"] if found["mkIf"]["condition"] else None
    return found


def test_the_service_comes_before_anything_that_loads_a_driver() -> None:
    text = nixos.render(make_plan(twins(), TWIN), release="26.05", tool_version=TOOL)
    services = module(text, systemd_stage_1=True)["boot"]["initrd"]["systemd"]["services"]
    service = active(services["vfio-pci-by-address"])
    assert set(service["before"]) == {"systemd-modules-load.service", "systemd-udevd.service"}
    assert service["unitConfig"] == {"DefaultDependencies": False}


def test_a_graphics_driver_in_the_scripted_list_is_an_assertion() -> None:
    text = nixos.render(make_plan(twins(), TWIN), release="25.11", tool_version=TOOL)
    (check,) = module(text)["assertions"]
    assert check["assertion"] is True
    (check,) = module(text.replace('"amdgpu"', '"vfio_pci"'))["assertions"]
    assert check["assertion"] is False
    assert "amdgpu and snd_hda_intel" in check["message"]


def test_looking_glass_by_kvmfr_has_all_its_parts() -> None:
    wish = LookingGlass(Mirror.KVMFR, 2560, 1440)
    text = nixos.render(make_plan(seed(), seed_selection(looking_glass=wish)), tool_version=TOOL)
    found = module(text)
    assert found["boot"]["extraModulePackages"] == [{"package": "kvmfr"}]
    assert found["boot"]["kernelModules"] == ["kvmfr"]
    assert "options kvmfr static_size_mb=64" in found["boot"]["extraModprobeConfig"]
    (rules,) = found["services"]["udev"]["packages"]
    assert rules["dir"] == "lib/udev/rules.d/70-kvmfr.rules"
    assert rules["text"].startswith('SUBSYSTEM=="kvmfr", OWNER="alice", GROUP="qemu-libvirtd", MODE="0660"')
    verbatim = found["virtualisation"]["libvirtd"]["qemu"]["verbatimConfig"]
    assert verbatim.startswith("namespaces = []\ncgroup_device_acl = [\n")
    assert '"/dev/kvm",\n  "/dev/kvmfr0"\n]' in verbatim


def test_looking_glass_by_shared_memory_is_for_one_user_and_qemu() -> None:
    text = nixos.render(make_plan(seed(), seed_selection()), tool_version=TOOL)
    rule = "f /dev/shm/looking-glass 0660 alice qemu-libvirtd -"
    assert module(text)["systemd"]["tmpfiles"]["rules"] == [rule]
    assert "verbatimConfig" not in text


def test_vendor_reset_comes_with_the_step_that_today_s_kernels_need() -> None:
    plan = make_plan(seed(), seed_selection(vendor_reset=Offer.ON))
    found = module(nixos.render(plan, tool_version=TOOL))
    assert found["boot"]["extraModulePackages"] == [{"package": "vendor-reset"}]
    assert found["boot"]["initrd"]["kernelModules"][0] == "vendor-reset"
    rule = found["services"]["udev"]["extraRules"]
    assert 'ATTR{vendor}=="0x1002", ATTR{device}=="0x731f", ATTR{reset_method}="device_specific"' in rule
    old = module(nixos.render(plan, release="21.05", tool_version=TOOL))
    assert "services" not in old
    assert old["boot"]["extraModulePackages"] == [{"package": "vendor-reset"}]


def test_patches_are_files_beside_the_module() -> None:
    wish = KernelWish(
        patches=(KernelPatch("a", "/x/acs override.patch"), KernelPatch("b", "y/acs override.patch"))
    )
    plan = make_plan(seed(), seed_selection(kernel=wish))
    assert nixos.patch_files(plan) == (
        ("/x/acs override.patch", "acs-override.patch"),
        ("y/acs override.patch", "2-acs-override.patch"),
    )
    patches = module(nixos.render(plan, tool_version=TOOL))["boot"]["kernelPatches"]
    assert [(one["name"], one["patch"]["path"]) for one in patches] == [
        ("a", "acs-override.patch"),
        ("b", "2-acs-override.patch"),
    ]


@pytest.mark.parametrize(
    ("release", "key"),
    [
        ("25.11", "structuredExtraConfig"),
        ("25.05", "structuredExtraConfig"),
        ("24.11", "extraStructuredConfig"),
    ],
)
def test_kernel_configuration_has_the_key_of_the_release(release: str, key: str) -> None:
    wish = KernelWish(config=(("KPROBES", "y"), ("LOCALVERSION", "-gpu")))
    plan = make_plan(seed(), seed_selection(kernel=wish))
    (patch,) = module(nixos.render(plan, release=release, tool_version=TOOL))["boot"]["kernelPatches"]
    assert patch["patch"] is None
    assert patch[key] == {"KPROBES": "yes", "LOCALVERSION": {"freeform": "-gpu"}}


@pytest.mark.parametrize(
    ("wish", "attribute"),
    [("latest", "linuxPackages_latest"), ("zen", "linuxPackages_zen"), ("6.12", "linuxPackages_6_12")],
)
def test_the_kernel_that_was_wanted(wish: str, attribute: str) -> None:
    plan = make_plan(seed(), seed_selection(kernel=KernelWish(packages=wish)))
    found = module(nixos.render(plan, release="26.05", tool_version=TOOL))
    assert found["boot"]["kernelPackages"] == {"package": attribute}


def test_the_hook_moves_the_host_off_the_guest_s_cpus() -> None:
    plan = make_plan(seed(), seed_selection(cpus=CpuWish((2, 3)), guest="it's mine"))
    hooks = module(nixos.render(plan, tool_version=TOOL))["virtualisation"]["libvirtd"]["hooks"]
    script = hooks["qemu"]["cpus-for-guest"]["text"]
    assert "[ \"$1\" = 'it'\"'\"'s mine' ] || exit 0" in script
    assert "prepare/begin) cpus=0-1,4-23 ;;" in script
    assert "release/end) cpus=0-23 ;;" in script
    assert "/store/systemd/bin/systemctl set-property --runtime" in script


GUESTS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
    lambda text: "/" not in text and text[0] != "."
)


@given(GUESTS)
def test_any_guest_name_reaches_the_hook_as_it_is(guest: str) -> None:
    plan = make_plan(seed(), seed_selection(cpus=CpuWish((2, 3)), guest=guest))
    hooks = module(nixos.render(plan, tool_version=TOOL))["virtualisation"]["libvirtd"]["hooks"]
    line = hooks["qemu"]["cpus-for-guest"]["text"].splitlines()[0]
    assert shlex.split(line)[3] == guest


@given(st.text(max_size=30), st.sampled_from(Style))
def test_any_device_name_stays_in_its_comment(name: str, style: Style) -> None:
    facts = with_board(seed(), name, name)
    assert isinstance(facts.pci, tuple)
    named = facts._replace(pci=tuple(one._replace(name=name) for one in facts.pci))
    plain = nixos.render(make_plan(seed(), seed_selection()), style=style, tool_version=TOOL)
    text = nixos.render(make_plan(named, seed_selection()), style=style, tool_version=TOOL)
    assert configuration(text, style) == configuration(plain, style)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_patch_name_survives_or_is_refused(name: str) -> None:
    plan = make_plan(seed(), seed_selection(kernel=KernelWish(patches=(KernelPatch(name, name),))))
    try:
        text = nixos.render(plan, tool_version=TOOL)
    except UnprintableError:
        return
    (patch,) = module(text)["boot"]["kernelPatches"]
    assert patch["name"] == name


def test_a_laptop_loses_prime_and_nvidia_with_its_card() -> None:
    case = next(one for one in CASES if one.name == "laptop-nvidia")
    found = module(case.text())
    assert found["services"]["xserver"]["videoDrivers"] == {"mkForce": ["modesetting"]}
    assert found["hardware"]["nvidia"]["prime"]["offload"]["enable"] == {"mkForce": False}
    assert found["boot"]["kernelParams"] == ["vfio-pci.ids=10de:2484,10de:228b", "intel_iommu=on"]
    assert make_plan(case.facts, case.selection).functions[0].address == at(GPU)
