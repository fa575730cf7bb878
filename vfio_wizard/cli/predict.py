"""``predict``: which driver will claim each function at the next boot."""

from __future__ import annotations

import sys

from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen, addresses, look, names_of, on_host, print_json, width
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.image import InitramfsImage
from vfio_wizard.model.unread import Unread
from vfio_wizard.predict.outcome import KernelPrediction
from vfio_wizard.predict.predict import predict


def run(given: Given) -> int:
    """Predict the next boot of each installed kernel."""
    seen = look(given.text("host"), topology=False, holders=False)
    gpus = on_host(seen, addresses(given, "gpu"), "gpu")
    kernels = predictions(seen)
    if given.flag("json"):
        from vfio_wizard.report.predict_json import predict_json  # noqa: PLC0415

        print_json(predict_json(kernels))
    else:
        from vfio_wizard.report.predict_text import predict_text  # noqa: PLC0415

        text = predict_text(
            seen.facts, kernels, names_of(seen), gpus=gpus, verbose=given.flag("verbose"), width=width()
        )
        sys.stdout.write(text)
    return 0


def predictions(seen: Seen) -> tuple[KernelPrediction, ...]:
    """Read what a prediction needs. Raises UsageError for a source that holds no kernels."""
    from vfio_wizard.probe.boot_facts import read_next_boot  # noqa: PLC0415 - only predictions pay for it
    from vfio_wizard.probe.images import read_images  # noqa: PLC0415 - as above

    facts = seen.facts
    for fact in (facts.pci, facts.kernels):
        if seen.host is None or isinstance(fact, Unread):
            what = fact.reason if isinstance(fact, Unread) else "a text about it holds no kernels"
            message = (
                f"the next boot of {facts.source.label} cannot be predicted: {what};"
                " point --host at the machine or its root directory"
            )
            raise UsageError(message)
    if seen.host is None or isinstance(facts.kernels, Unread):
        return ()
    images: dict[str, InitramfsImage | Unread | None] = {
        one.release: one.image for one in read_images(seen.host, facts.kernels)
    }
    return predict(facts, images, read_next_boot(seen.host, facts, images))
