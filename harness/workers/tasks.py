"""Reading a labelled set, and running it through an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import ConfigurationError, RunFailed, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.runtimes.base import Engine

# Beside the inputs, under a name that no graph's input has.
LABELS = "labels"


def read_labelled_set(source: str) -> dict[str, np.ndarray]:
    """Return the inputs of a labelled set by name, and its ``labels`` (int64 [samples]).

    Args:
        source: ``module:function`` that returns (inputs by name, labels); see harness.cases.Classification.

    Raises:
        ConfigurationError: there is no such function, or the set is empty or its parts differ in length.
    """
    from harness.graphs.sources import call_source

    inputs, labels = call_source(source)
    tensors = {**{name: np.asarray(array) for name, array in inputs.items()}, LABELS: np.asarray(labels, np.int64)}
    lengths = {name: len(array) for name, array in tensors.items()}
    if len(set(lengths.values())) != 1 or not len(labels):
        raise ConfigurationError(f"the labelled set {source!r} needs samples, and one label for each: {lengths}")
    return tensors


def run_classification(engine: Engine, tensors: Mapping[str, np.ndarray], output: str, batch: int) -> np.ndarray:
    """Run every sample of a labelled set and return its scores, [samples, classes].

    Args:
        engine: runs it.
        tensors: as ``read_labelled_set`` returned them.
        output: the output with the scores.
        batch: samples a run; the last run is filled up with its first sample, whose surplus rows are dropped.

    Raises:
        RunFailed: the engine has no such output.
    """
    inputs = {name: array for name, array in tensors.items() if name != LABELS}
    scores = []
    for start in range(0, len(tensors[LABELS]), batch):
        chunk = {name: np.array(array[start : start + batch]) for name, array in inputs.items()}
        count = len(next(iter(chunk.values())))
        if count < batch:
            chunk = {n: np.concatenate([a, np.repeat(a[:1], batch - count, axis=0)]) for n, a in chunk.items()}
        outputs = engine.run(chunk)
        if output not in outputs:
            raise RunFailed(unknown_value("output of the graph", output, outputs))
        scores.append(outputs[output][:count])
    return np.concatenate(scores)
