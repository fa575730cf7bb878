"""A card that the host keeps: nothing binds it at boot, and the hook is in the module, the answers and the "
"command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import published
from tests.facts_builder import AUDIO, GPU, at, good_machine
from tests.nix.evaluator import module
from vfio_wizard import __version__
from vfio_wizard.cli import main
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.facts import Distribution
from vfio_wizard.model.hook import CpuHook, CpusMeanwhile
from vfio_wizard.model.plan import Action, Plan
from vfio_wizard.model.selection import CpuWish, HookWish, Pinning, Selection
from vfio_wizard.planning.answers import parse, print_answers
from vfio_wizard.planning.hook import plan_hook
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.probe.virt import read_cpu_hook
from vfio_wizard.render import cpu_hook, nixos
from vfio_wizard.render.hooks import script
from vfio_wizard.render.scene import Scene

CAPTURE = "fixtures/lab-6.12-twins/host.json"
MANY_CORES = "fixtures/rx5600xt-rx550-nixos/host.json"
ALONE = "fixtures/lab-6.12-single-gpu/host.json"


def plan(wish: HookWish, **more: object) -> Plan:
    chosen = Selection((at(GPU),), users=("alice",), hooks=wish)._replace(**more)  # type: ignore[arg-type]
    return make_plan(good_machine(), chosen)


def test_off_unless_chosen() -> None:
    assert plan(HookWish()).hook is None
    assert "card-for-guest" not in nixos.render(plan(HookWish()), tool_version="0")


def test_nothing_binds_the_card_at_boot() -> None:
    made = plan(HookWish(card=True))
    assert made.hook is not None
    assert made.hook.functions == (at(GPU), at(AUDIO))
    words = [one.word for one in made.parameters]
    assert not [word for word in words if word.startswith(("vfio-pci.", "rd.driver.pre"))]
    assert made.softdeps == ()
    assert made.modules == ()
    text = nixos.render(made, tool_version="0")
    assert "vfio-pci.ids" not in text
    assert "softdep" not in text
    assert "boot.initrd" not in text


def test_the_hook_of_the_cpus_is_joined() -> None:
    made = plan(HookWish(card=True), cpus=CpuWish((4, 5, 6, 7)))
    assert made.hook is not None
    assert made.hook.cpus == CpusMeanwhile("0-3", "0-7")


def test_the_module_holds_the_script_to_the_letter() -> None:
    made = plan(HookWish(card=True), guest="win 'x' ${pkgs} $(id)")
    assert made.hook is not None
    text = script(made.hook._replace(cpus=None), tool_version=__version__)
    told = module(nixos.render(made, tool_version=__version__))
    hook = told["virtualisation"]["libvirtd"]["hooks"]["qemu"]["card-for-guest"]
    assert hook == {"script": "card-for-guest", "text": text}


def test_answers_come_back_as_they_were() -> None:
    for wish in (HookWish(), HookWish(card=True, display_manager=True, wait=0)):
        chosen = Selection((at(GPU),), hooks=wish)
        assert parse(print_answers(chosen)).hooks == wish
    with pytest.raises(UsageError, match=r"hooks\.wait"):
        parse("[hooks]\nwait = 10000\n")
    with pytest.raises(UsageError, match=r"600 can be waited for"):
        plan_hook(plan(HookWish()), HookWish(wait=601), "win")


def test_the_only_display_needs_the_desktop_stopped(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["hooks", "--host", str(repository / ALONE), "--gpu", "0000:01:00.0"]
    assert main(words) == 1
    assert "--display-manager" in capsys.readouterr().err
    assert main([*words, "--json"]) == 1
    refused = published.document(capsys.readouterr().out, "vfio-wizard/hooks/1")
    assert [one["id"] for one in refused["refusals"]] == ["display.only"]
    assert main([*words, "--display-manager"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("#!/bin/sh\n")
    assert "display=yes" in out


def test_the_command_says_where_the_script_goes(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "hooks",
        "--host",
        str(repository / CAPTURE),
        "--gpu",
        "0000:01:00.0",
        "--name",
        "games",
        "--json",
    ]
    assert main(words) == 0
    document = published.document(capsys.readouterr().out, "vfio-wizard/hooks/1")
    assert document["artifact"]["path"] == "/etc/libvirt/hooks/qemu.d/50-vfio-wizard-games"
    assert document["artifact"]["mode"] == "0755"
    assert "guest=games" in document["artifact"]["text"]
    assert "wait=20" in document["artifact"]["text"]
    assert main([*words, "--libvirt", "6.4", "--wait", "5"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["artifact"]["path"] == "/etc/libvirt/hooks/qemu"
    assert "wait=5" in document["artifact"]["text"]


@pytest.mark.parametrize(
    ("more", "code", "complaint"),
    [
        (("--install", "--yes"), 1, "it is a record"),
        (("--wait", "soon"), 2, "not a number of seconds"),
        (("--libvirt", "new"), 2, "not a version"),
    ],
)
def test_wrong_calls_change_nothing(
    more: tuple[str, ...], code: int, complaint: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["hooks", "--host", str(repository / CAPTURE), "--gpu", "0000:01:00.0"]
    assert main([*words, *more]) == code
    assert complaint in capsys.readouterr().err


# -- CPUs ------------------------------------------------------------------------------------------


def test_a_plan_places_the_hook_for_the_cpus_once() -> None:
    chosen = Selection((at(GPU),), users=("alice",), guest="win 'x'", cpus=CpuWish((4, 5, 6, 7)))
    wanted = make_plan(good_machine(cpu_hooks=()), chosen)
    file = cpu_hook.render(Scene(wanted, {})).artifacts[0]
    assert file.path.startswith("/etc/libvirt/hooks/qemu.d/40-vfio-wizard-cpus-winx-")
    there = read_cpu_hook(file.text)
    assert there == CpuHook("win 'x'", CpusMeanwhile("0-3", "0-7"))
    again = make_plan(good_machine(cpu_hooks=(there,)), chosen)
    assert cpu_hook.render(Scene(again, {})).artifacts == ()
    other = make_plan(good_machine(cpu_hooks=(there,)), chosen._replace(cpus=CpuWish((6, 7))))
    changed = cpu_hook.render(Scene(other, {file.path[1:]: file.text})).artifacts[0]
    assert (changed.action, "cpus=0-5 ;;" in changed.text) == (Action.REPLACE, True)


def test_a_host_that_lacks_only_the_hook_is_not_settled() -> None:
    hook = CpuHook("windows", CpusMeanwhile("0-5", "0-7"))
    chosen = Selection((at(GPU),), users=("somebody",), cpus=CpuWish((6, 7)))
    lacks = make_plan(good_machine(cpu_hooks=()), chosen)
    bare = lacks._replace(parameters=(), softdeps=(), modules=(), remove=())
    assert bare.bound
    assert not bare.settled
    there = make_plan(good_machine(cpu_hooks=(hook,)), chosen)
    assert there._replace(parameters=(), softdeps=(), modules=(), remove=()).settled


@pytest.mark.parametrize(
    ("told", "chosen"),
    [
        ({"distribution": Distribution("nixos", (), "25.11", "NixOS", None)}, {}),
        ({"libvirt": "6.0.0"}, {}),
        ({}, {"cpus": None}),
        ({}, {"cpus": CpuWish((6, 7), Pinning.PARAMETER)}),
        ({}, {"hooks": HookWish(card=True)}),
    ],
)
def test_no_file_where_another_does_it(told: dict[str, object], chosen: dict[str, object]) -> None:
    wish = Selection((at(GPU),), users=("alice",), cpus=CpuWish((6, 7)))._replace(**chosen)  # type: ignore[arg-type]
    made = make_plan(good_machine(cpu_hooks=(), **told), wish)
    assert made.cpus is None or not made.cpus.hook_wanted
    advised = "cpu.one-hook" in [one.id for one in made.warnings]
    assert advised == ("libvirt" in told)


def test_the_hook_for_the_cpus_from_the_command(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["hooks", "--host", str(repository / MANY_CORES), "--gpu", "2f:00.0", "--name", "games"]
    assert main([*words, "--cpus", "4-7,12-15", "--json"]) == 0
    document = published.document(capsys.readouterr().out, "vfio-wizard/hooks/1")
    assert document["artifact"]["path"] == "/etc/libvirt/hooks/qemu.d/40-vfio-wizard-cpus-games"
    assert "prepare/begin) cpus=0-3,8-11 ;;" in document["artifact"]["text"]
    for more, code in ((("--cpus", "0-99"), 2), (("--cpus", "1", "--libvirt", "6.4"), 1)):
        assert main([*words, *more]) == code
        assert capsys.readouterr().out == ""
