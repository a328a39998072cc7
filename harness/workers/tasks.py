"""Reading a labelled set, and running it through an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.accuracy.tasks import predict
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from harness.cases import Task
    from harness.runtimes.base import Engine

# Beside the inputs, under a name that no graph's input has.
LABELS = "labels"
# What labels of differing length are filled up with: no class, no tag and no object.
_NO_LABEL = -1


def read_labelled_set(source: str) -> dict[str, np.ndarray]:
    """Return the inputs of a labelled set by name, and its ``labels``, all with the sample as first dimension.

    Args:
        source: ``module:function`` that returns (inputs by name, labels) of all samples, or anything iterable of such
            pairs of one sample; see harness.cases.Task.

    Raises:
        ConfigurationError: there is no such function, or what it returns is no labelled set, is empty or has parts
            that differ in length.
    """
    from harness.graphs.sources import call_source

    found = call_source(source)
    whole = isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], Mapping)
    try:
        inputs, labels = found if whole else _gather(found)
        tensors = {**{name: np.asarray(array) for name, array in inputs.items()}, LABELS: _stack_labels(labels)}
        lengths = {name: len(array) for name, array in tensors.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{source!r} is no labelled set: it returns (inputs by name, labels) of all samples, or anything "
            f"iterable of such pairs of one sample, whose inputs are of one shape ({error})"
        ) from error
    if len(set(lengths.values())) != 1 or not lengths[LABELS]:
        raise ConfigurationError(f"the labelled set {source!r} needs samples, and one label for each: {lengths}")
    return tensors


def run_task(engine: Engine, tensors: Mapping[str, np.ndarray], task: Task) -> np.ndarray:
    """Run every sample of a labelled set and return what the task judges, [samples, …]; see harness.accuracy.predict.

    Args:
        engine: runs it.
        tensors: as ``read_labelled_set`` returned them.
        task: says how many samples a run has and which outputs are read; the last run is filled up with its first
            sample, whose surplus rows are dropped.

    Raises:
        RunFailed: the engine has no such output, or it is not of its shape.
    """
    inputs = {name: array for name, array in tensors.items() if name != LABELS}
    predictions = []
    for start in range(0, len(tensors[LABELS]), task.batch):
        chunk = {name: np.array(array[start : start + task.batch]) for name, array in inputs.items()}
        count = len(next(iter(chunk.values())))
        if count < task.batch:
            chunk = {n: np.concatenate([a, np.repeat(a[:1], task.batch - count, axis=0)]) for n, a in chunk.items()}
        # A run's outputs may live in memory that the next run writes to.
        predictions.append(np.array(predict(task, engine.run(chunk))[:count]))
    return np.concatenate(predictions)


def _gather(pairs: Any) -> tuple[dict[str, np.ndarray], list[Any]]:
    samples: dict[str, list[Any]] = {}
    labels = []
    for inputs, label in pairs:
        for name, array in inputs.items():
            samples.setdefault(name, []).append(array)
        labels.append(label)
    return {name: np.stack(arrays) for name, arrays in samples.items()}, labels


def _stack_labels(labels: Any) -> np.ndarray:
    """Return labels as one array, whole numbers as int64; those of differing length are filled up with -1."""
    if not isinstance(labels, np.ndarray):
        each = [np.asarray(label) for label in labels]
        longest = max((len(label) for label in each if label.ndim), default=0)
        labels = np.array([_filled(label, longest) for label in each])
    stacked: np.ndarray = labels.astype(np.float64 if labels.dtype.kind == "f" else np.int64)
    return stacked


def _filled(label: np.ndarray, length: int) -> np.ndarray:
    missing = [(0, length - len(label)), *[(0, 0)] * (label.ndim - 1)] if label.ndim else []
    return np.pad(label, missing, constant_values=_NO_LABEL) if missing else label
