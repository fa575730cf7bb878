"""``vfio-wizard/predict/1``: the prediction as data."""

from __future__ import annotations

from typing import Any

from vfio_wizard.predict.outcome import FunctionPrediction, KernelPrediction

SCHEMA = "vfio-wizard/predict/1"

Json = dict[str, Any]


def predict_json(kernels: tuple[KernelPrediction, ...]) -> Json:
    """The whole document; ``driver`` is null where nothing will claim it, or the word ``unknown``."""
    return {"schema": SCHEMA, "kernels": [_kernel(one) for one in kernels]}


def _kernel(kernel: KernelPrediction) -> Json:
    return {
        "release": kernel.release,
        "running": kernel.running,
        "functions": [_function(one) for one in sorted(kernel.functions, key=lambda one: one.address)],
        "notes": list(kernel.notes),
    }


def _function(told: FunctionPrediction) -> Json:
    return {
        "address": str(told.address),
        "driver": told.driver,
        "stage": told.stage,
        "why": list(told.why),
    }
