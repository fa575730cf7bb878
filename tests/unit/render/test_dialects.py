"""Each dialect in the words of its own system; files that a shell reads are read by a shell here."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import REPOSITORY
from tests.facts_builder import AUDIO, GPU, IGPU, at, card, good_machine, groups, integrated
from tests.nix.machines import TOOL, debian, seed, seed_selection, twins
from vfio_wizard.knowledge.changes import SWITCH
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import BootLoader, Distribution, HostFacts, HugePages, InitramfsGenerator
from vfio_wizard.model.plan import Action, Artifact, Plan
from vfio_wizard.model.selection import LookingGlass, Mirror, NixosWish, Selection, Style
from vfio_wizard.model.unread import untold
from vfio_wizard.planning.answers import parse, print_answers
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.render import nixos, nixos_steps, registry
from vfio_wizard.render.boot import LOADERS
from vfio_wizard.render.initramfs import GENERATORS
from vfio_wizard.render.outcome import Rendered

IDS = "vfio-pci.ids=10de:2484,10de:228b"
CARD = Selection((at(GPU),), users=("alice",))


def desktop(**told: Any) -> HostFacts:
    fields: dict[str, Any] = {
        "pci": (integrated(boot_vga=False), *card()),
        "groups": groups(g1=IGPU, g5=f"{GPU} {AUDIO}"),
    }
    return debian(**(fields | told))


def plan(**told: Any) -> Plan:
    return make_plan(desktop(**told), CARD)


def rendered(name: str, **told: Any) -> Rendered:
    return registry.render_full(name, plan(**told), tool_version=TOOL)


def only(name: str, **told: Any) -> Artifact:
    (file,) = rendered(name, **told).artifacts
    return file


def shell(script: str) -> str:
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout


def debian_twins() -> HostFacts:
    return twins(distribution=good_machine().boot.distribution)


def commands(found: Rendered) -> tuple[tuple[str, ...], ...]:
    return tuple(one.argv for one in found.commands)


def test_grub_s_drop_in_adds_to_what_is_there() -> None:
    file = only("grub-mkconfig")
    assert (file.path, file.action) == ("/etc/default/grub.d/vfio-wizard.cfg", Action.CREATE)
    script = f'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\n{file.text}\necho "$GRUB_CMDLINE_LINUX_DEFAULT"'
    assert shell(script) == f"quiet splash {IDS}\n"


def test_a_grub_that_reads_no_drop_ins_gets_a_line_at_the_end() -> None:
    arch = Distribution("arch", (), None, "Arch Linux", None)
    found = rendered("grub-mkconfig", distribution=arch)
    assert (found.artifacts[0].path, found.artifacts[0].action) == ("/etc/default/grub", Action.APPEND)
    assert commands(found) == (("grub-mkconfig", "-o", "/boot/grub/grub.cfg"),)


def test_a_word_that_must_go_is_told_where_a_drop_in_can_only_add() -> None:
    found = rendered("grub-mkconfig", configured="quiet intel_iommu=off", groups=())
    assert any("Take intel_iommu=off off the kernel command line" in note for note in found.notes)


def test_boot_entries_of_fedora_are_changed_by_grubby() -> None:
    found = rendered("grub-bls", configured="quiet iommu=off")
    assert commands(found) == (("grubby", "--update-kernel=ALL", f"--args={IDS}", "--remove-args=iommu=off"),)


@pytest.mark.parametrize(
    "name", ["systemd-boot-kernel-install", "proxmox-boot-tool", "uki-mkinitcpio", "sdbootutil"]
)
def test_a_whole_line_keeps_what_was_on_it(name: str) -> None:
    file = only(name, configured="root=UUID=1 BOOT_IMAGE=/vmlinuz quiet iommu=off initrd=\\x -- single")
    assert file.action is Action.CREATE
    assert file.text == f"root=UUID=1 quiet {IDS} -- single\n"


def test_a_line_that_is_not_known_is_never_made_up() -> None:
    told = {"configured": untold("x"), "cmdline": untold("x")}
    found = rendered("systemd-boot-kernel-install", **told)
    assert found.artifacts == ()
    assert IDS in found.notes[0]


def test_kernelstub_takes_one_word_at_a_time() -> None:
    assert commands(rendered("kernelstub")) == (("kernelstub", "-a", IDS),)


def test_an_image_based_system_gets_arguments_only() -> None:
    found = rendered("rpm-ostree", configured="quiet iommu=off")
    assert found.artifacts == ()
    assert commands(found)[0] == (
        "rpm-ostree",
        "kargs",
        f"--append-if-missing={IDS}",
        "--delete-if-present=iommu=off",
    )


def test_bootc_s_file_is_toml() -> None:
    assert tomllib.loads(only("bootc").text) == {"kargs": [IDS]}


def test_limine_s_words_never_grow_together_with_their_neighbours() -> None:
    file = only("limine-entry-tool")
    before = "declare -A KERNEL_CMDLINE\nKERNEL_CMDLINE[default]=root=1\n"
    behind = "KERNEL_CMDLINE[default]+=quiet\n"
    script = f'{before}{file.text}{behind}\necho "${{KERNEL_CMDLINE[default]}}"'
    assert shell(script) == f"root=1 {IDS} quiet\n"


def test_sdboot_manage_keeps_its_options() -> None:
    script = f'LINUX_OPTIONS="quiet"\n{only("sdboot-manage").text}\necho "$LINUX_OPTIONS"'
    assert shell(script) == f"quiet {IDS}\n"


@pytest.mark.parametrize(
    "name", ["limine", "refind", "zfsbootmenu", "efistub-nvram", "systemd-boot-manual-entries"]
)
def test_files_that_are_not_ours_are_left_to_a_person(name: str) -> None:
    found = rendered(name)
    assert found.artifacts == ()
    assert IDS in found.notes[0]


def test_mkinitcpio_puts_vfio_before_what_is_in_the_list() -> None:
    script = f'MODULES=(amdgpu)\n{only("mkinitcpio").text}\necho "${{MODULES[@]}}"'
    assert shell(script) == "vfio_pci vfio_iommu_type1 amdgpu\n"


def test_dracut_forces_and_keeps_its_blanks() -> None:
    script = f'force_drivers=" x "\n{only("dracut").text}\necho "$force_drivers"'
    assert shell(script).split() == ["x", "vfio_pci", "vfio_iommu_type1"]


def test_initramfs_tools_gets_a_block_that_can_be_found_again() -> None:
    file = only("initramfs-tools")
    assert file.action is Action.APPEND
    assert file.text.splitlines() == [
        "# vfio-wizard: begin",
        "vfio_pci",
        "vfio_iommu_type1",
        "# vfio-wizard: end",
    ]


@pytest.mark.parametrize("name", GENERATORS)
def test_a_compiled_in_vfio_pci_changes_no_initramfs(name: str) -> None:
    found = rendered(name, builtin=frozenset({"vfio_pci"}))
    assert (found.artifacts, found.commands) == ((), ())


def test_modprobe_waits_for_vfio_pci() -> None:
    lines = only("modprobe").text.splitlines()
    assert lines[1:] == [
        "softdep nouveau pre: vfio-pci",
        "softdep nvidia pre: vfio-pci",
        "softdep snd_hda_intel pre: vfio-pci",
    ]


ON, OFF = f"quiet {SWITCH} x", "quiet vfio-wizard.bind=10"


def override(shell_path: str, tmp_path: Path, line: str, ids: str = "0x1002 0x67df") -> tuple[str, str, str]:
    """Runs the install line in a shell, over devices in a folder: what the first device and modprobe got."""
    chosen = make_plan(debian_twins(), Selection((at("0000:27:00.0"),), users=("alice",)))
    (file,) = registry.render("modprobe", chosen, tool_version=TOOL)
    command = next(one for one in file.text.splitlines() if one.startswith("install "))
    command = command.removeprefix("install vfio-pci ").replace("$CMDLINE_OPTS", "a=1")
    (tmp_path / "cmdline").write_text(f"{line}\n")
    for number, told in (("0", ids.split()), ("1", ["0x1002", "0xaaf0"])):
        device = tmp_path / f"0000:27:00.{number}"
        device.mkdir()
        for name, value in zip(("vendor", "device"), told, strict=True):
            (device / name).write_text(f"{value}\n")
        (device / "driver_override").write_text("(null)\n")
    command = command.replace("/sys/bus/pci/devices", str(tmp_path)).replace(
        "/proc/cmdline", f"{tmp_path}/cmdline"
    )
    command = command.replace("modprobe --", "echo modprobe --")
    done = subprocess.run([shell_path, "-c", command], capture_output=True, text=True, check=True, timeout=20)
    first, second = ((tmp_path / f"0000:27:00.{n}/driver_override").read_text().strip() for n in "01")
    return first, second, done.stdout.strip()


@pytest.mark.parametrize("name", ["dash", "bash", "busybox"])
def test_the_override_line_works_in_the_shells_of_an_initramfs(name: str, tmp_path: Path) -> None:
    program = shutil.which(name)
    assert program, f"{name} is installed by scripts/install-test-tools.sh"
    if name == "busybox":
        (tmp_path / "sh").symlink_to(program)
        program = str(tmp_path / "sh")
    loads = "modprobe --ignore-install vfio-pci a=1"
    assert override(program, tmp_path, ON) == ("vfio-pci", "vfio-pci", loads)


def test_without_its_word_the_override_line_only_loads(tmp_path: Path) -> None:
    loads = "modprobe --ignore-install vfio-pci a=1"
    assert override("/bin/sh", tmp_path, OFF) == ("(null)", "(null)", loads)


def test_a_card_that_came_to_the_address_is_not_taken(tmp_path: Path) -> None:
    loads = "modprobe --ignore-install vfio-pci a=1"
    assert override("/bin/sh", tmp_path, ON, "0x144d 0xa808") == ("(null)", "vfio-pci", loads)


def test_looking_glass_is_for_one_user() -> None:
    wish = CARD._replace(looking_glass=LookingGlass(Mirror.SHM))
    found = registry.for_host(make_plan(desktop(), wish), {}, tool_version=TOOL)
    file = next(one for one in found.artifacts if one.path.startswith("/etc/tmpfiles.d"))
    assert file.text.splitlines()[1] == "f /dev/shm/looking-glass 0660 alice kvm -"
    device = CARD._replace(looking_glass=LookingGlass(Mirror.KVMFR))
    found = registry.for_host(make_plan(desktop(), device), {}, tool_version=TOOL)
    paths = [one.path for one in found.artifacts]
    assert "/etc/udev/rules.d/70-kvmfr.rules" in paths
    assert "options kvmfr static_size_mb=32" in found.artifacts[0].text


def test_the_user_joins_the_group_of_this_distribution() -> None:
    found = registry.for_host(plan(), {}, tool_version=TOOL)
    assert ("usermod", "-aG", "libvirt", "alice") in commands(found)
    member = plan(libvirt_group=("alice",))
    assert not [
        one for one in commands(registry.for_host(member, {}, tool_version=TOOL)) if one[0] == "usermod"
    ]


def test_nixos_gets_its_module_and_nothing_else() -> None:
    found = registry.for_host(make_plan(seed(), seed_selection()), {}, tool_version=TOOL)
    assert [one.path for one in found.artifacts] == ["gpu_passthrough.nix"]
    assert commands(found) == (("nixos-rebuild", "boot"),)


def test_unknown_chains_are_named_and_their_words_told() -> None:
    told = {"loader": untold("boot"), "initramfs": untold("boot")}
    found = registry.for_host(plan(**told), {}, tool_version=TOOL)
    assert any("boot loader is not known" in note and IDS in note for note in found.notes)
    assert any("initramfs generator is not known" in note for note in found.notes)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("generator", GENERATORS)
def test_every_chain_gets_the_parameters_one_way_or_the_other(loader: str, generator: str) -> None:
    told = {"loader": BootLoader(loader, ()), "initramfs": InitramfsGenerator(generator, ())}
    found = registry.for_host(plan(**told), {}, tool_version=TOOL)
    everything = [one.text for one in found.artifacts] + [one.shown for one in found.commands]
    assert any(IDS in text for text in (*everything, *found.notes))


@pytest.mark.parametrize("name", registry.FORMATS)
def test_every_format_renders_the_same_twice(name: str) -> None:
    assert rendered(name) == rendered(name)


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"not a format: 'nix-os'\. There are nixos, modprobe"):
        rendered("nix-os")


def test_an_export_is_whole_also_where_the_host_has_a_part_already() -> None:
    assert IDS in only("grub-mkconfig", configured=f"quiet {IDS}").text
    assert IDS in only("kernel-parameters", configured=f"quiet {IDS}").text


WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(WORDS, max_size=5))
def test_no_command_line_can_smuggle_words_into_a_shell_file(words: list[str]) -> None:
    line = "quiet vfio-pci.ids=" + ",".join(words)
    text = only("grub-mkconfig", configured=line).text.splitlines()[1]
    inside = text.removeprefix('GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT ').removesuffix('"')
    assert not set(inside) & set("\"'`$\\\n;&|<>(){}")


def test_the_steps_end_with_the_way_back() -> None:
    told = nixos_steps.steps(make_plan(seed(), seed_selection()))
    assert "imports = [ ./gpu_passthrough.nix ];" in told[1]
    assert "previous generation" in told[-1]
    second = nixos_steps.steps(make_plan(seed(), seed_selection()), style=Style.SPECIALISATION)
    assert "choose the entry gpu-passthrough" in second[-1]
    switch = nixos_steps.steps(
        make_plan(seed(), seed_selection(nixos=NixosWish(Style.OPTION))), path="/x/gpu.nix"
    )
    assert any("gpuPassthrough.enable = true" in one for one in switch)
    assert "./gpu.nix" in switch[1]


def test_what_the_running_nixos_has_already_is_told() -> None:
    facts = seed(configured="vfio-pci.ids=1002:731f,1002:ab38")
    (told,) = nixos_steps.already_set(make_plan(facts, seed_selection()), facts)
    assert told.startswith("vfio-pci.ids=1002:731f,1002:ab38 is on the kernel command line already;")
    assert nixos_steps.already_set(make_plan(good_machine(), CARD), good_machine()) == ()
    other = make_plan(seed(), seed_selection(nixos=NixosWish(release="24.11")))
    assert nixos_steps.already_set(other, seed()) == ("This system is NixOS 25.11; the module is for 24.11.",)


def test_what_runs_on_this_nixos_is_told() -> None:
    facts = seed(
        libvirt_socket="run/libvirt/libvirt-sock",
        loaded=frozenset({"kvmfr"}),
        huge_pages=(HugePages(1048576, 16, 0), HugePages(2048, 0, 0)),
    )
    told = nixos_steps.already_set(make_plan(facts, seed_selection()), facts)
    assert [one.split()[0] for one in told] == ["libvirtd", "the", "16"]


def test_ids_of_the_line_that_must_move_are_told_on_nixos() -> None:
    plan = make_plan(seed(configured="vfio-pci.ids=14e4:43a0"), seed_selection())
    (note,) = nixos.notes(plan)
    assert "Take vfio-pci.ids=14e4:43a0 out of boot.kernelParams" in note
    assert "14e4:43a0,1002:731f" in nixos.render(plan, tool_version=TOOL)


def test_a_line_without_a_root_is_a_part_and_not_written_as_the_whole() -> None:
    found = rendered("systemd-boot-kernel-install", configured="quiet splash")
    assert found.artifacts == ()
    assert "keeping all that is there" in found.notes[0]


def test_the_answers_in_the_documentation_are_answers() -> None:
    text = (REPOSITORY / "docs" / "nixos.md").read_text(encoding="utf-8")
    block = text.split("```toml\n")[1].split("```")[0]
    found = parse(block)
    assert found.kernel.patches[0].path == "acs-override.patch"
    written = print_answers(found)
    assert {line.split(" = ")[0] for line in written.splitlines() if " = " in line} <= {
        line.split(" = ")[0] for line in block.splitlines()
    }


def test_nixos_has_its_generations_as_a_way_back() -> None:
    found = registry.for_host(make_plan(seed(), seed_selection()), {}, tool_version=TOOL)
    assert "generation before" in found.ways_back[0]
    wish = seed_selection(nixos=NixosWish(Style.SPECIALISATION))
    found = registry.for_host(make_plan(seed(), wish), {}, tool_version=TOOL)
    assert "gpu-passthrough" in found.ways_back[0]
    assert all(len(one) > 20 for one in found.ways_back)


def test_an_unknown_loader_is_told_and_its_way_back_too() -> None:
    found = registry.for_host(plan(loader=untold("boot")), {}, tool_version=TOOL)
    assert any(one.startswith("By hand") and IDS in one for one in found.notes)
    assert "vfio-pci.ids=" in found.ways_back[0]
