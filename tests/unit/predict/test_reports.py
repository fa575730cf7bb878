"""The prediction in both forms."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.facts_builder import RELEASE, at
from tests.unit.predict.boots import CARD, IDS, ONBOARD, host, image, whole
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.image import InitramfsImage
from vfio_wizard.model.unread import Gap, Unread
from vfio_wizard.report.predict_json import predict_json
from vfio_wizard.report.predict_text import predict_text

FACTS = host(IDS)
TAKEN = whole(FACTS, image(IDS, early=("vfio_pci",)))


def test_json_has_the_form_of_the_contract() -> None:
    document = predict_json((TAKEN,))
    assert document["schema"] == "vfio-wizard/predict/1"
    kernel = document["kernels"][0]
    assert (kernel["release"], kernel["running"]) == (RELEASE, True)
    card = next(one for one in kernel["functions"] if one["address"] == CARD)
    assert (card["driver"], card["stage"]) == ("vfio-pci", "initramfs")
    assert all(isinstance(reason, str) and reason for reason in card["why"])


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        (FACTS, image(IDS, early=("vfio_pci",))),
        (FACTS, Unread("boot/initrd.img", Gap.DENIED, "run as root")),
        (host("blacklist radeon", words="radeon.modeset=0"), None),
        (host(words="radeon.modeset=0"), image()),
    ],
)
def test_json_is_as_its_schema_says(facts: HostFacts, seen: InitramfsImage | Unread | None) -> None:
    schema = json.loads((Path(__file__).resolve().parents[3] / "docs/schema/predict-1.json").read_text())
    jsonschema.validate(predict_json((whole(facts, seen),)), schema)


def test_json_says_unknown_with_a_reason() -> None:
    unread = whole(FACTS, Unread("boot/initrd.img", Gap.DENIED, "run as root"))
    card = next(one for one in predict_json((unread,))["kernels"][0]["functions"] if one["address"] == CARD)
    assert (card["driver"], card["stage"]) == ("unknown", None)
    assert "run as root" in card["why"][0]


def test_text_marks_what_changes_and_fits_the_width() -> None:
    text = predict_text(FACTS, (TAKEN,), {})
    assert f"* {CARD} gpu radeon -> vfio-pci, in the initramfs" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_text_never_calls_an_unknown_a_change() -> None:
    unread = whole(FACTS, Unread("boot/initrd.img", Gap.DENIED, "run as root"))
    text = predict_text(FACTS, (unread,), {})
    assert f"? {CARD} gpu unknown (now radeon)" in text
    assert "-> unknown" not in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_text_of_one_card_leaves_out_what_stays() -> None:
    text = predict_text(FACTS, (TAKEN,), {}, gpus=(at(CARD),))
    assert ONBOARD not in text
    assert ONBOARD in predict_text(FACTS, (TAKEN,), {}, gpus=(at(CARD),), verbose=True)


def test_hostile_names_cannot_steer_the_terminal() -> None:
    text = predict_text(FACTS, (TAKEN,), {at(CARD): "evil\x1b[2Jname\nnext"})
    assert "\x1b" not in text
    assert "\\x1b" in text


def test_no_kernel_is_said() -> None:
    assert "no installed kernel" in predict_text(FACTS, (), {})
