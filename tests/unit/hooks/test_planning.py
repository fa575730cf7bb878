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
from vfio_wizard.model.hook import CpusMeanwhile
from vfio_wizard.model.plan import Plan
from vfio_wizard.model.selection import CpuWish, HookWish, Selection
from vfio_wizard.planning.answers import parse, print_answers
from vfio_wizard.planning.hook import plan_hook
from vfio_wizard.planning.plan import make_plan
from vfio_wizard.render import nixos
from vfio_wizard.render.hooks import script

CAPTURE = "fixtures/lab-6.12-twins/host.json"
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
