"""Files as they are: what this program exports is clean, what others published has its known mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus.machines import CORPUS
from tests.unit.lint.reviewing import read, rules
from vfio_wizard.cards.units import gpus
from vfio_wizard.knowledge.companions import companions
from vfio_wizard.lint.kinds import Kind
from vfio_wizard.lint.mistake import Severity
from vfio_wizard.lint.situation import Situation
from vfio_wizard.model.pci import PciId
from vfio_wizard.probe.text.read import read_texts

ROOT = Path(__file__).resolve().parents[3]
OURS = sorted((*ROOT.glob("tests/nix/golden/*.nix"), *ROOT.glob("fixtures/*/expect/*.nix")))

ASKED_FOR = {"lint.parameter.risk"}
"""What an export says only when its user asked for it, and says so in a comment."""


@pytest.mark.parametrize("path", OURS, ids=lambda path: f"{path.parent.parent.name}/{path.name}")
def test_what_we_export_is_clean(path: Path) -> None:
    found = read(path.read_text(), path.name)
    loud = {one.rule for one in found.mistakes if one.severity is not Severity.NOTE}
    assert loud <= (ASKED_FOR if path.name.startswith("everything") else set()), rules(found)
    assert not found.gaps


def test_there_are_exports_to_look_at() -> None:
    assert len(OURS) >= 15


CORPUS_FILES = {
    "b350-plus-r9390-rx550/vfio.conf": (Kind.ENTRY, {"lint.parameter.not-a-value": 1}),
    "b550m-4750g-gtx970/libvirt_vm.xml": (Kind.DOMAIN, {"lint.domain.hidden": 1, "lint.domain.balloon": 1}),
    "b550m-4750g-gtx970/mkinitcpio.conf": (Kind.MKINITCPIO, {"lint.module.gone": 1}),
    "b550m-4750g-gtx970/modprobe_vfio.conf": (Kind.MODPROBE, {}),
    "b550m-4750g-gtx970/refind_linux.conf": (Kind.REFIND, {"lint.parameter.not-a-value": 2}),
    "dual-xeon-e5-4gpu/vm-cpu0-0.xml": (Kind.DOMAIN, {"lint.domain.hidden": 1, "lint.domain.balloon": 1}),
    "dual-xeon-e5-4gpu/vm-cpu1-0.xml": (Kind.DOMAIN, {"lint.domain.hidden": 1, "lint.domain.balloon": 1}),
    "msi-cyborg15-rtx4050-vtd-no-groups/cmdline.txt": (Kind.CMDLINE, {}),
    "proxmox-5700u-igpu/default-grub.txt": (
        Kind.GRUB,
        {"lint.parameter.not-a-value": 1, "lint.parameter.outdated": 1, "lint.parameter.risk": 1},
    ),
    "proxmox-5700u-igpu/pve-blacklist.conf": (Kind.MODPROBE, {}),
    "proxmox-5700u-igpu/vfio.conf": (Kind.MODPROBE, {"lint.modprobe.no-softdep": 1}),
    "pve-i5-9400f-gtx1660ti-bar3/default-grub.txt": (Kind.GRUB, {"lint.parameter.outdated": 1}),
    "pve-i5-9400f-gtx1660ti-bar3/vfio.conf": (Kind.MODPROBE, {"lint.modprobe.no-softdep": 1}),
    "pve-rx6750xt-navi22-reset/vfio.conf": (Kind.MODPROBE, {"lint.modprobe.no-softdep": 1}),
    "t480-egpu-gtx1060/default-grub.txt": (
        Kind.GRUB,
        {"lint.parameter.not-a-value": 1, "lint.grub.everywhere": 1},
    ),
    "t480-egpu-gtx1060/dracut-vfio.conf": (
        Kind.DRACUT,
        {"lint.module.gone": 1, "lint.list.dracut-blanks": 1, "lint.list.not-forced": 1},
    ),
    "t480-egpu-gtx1060/vfio.conf": (Kind.MODPROBE, {"lint.ids.bridge": 2, "lint.modprobe.no-softdep": 1}),
    "x570-gt710-rx580-two-states/cmdline.txt": (Kind.CMDLINE, {"lint.parameter.not-a-value": 1}),
    "x670e-carbon-7800xt-rtx2070s/boot-entry-cachyos.conf": (
        Kind.ENTRY,
        {"lint.parameter.not-a-value": 2, "lint.parameter.risk": 2},
    ),
    "x670e-carbon-7800xt-rtx2070s/mkinitcpio.conf": (Kind.MKINITCPIO, {}),
    "x670e-carbon-7800xt-rtx2070s/vfio.conf": (Kind.MODPROBE, {"lint.modprobe.misspelt": 1}),
    "z170-gtx1070-hd530-tb3/Windows8.1.xml": (Kind.DOMAIN, {"lint.domain.syntax": 1}),
    "z170-gtx1070-hd530-tb3/vfio.conf": (Kind.MODPROBE, {"lint.modprobe.no-softdep": 1}),
    "z270-three-gpus-one-group/grub.txt": (Kind.GRUB, {}),
    "z270-three-gpus-one-group/vfio.conf": (Kind.MODPROBE, {"lint.parameter.needless": 1}),
    "z390-9900kf-rtx2080-gt730-acs/default-grub.txt": (
        Kind.GRUB,
        {"lint.parameter.risk": 1, "lint.grub.everywhere": 1},
    ),
}
"""What people published beside their listings: kind, and how often each rule speaks."""


@pytest.mark.corpus
@pytest.mark.parametrize(("name", "expected"), CORPUS_FILES.items(), ids=CORPUS_FILES)
def test_recorded_files_have_their_known_mistakes(name: str, expected: tuple[Kind, dict[str, int]]) -> None:
    kind, wanted = expected
    found = read((CORPUS / name).read_text(errors="replace"), name)
    assert found.files[0].kind is kind
    assert {rule: rules(found).count(rule) for rule in rules(found)} == wanted


@pytest.mark.corpus
def test_the_bridges_of_the_recorded_laptop_are_named_by_their_places() -> None:
    folder = CORPUS / "t480-egpu-gtx1060"
    facts = read_texts(
        [(path.name, path.read_text(errors="replace")) for path in sorted(folder.glob("*.txt"))]
    )
    found = read((folder / "vfio.conf").read_text(), "vfio.conf", Situation(facts=facts))
    told = [one.why for one in found.mistakes if one.rule == "lint.ids.bridge"]
    assert len(told) == 2
    assert "0000:04:00.0" in told[0]


@pytest.mark.corpus
def test_companions_agree_with_every_recorded_card() -> None:
    seen = 0
    for folder in sorted(path.parent for path in CORPUS.glob("*/about.json")):
        texts = [(path.name, path.read_text(errors="replace")) for path in sorted(folder.glob("*.txt"))]
        try:
            facts = read_texts(texts)
        except Exception:  # noqa: S112 - folders of other forms are read by other tests
            continue
        every = gpus(facts)
        for card in every if isinstance(every, tuple) else ():
            ids = [one.id for address in card.functions if (one := facts.function(address)) is not None]
            known = [one for one in ids if isinstance(one, PciId)]
            row = companions(*known[0]) if known else None
            if row is not None and len(known) > 1:
                seen += 1
                assert tuple(str(one) for one in known[1:]) == row.others, (folder.name, known)
    assert seen >= 15
