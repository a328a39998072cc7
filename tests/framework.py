"""What stands for the framework that a model was exported from, in tests: its function, and wrong ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx.reference import ReferenceEvaluator

from tests.tiny import convnet

if TYPE_CHECKING:
    from collections.abc import Mapping

Arrays = dict[str, np.ndarray]


def outputs(inputs: Mapping[str, np.ndarray]) -> Arrays:
    """Return what ``tests.tiny.convnet`` gives."""
    (scores,) = ReferenceEvaluator(convnet()).run(None, dict(inputs))
    return {"scores": scores}


def other_outputs(inputs: Mapping[str, np.ndarray]) -> Arrays:
    """Return outputs a percent too large, as of a model that was exported in another state."""
    return {"scores": outputs(inputs)["scores"] * np.float32(1.01)}


def misnamed_outputs(inputs: Mapping[str, np.ndarray]) -> Arrays:
    """Return outputs under another name than the graph's."""
    return {"logits": outputs(inputs)["scores"]}


def misshapen_outputs(inputs: Mapping[str, np.ndarray]) -> Arrays:
    """Return outputs in another shape than the graph's."""
    return {"scores": outputs(inputs)["scores"][None]}


def no_outputs(inputs: Mapping[str, np.ndarray]) -> Arrays:
    """Fail, as a framework does that lacks its weights."""
    raise FileNotFoundError(f"weights.pt, for {sorted(inputs)}")
