"""Measuring what tolerances must stand above, and what they must catch: on the CPU, over several sets of inputs."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import onnx

from harness.accuracy.chunks import holds_real_numbers
from harness.accuracy.metrics import compare_tensors
from harness.accuracy.reference_noise import NoiseFloor
from harness.cases import FP32, Point, make_inputs
from harness.errors import RunFailed
from harness.graphs.prepare import PreparedGraph, PrepareRequest, prepare
from harness.runtimes.onnxruntime_session import open_session, run_session, session_options
from harness.sensitivity.subject import runner
from harness.tolerances.faults import planted_faults
from harness.tolerances.readings import Fault, Floors, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from harness.accuracy import TensorError
    from harness.cases import Model, Precision

Arrays = dict[str, "np.ndarray"]

# Why a recipe's own rounding cannot be had from a CPU.
_NO_ORACLE = {
    "tf32": "the recipe leaves the graph alone, and a CPU does not round to TF32",
    "fp16-flags": "builder flags leave the graph alone: what they round is known to the builder only",
    "int8-calibrator": "a calibrator leaves the graph alone: what it rounds is known to the builder only",
}


def measure(
    model: Model,
    precisions: Sequence[Precision],
    cache: Path,
    *,
    seeds: int,
    faults: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> Reading:
    """Measure the noise of a model's reference, the rounding of its recipes and, if asked, what faults do to it.

    Every graph runs on onnxruntime's CPU provider, at all points of all profiles. The recipes' graphs run unoptimised:
    an optimiser may take out the very casts and pairs that round.

    Args:
        model: of the catalogue.
        precisions: those of the model that are wanted.
        cache: where graphs are kept.
        seeds: sets of inputs at each point.
        faults: how many faults are planted.
        on_step: told what is being done.

    Raises:
        UsageError: a graph, its profile, its feeds or its calibration cannot be used.
        RunFailed: onnxruntime refuses a graph.
    """
    on_step(f"{model.name}: reference")
    base = _prepared(model, FP32, cache)
    for profile in model.profiles:
        profile.check_against(base.inputs)
    inputs = _Inputs(model, base, seeds)
    reference = _runner(base.fp32_path, "disabled")
    expected = [reference(given) for given in inputs]
    del reference
    noise = _floors(_runner(base.fp32_path, "all"), inputs, expected)
    rounding: dict[str, Floors] = {}
    unmeasured: dict[str, str] = {}
    for precision in precisions:
        if precision.recipe in _NO_ORACLE:
            unmeasured[precision.name] = _NO_ORACLE[precision.recipe]
            continue
        on_step(f"{model.name}: {precision.name}")
        graph = _prepared(model, precision, cache)
        unchanged = graph.hash == base.fp32_hash
        rounding[precision.name] = noise if unchanged else _floors(_runner(graph.path, "disabled"), inputs, expected)
    samples = inputs.first_of_each_point(expected)
    planted = _faults(base, samples, faults, lambda text: on_step(f"{model.name}: {text}"))
    return Reading(
        model=model.name,
        version=model.version,
        graph=base.fp32_hash,
        measured_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seeds=seeds,
        points=tuple(point.label for point in inputs.points),
        noise=noise,
        rounding=rounding,
        unmeasured=unmeasured,
        faults=tuple(planted),
    )


def seed_of(number: int) -> str:
    """Return what the set of inputs of a number, from 0, is made from at each point."""
    return f"tolerances {number}"


class _Inputs:
    """The sets of inputs of a model, made anew each time they are gone through: those of large batches fill memory."""

    def __init__(self, model: Model, graph: PreparedGraph, seeds: int) -> None:
        self._model, self._graph, self._seeds = model, graph, seeds
        self.points = tuple(dict.fromkeys(point for profile in model.profiles for point in profile.points))

    def __iter__(self) -> Iterator[Arrays]:
        for point in self.points:
            for seed in range(self._seeds):
                yield self._made(point, seed)

    def first_of_each_point(self, expected: Sequence[Arrays]) -> list[tuple[Arrays, Arrays]]:
        """Return one set of inputs at each point, with what is expected there."""
        return [(self._made(point, 0), expected[i * self._seeds]) for i, point in enumerate(self.points)]

    def _made(self, point: Point, seed: int) -> Arrays:
        return make_inputs(self._graph.inputs, self._model.feeds, point, seed=seed_of(seed))


def _prepared(model: Model, precision: Precision, cache: Path) -> PreparedGraph:
    return prepare(
        PrepareRequest(
            source=model.source,
            precision=precision,
            cache=cache,
            feeds=model.feeds,
            calibration=model.calibration,
            point=model.profiles[0].corner("opt"),
            batch_axis=model.batch_axis,
        )
    )


def _runner(graph: Path, level: str) -> Callable[[Mapping[str, np.ndarray]], Arrays]:
    session: Any = open_session(graph, session_options(level, spin=False), ["CPUExecutionProvider"], RunFailed)
    outputs = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(outputs, run_session(session, outputs, inputs), strict=True))


def _floors(
    run: Callable[[Mapping[str, np.ndarray]], Arrays], inputs: Iterable[Arrays], expected: Iterable[Arrays]
) -> Floors:
    errors: dict[str, list[TensorError]] = defaultdict(list)
    for given, wanted in zip(inputs, expected, strict=True):
        actual = run(given)
        for output, array in wanted.items():
            if holds_real_numbers(array.dtype):
                errors[output].append(compare_tensors(actual[output], array))
    return {output: NoiseFloor.of(found) for output, found in errors.items()}


def _faults(
    base: PreparedGraph, samples: Sequence[tuple[Arrays, Arrays]], count: int, on_step: Callable[[str], None]
) -> Iterator[Fault]:
    if not count:
        return
    model = onnx.load(str(base.fp32_path))
    for description in planted_faults(model, count):
        on_step(description)
        errors = _floors(runner(model), (given for given, _ in samples), (wanted for _, wanted in samples))
        yield Fault(description=description, errors=errors)
