"""Running an engine in ways that must not change its answer, and on inputs whose answer must make sense."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.accuracy import INVARIANCE_LIMITS
from harness.accuracy.chunks import largest_magnitude
from harness.accuracy.same_runs import RunDifference, compare_runs, largest
from harness.accuracy.unusual import UNUSUAL_LIMITS, judge_unusual
from harness.cases import Point, TensorSpec, make_inputs, specs_from_json
from harness.cases.feed import feed_from_json
from harness.cases.invariance import make_unusual_inputs
from harness.errors import RunFailed
from harness.workers.comparing import compare_batch
from harness.workers.tensors import has_tensors, load_tensors, save_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.runtimes.base import Engine

Arrays = dict[str, np.ndarray]
# How a check ended, in a sentence, and values by metric.
Found = tuple[str, str, dict[str, float]]

_REPEATS = 2
# A kernel whose sums depend on timing may agree with itself a few times by luck; so often it is asked before two
# contexts are blamed.
_REPEATS_IN_DOUBT = 16
_CONTEXTS = 2
_RUNS_PER_CONTEXT = 2


class InvarianceChecks:
    """The checks of one engine, one method for each invariance; what one of them ran serves the others.

    Args:
        engine: what is run.
        request: ``inputs`` and ``outputs`` (specs), ``feeds``, ``seed``, ``recipe``, and ``sizes`` of the point at
            which it is run where a check says nothing else.
    """

    def __init__(self, engine: Engine, request: Mapping[str, Any]) -> None:
        self._engine, self._request = engine, request
        self._specs = specs_from_json(request["inputs"])
        self._feeds = {name: feed_from_json(feed) for name, feed in request["feeds"].items()}
        self._inputs = self._inputs_at(request["sizes"])
        self._limit = INVARIANCE_LIMITS[request["recipe"]]
        self._ordinary: Arrays = {}
        self._run_to_run: RunDifference | None = None

    def run(self, checks: Mapping[str, Any]) -> dict[str, Any]:
        """Run the checks named in ``checks``, each with the arguments that stand there.

        Returns:
            ``items``: name, outcome (``passed``, ``failed``, ``recorded`` or ``left out``) and sentence of each;
            ``metrics``: values by metric.
        """
        items: list[dict[str, str]] = []
        metrics: dict[str, float] = {}
        for name, arguments in checks.items():
            try:
                outcome, sentence, values = getattr(self, name, self.unusual)(**arguments)
            except RunFailed as failure:
                outcome, sentence, values = "failed", str(failure), {}
            items.append({"name": name, "outcome": outcome, "sentence": sentence})
            metrics.update(values)
        return {"items": items, "metrics": metrics}

    def rows(self, **request: Any) -> Found:
        """Hold the rows of a batch of one repeated sample against that sample alone; see ``compare_batch``."""
        found = compare_batch(self._engine, {**self._request, **request})
        return "passed" if found["passed"] else "failed", found["sentence"], {}

    def padding(self, *, axis: str, mask: str, meant: int, padded: int, size: int) -> Found:
        """Hold what is meant of a padded sequence against the sequence by itself.

        The padding holds other ordinary values, not zeros: a model that looks at it is then seen to do so.
        """
        short = int(self._request["sizes"][axis])
        long_inputs = self._inputs_at({**self._request["sizes"], axis: size})
        places = next(spec for spec in self._specs if spec.name == mask).shape.index(axis)
        long_inputs[mask] = np.full_like(long_inputs[mask], padded)
        _along(long_inputs[mask], places, short)[...] = meant
        by_itself = {
            spec.name: _along(long_inputs[spec.name], spec.shape.index(axis), short)
            if axis in spec.shape
            else long_inputs[spec.name]
            for spec in self._specs
        }
        alone, among_padding = self._run(by_itself), self._run(long_inputs)
        kept = {
            spec.name: _along(among_padding[spec.name], spec.shape.index(axis), short)
            if axis in spec.shape
            else among_padding[spec.name]
            for spec in self._output_specs()
        }
        difference = compare_runs(kept, alone)
        outcome = "passed" if difference.relative <= self._limit else "failed"
        return outcome, f"{axis} {short} padded to {size} and by itself: {difference} (limit {self._limit:g})", {}

    def profiles(self, *, sizes: dict[str, int], own: str, others: dict[str, str]) -> Found:
        """Hold the outputs at a point that several profiles have against those of the other profiles' engines.

        Two engines may add up in different orders, and each is held against the reference elsewhere: this is recorded.
        """
        outputs = self._run(self._inputs_at(sizes))
        save_tensors(Path(own), outputs)
        there = {profile: load_tensors(Path(folder)) for profile, folder in others.items() if has_tensors(Path(folder))}
        if not there:
            return "left out", f"no engine of another profile was there yet: {', '.join(others)}", {}
        found = {profile: compare_runs(outputs, other) for profile, other in there.items()}
        worst = largest(list(found.values())).relative
        text = "; ".join(f"against {profile}: {difference}" for profile, difference in found.items())
        return "recorded", text, {"profile_difference": worst} if np.isfinite(worst) else {}

    def repeats(self) -> Found:
        """Tell whether equal runs have equal bits; some kernels add up in the order in which threads finish."""
        difference = self._repeated(_REPEATS)
        finite = bool(np.isfinite(difference.relative))
        return (
            "recorded",
            f"{_REPEATS} more runs: {difference}",
            ({"run_to_run_difference": difference.relative} if finite else {}),
        )

    def contexts(self) -> Found:
        """Hold runs of two contexts at once against a run alone: they may differ by what equal runs differ by."""
        alone = self._ordinary_outputs()
        runs = self._engine.run_concurrently(self._inputs, _CONTEXTS, _RUNS_PER_CONTEXT)
        if runs is None:
            return "left out", "the runtime does not run an engine twice at once", {}
        difference = largest([compare_runs(run, alone) for run in runs])
        allowed = self._repeated(_REPEATS)
        if difference.relative > allowed.relative:
            allowed = self._repeated(_REPEATS_IN_DOUBT)
        outcome = "passed" if difference.relative <= allowed.relative else "failed"
        sentence = f"{_CONTEXTS} at once against one alone: {difference}"
        return outcome, sentence if outcome == "passed" else f"{sentence}; equal runs of one: {allowed}", {}

    def unusual(self, *, kind: str, reference: str, oracle: str) -> Found:
        """Judge what becomes of an unusual input; see harness.accuracy.unusual.

        ``reference`` and ``oracle`` are folders with the outputs of the FP32 graph and of the recipe's graph.
        """
        seed, point = self._request["seed"], Point.of(self._request["sizes"])
        outputs = self._run(make_unusual_inputs(kind, self._specs, self._feeds, point, seed=seed))
        plain, recipes = load_tensors(Path(reference)), load_tensors(Path(oracle))
        allowed = UNUSUAL_LIMITS[self._request["recipe"]]
        judged = {
            name: judge_unusual(
                kind,
                array,
                recipes[name],
                plain[name],
                ordinary=largest_magnitude(self._ordinary_outputs()[name]),
                allowed=allowed,
            )
            for name, array in outputs.items()
        }
        for outcome in ("failed", "passed", "left out"):
            said = [f"output {name!r}: {found.sentence}" for name, found in judged.items() if found.outcome == outcome]
            if said:
                return outcome, "; ".join(said), {}
        return "left out", "the engine has no outputs", {}

    def _repeated(self, runs: int) -> RunDifference:
        """Return the largest difference that was ever seen between a run and the first one, after ``runs`` more."""
        if self._run_to_run is None or runs > _REPEATS:
            first = self._ordinary_outputs()
            seen = [compare_runs(self._engine.run(self._inputs), first) for _ in range(runs)]
            self._run_to_run = largest([*seen, *([self._run_to_run] if self._run_to_run else [])])
        return self._run_to_run

    def _ordinary_outputs(self) -> Arrays:
        if not self._ordinary:
            self._ordinary = self._run(self._inputs)
        return self._ordinary

    def _run(self, inputs: Arrays) -> Arrays:
        # A run's outputs may live in memory that the next run writes to.
        return {name: np.array(array) for name, array in self._engine.run(inputs).items()}

    def _inputs_at(self, sizes: Mapping[str, int]) -> Arrays:
        return make_inputs(self._specs, self._feeds, Point.of(sizes), seed=self._request["seed"])

    def _output_specs(self) -> tuple[TensorSpec, ...]:
        return specs_from_json(self._request["outputs"])


def unusual_outputs(engine: Engine, request: Mapping[str, Any], folders: Mapping[str, str]) -> None:
    """Leave what ``engine`` makes of each kind of unusual input as tensors under the folder of that kind.

    Args:
        engine: of the FP32 graph, or of a recipe's.
        request: ``inputs`` (specs), ``feeds``, ``seed`` and ``sizes``.
        folders: by kind; one that has its tensors already is left alone.
    """
    specs, point = specs_from_json(request["inputs"]), Point.of(request["sizes"])
    feeds = {name: feed_from_json(feed) for name, feed in request["feeds"].items()}
    for kind, folder in folders.items():
        if not has_tensors(Path(folder)):
            inputs = make_unusual_inputs(kind, specs, feeds, point, seed=request["seed"])
            save_tensors(Path(folder), engine.run(inputs))


def _along(array: np.ndarray, axis: int, size: int) -> np.ndarray:
    """Return a view of the first ``size`` places of ``array`` along ``axis``."""
    view: np.ndarray = array[(slice(None),) * axis + (slice(size),)]
    return view
