"""Whether a card is still where it was, when one of the two sides is not known."""

from __future__ import annotations

from tests.facts_builder import GPU, card, good_machine, in_force, integrated, port
from vfio_wizard.checks.check import situation
from vfio_wizard.checks.drift import _addresses
from vfio_wizard.model.facts import HostFacts
from vfio_wizard.model.finding import Outcome, Status
from vfio_wizard.model.unread import Gap, Unread


def about_the_gpu(facts: HostFacts) -> Outcome:
    return next(one for one in _addresses(situation(facts)) if str(one.subject) == GPU)


def test_the_same_model_at_the_same_address_is_proof() -> None:
    assert about_the_gpu(good_machine()).status is Status.PASS


def test_a_device_whose_identity_cannot_be_read_is_not_the_same_one() -> None:
    gpu, audio = card()
    closed = gpu._replace(id=Unread(f"sys/bus/pci/devices/{GPU}/vendor", Gap.DENIED))
    told = about_the_gpu(good_machine(pci=(integrated(), port(), closed, audio)))
    assert told.status is Status.UNKNOWN
    assert GPU in told.summary


def test_an_identity_that_was_not_known_then_cannot_be_compared_now() -> None:
    applied = in_force()
    functions = tuple(one._replace(id=None) for one in applied.state.functions)
    nameless = applied._replace(state=applied.state._replace(functions=functions))
    assert about_the_gpu(good_machine(applied=nameless)).status is Status.UNKNOWN
