"""``onnx.reference``: the operators as their specification has them, in numpy, by nobody who makes a runtime.

It is slow, and how slow depends on the operator: a graph is refused beforehand by its size, and given up at a deadline.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import onnx

from harness.errors import ModelError, RunFailed
from harness.graphs.cost import cost_at, weight_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.cases import Point


@dataclass(frozen=True, kw_only=True)
class EvaluatorLimits:
    """What is small enough to be evaluated in numpy.

    Of the catalogue's models on two cores, 300 million multiply-adds take from 0.5 s (a detector of large convolutions)
    to 8 s (shufflenet, of small ones).

    Attributes:
        multiply_adds: of one run.
        weight_bytes: of all constants.
        seconds: after which it is given up.
    """

    multiply_adds: int = 300_000_000
    weight_bytes: int = 64 * 2**20
    seconds: float = 10.0


class _OutOfTime(Exception):  # noqa: N818 - it says what happened
    """The deadline has passed."""


def evaluate(
    graph: Path, inputs: Mapping[str, np.ndarray], point: Point, limits: EvaluatorLimits
) -> dict[str, np.ndarray]:
    """Return every output of a graph as ``onnx.reference`` computes it.

    It must be called from the main thread of the process, whose alarm it uses: a graph of Python loops cannot be
    interrupted in any other way.

    Args:
        graph: an ONNX file.
        inputs: one array for each of its inputs.
        point: the sizes of the free dimensions that ``inputs`` have.
        limits: what is small enough.

    Raises:
        RunFailed: it is too large, was not done in time, or has what ``onnx.reference`` cannot compute.
    """
    from onnx.reference import ReferenceEvaluator

    _check_small(graph, point, limits)
    model = onnx.load(str(graph))
    try:
        # Overflow and NaN are results here, as in any other runtime.
        with _alarm(limits.seconds), np.errstate(all="ignore"):
            values = ReferenceEvaluator(model).run(None, dict(inputs))
    except _OutOfTime:
        raise RunFailed(f"it did not finish within {limits.seconds:g} s") from None
    except Exception as error:  # noqa: BLE001 - its operators raise whatever numpy does
        raise RunFailed(f"it cannot compute this graph: {type(error).__name__}: {error}") from None
    names = [output.name for output in model.graph.output]
    return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


def _check_small(graph: Path, point: Point, limits: EvaluatorLimits) -> None:
    shell = onnx.load(str(graph), load_external_data=False)
    held = weight_bytes(shell)
    if held > limits.weight_bytes:
        raise RunFailed(
            f"{held / 2**20:.0f} MiB of weights are more than the {limits.weight_bytes / 2**20:.0f} MiB that it is "
            f"given"
        )
    try:
        cost = cost_at(shell, point)
    except ModelError as error:
        raise RunFailed(f"how much there is to compute cannot be told: {error}") from None
    if cost.multiply_adds > limits.multiply_adds:
        raise RunFailed(
            f"{cost.multiply_adds / 1e6:.0f} million multiply-adds are more than the {limits.multiply_adds / 1e6:.0f} "
            f"million that it is given"
        )


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> NoReturn:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
