"""Running an engine and comparing: tensors stay here, small records go back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.accuracy import (
    INVARIANCE_LIMITS,
    LayerError,
    OutputJudgement,
    TensorComparison,
    compare_rows,
    compare_tensors,
    judge_invariance,
    judge_layers,
    judge_outputs,
)
from harness.accuracy.chunks import holds_real_numbers
from harness.cases import Point, make_inputs, specs_from_json
from harness.cases.feed import feed_from_json
from harness.workers.reference_layers import ReferenceLayers
from harness.workers.tensors import load_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.accuracy import LayerJudgement
    from harness.cases import Tolerance
    from harness.runtimes.base import BuildRequest, Engine, Runtime


def compare_outputs(engine: Engine, folders: Mapping[str, Path], tolerances: Sequence[Tolerance]) -> dict[str, Any]:
    """Run ``engine`` at every point and hold its outputs against the reference there.

    Args:
        engine: what is compared.
        folders: ``inputs`` and ``outputs`` of each point, by its label.
        tolerances: the case's.

    Returns:
        ``points``: for each label a list with an entry per output; ``compare_seconds``.
    """
    points: dict[str, list[dict[str, Any]]] = {}
    seconds = 0.0
    for label, folder in folders.items():
        actual = engine.run(load_tensors(folder / "inputs"))
        started = time.perf_counter()
        points[label] = [_output(j) for j in judge_outputs(actual, load_tensors(folder / "outputs"), tolerances)]
        seconds += time.perf_counter() - started
    return {"points": points, "compare_seconds": seconds}


def compare_layers(
    runtime: Runtime,
    engine: Engine,
    request: BuildRequest,
    folder: Path,
    tolerances: Sequence[Tolerance],
    *,
    rows_along: str | None = None,
) -> dict[str, Any]:
    """Run a graph so that its inner tensors can be read, and hold each against the reference's of the same name.

    Exposing tensors stops fusions, so what is read is not quite the engine that was built: the final outputs of the two
    are compared as well.

    Args:
        runtime: runs the exposed graph.
        engine: what was built of the same graph.
        request: how it was built.
        folder: ``inputs`` and layers of the point.
        tolerances: the case's.
        rows_along: with it, memory is that of one row; see ``ReferenceLayers``.

    Returns:
        ``passed``, ``description``, ``tensors`` with an entry per layer, ``instrumented``: the largest difference
        between the final outputs of the exposed graph and of ``engine``, as a share of their largest magnitude;
        ``unreadable``: tensors that could not be read back; ``compare_seconds``.
    """
    reference = ReferenceLayers(folder, request.inputs, rows_along)
    read = runtime.layer_reader(request)
    compared = LayerComparison(reference)
    others: set[str] = set()
    difference = seconds = 0.0
    for part in reference.parts():
        finals, layers = read(part.inputs)
        plain = engine.run(part.inputs)
        started = time.perf_counter()
        compared.add(layers, part.expected)
        difference = max(difference, _relative_difference(finals, plain))
        others |= {*part.expected, *finals}
        seconds += time.perf_counter() - started
        del finals, layers, plain, part  # before the next part is made
    started = time.perf_counter()
    report = judge_layers(compared.errors(), tolerances, others=others)
    first = report.first_outside
    return {
        "passed": report.passed,
        "description": report.describe(),
        "first_outside": first.layer.tensor if first else None,
        "tensors": [_layer(judged) for judged in report.layers],
        "instrumented": difference,
        "unreadable": list(runtime.unreadable_layers),
        "compare_seconds": seconds + time.perf_counter() - started,
    }


def compare_batch(engine: Engine, request: dict[str, Any]) -> dict[str, Any]:
    """Run one sample alone and repeated along the batch axis, and compare every row of every output.

    Args:
        engine: what is compared.
        request: ``inputs`` (specs), ``feeds``, ``seed``, ``sizes`` of the point, ``axis``, ``size``, ``recipe``.

    Returns:
        ``passed`` and ``sentence``; ``compare_seconds``.
    """
    axis, size = request["axis"], request["size"]
    specs = specs_from_json(request["inputs"])
    feeds = {name: feed_from_json(feed) for name, feed in request["feeds"].items()}
    alone = make_inputs(specs, feeds, Point.of({**request["sizes"], axis: 1}), seed=request["seed"])
    repeated = {
        spec.name: np.repeat(alone[spec.name], size, axis=spec.shape.index(axis))
        if axis in spec.shape
        else alone[spec.name]
        for spec in specs
    }
    single, batched = engine.run(alone), engine.run(repeated)
    started = time.perf_counter()
    allowed = INVARIANCE_LIMITS[request["recipe"]]
    problems = []
    for name, row in single.items():
        judged = judge_invariance(
            compare_rows(row, batched[name], axis=_batch_dimension(row, batched[name])), allowed=allowed
        )
        if not judged.passed:
            problems.append(f"output {name!r}: {judged.sentence}")
    return {
        "passed": not problems,
        "sentence": "; ".join(problems) or f"the rows of {size} equal samples are those of one alone",
        "compare_seconds": time.perf_counter() - started,
    }


def _batch_dimension(alone: np.ndarray, batched: np.ndarray) -> int:
    """Return the first dimension in which the two differ: where the rows are."""
    differing = [i for i, (a, b) in enumerate(zip(alone.shape, batched.shape, strict=False)) if a != b]
    return differing[0] if differing else 0


class LayerComparison:
    """The errors of layers that come in parts.

    Args:
        reference: what they are held against.
    """

    def __init__(self, reference: ReferenceLayers) -> None:
        self._reference = reference
        self._open: dict[str, tuple[int, str, tuple[int, ...], TensorComparison]] = {}

    def add(self, layers: Iterable[tuple[str, str, np.ndarray]], expected: Mapping[str, np.ndarray]) -> None:
        """Compare one part: tensor, operator and array of each layer in graph order; others are passed over."""
        for position, (tensor, operator, array) in enumerate(layers):
            if tensor not in expected or not np.issubdtype(expected[tensor].dtype, np.number):
                continue
            if array.shape != expected[tensor].shape or not holds_real_numbers(array.dtype):
                continue  # the recipe made this name mean another tensor, e.g. a transposed weight; nothing to compare
            if tensor not in self._open:
                comparison = TensorComparison(self._reference.magnitude(tensor, expected[tensor]))
                shape = self._reference.shape(array.shape)
                self._open[tensor] = (position, operator, shape, comparison)
            self._open[tensor][-1].add(array, expected[tensor])

    def errors(self) -> Iterator[LayerError]:
        """Yield the error of every layer, in graph order."""
        for tensor, (position, operator, shape, comparison) in self._open.items():
            yield LayerError(position, tensor, operator, comparison.error(shape))


def _relative_difference(actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> float:
    worst = 0.0
    for name, array in expected.items():
        scale = float(np.max(np.abs(array), initial=0.0))
        if name in actual and scale:
            worst = max(worst, compare_tensors(actual[name], array).max_abs / scale)
    return worst


def _output(judgement: OutputJudgement) -> dict[str, Any]:
    judged = judgement.judgement
    passed, sentence = judgement.passed, judgement.sentence
    if judged and judged.error.nan_expected:
        # NaN on both sides agrees, but says nothing of the engine.
        passed = False
        sentence = (
            f"output {judgement.output!r}: the reference itself is NaN in {judged.error.nan_expected} of "
            f"{judged.error.count} elements, so it can vouch for nothing; feed the model other inputs"
        )
    return {
        "tensor": judgement.output,
        "errors": judged.error.to_json() if judged else {},
        "tolerance": judged.tolerance.limits if judged else {},
        "passed": passed,
        "sentence": sentence,
    }


def _layer(judged: LayerJudgement) -> dict[str, Any]:
    layer = judged.layer
    return {
        "position": layer.position,
        "tensor": layer.tensor,
        "operator": layer.operator,
        "errors": layer.error.to_json(),
        "tolerance": judged.judgement.tolerance.limits if judged.judgement else {},
        "passed": None if judged.judgement is None else judged.judgement.passed,
    }
