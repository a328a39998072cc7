"""Models of the catalogue, built once in a process, and a way to run them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from harness.graphs.sources import call_source
from suites.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import onnx


@cache
def built(name: str) -> onnx.ModelProto:
    """Return the graph of the catalogue's model ``name``; it is shared, so copy it before changing it."""
    model: onnx.ModelProto = call_source(next(str(model.source) for model in CATALOGUE if model.name == name))
    return model


def run(model: str | onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a model of the catalogue, or a graph, and return its outputs by name."""
    session = _session_of(model) if isinstance(model, str) else _session(model)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


@cache
def _session_of(name: str) -> Any:
    return _session(built(name))


def _session(model: onnx.ModelProto) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # The processor is shared with other sessions that are open.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
