"""One model in one precision: what its nodes do to it, and the remedy, held against the real recipe at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.accuracy import TensorError, compare_tensors, judge_outputs
from harness.cases import Precision
from harness.errors import ConfigurationError, unknown_value
from harness.sensitivity.demand import excess_of
from harness.sensitivity.search import Budget, Nodes, SearchResult, find_small_set
from harness.sensitivity.state import Readings
from harness.sensitivity.subject import Subject, runner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.accuracy import OutputJudgement
    from harness.cases import Model, Tolerance
    from harness.cases.precision import Recipe

STUDIED_RECIPES = ("fp16", "int8")

# The search stops this far within each limit, since other inputs than those it searched with must stay within it too.
_MARGIN = 0.9
# What the inputs of the search are made from, and those that confirm what it found.
SEED, OTHER_SEED = "sensitivity", "sensitivity confirmed"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was found out about a model in a precision.

    Attributes:
        precision: the remedy, a mixed precision; the plain one where nothing needs to be kept, or nothing helped.
        search: ranking and sets, errors in multiples of what the search allowed (see ``excess_of``).
        untouched: errors by output with nothing kept, where they were measured.
        judgements: outputs of the remedy's real graph on inputs that the search never saw; none without a remedy.
        multiply_adds: of the whole model, for one run at the point where it was studied.
        resumed: how many readings were found in the cache.
        point: label of the point where it was studied.
    """

    precision: Precision
    search: SearchResult
    untouched: Mapping[str, TensorError]
    judgements: tuple[OutputJudgement, ...]
    multiply_adds: int
    resumed: int
    point: str

    @property
    def share(self) -> float:
        """The share of the model's multiply-adds that the remedy keeps in FP32."""
        kept = sum(entry.cost for entry in self.search.ranking if entry.node in self.precision.keep_fp32)
        return kept / max(self.multiply_adds, 1)

    @property
    def met(self) -> bool:
        """Whether there is a remedy, or no need of one, and its real graph is within the tolerances."""
        return bool(self.judgements) and all(judgement.passed for judgement in self.judgements)


def study(
    model: Model,
    recipe: Recipe,
    *,
    tolerances: Sequence[Tolerance],
    cache: Path,
    budget: Budget,
    on_reading: Callable[[Nodes, float], None] = lambda _kept, _excess: None,
) -> Study:
    """Rank the nodes of ``model`` by what ``recipe`` does to them, and find those to keep in FP32.

    All runs are of onnxruntime's CPU provider, at the opt point of the first profile with its largest batch. What is
    measured is kept in ``cache``, by content, and not measured again.

    Args:
        model: its graph, feeds and calibration.
        recipe: one of ``STUDIED_RECIPES``.
        tolerances: for its outputs, the more particular ones first.
        cache: the folder that graphs are kept in.
        budget: for the search; quantising the graph and confirming the remedy come on top.
        on_reading: told of each set that was measured, and of its excess.

    Raises:
        ConfigurationError: the recipe cannot be studied, an output has no tolerance, or the cache cannot be used.
        UsageError: the model, its profile or its calibration cannot be used; see ``prepare``.
        RuntimeFailure: onnxruntime cannot load or run the graph.
    """
    if recipe not in STUDIED_RECIPES:
        raise ConfigurationError(unknown_value("precision whose nodes can be ranked", recipe, STUDIED_RECIPES))
    subject = Subject(model, recipe, cache)
    switched = subject.switched()
    inputs, expected = subject.reference(SEED)
    # Says now rather than after minutes that a tolerance applies to nothing, or none to an output.
    judge_outputs(expected, expected, tolerances)
    readings = Readings(cache / "sensitivity" / f"{subject.key(inputs)}.json")
    run = runner(switched.model)
    resumed = len(readings.errors)

    def measure(kept: Nodes) -> float:
        actual = run({**inputs, **switched.settings(kept)})
        errors = {output: compare_tensors(actual[output], array) for output, array in expected.items()}
        readings.add(kept, errors)
        on_reading(kept, excess_of(errors, tolerances))
        return excess_of(errors, tolerances)

    arithmetic = subject.multiply_adds()
    costs = {node: arithmetic.get(node, 0) for node in switched.nodes}
    search = find_small_set(
        costs,
        measure,
        limit=_MARGIN,
        budget=budget,
        known={kept: excess_of(errors, tolerances) for kept, errors in readings.errors.items()},
    )
    precision, judgements = _confirmed(subject, search, tolerances)
    return Study(
        precision=precision,
        search=search,
        untouched=readings.errors.get(frozenset(), {}),
        judgements=judgements,
        multiply_adds=sum(arithmetic.values()),
        resumed=resumed,
        point=subject.point,
    )


def _confirmed(
    subject: Subject, search: SearchResult, tolerances: Sequence[Tolerance]
) -> tuple[Precision, tuple[OutputJudgement, ...]]:
    """Return the remedy whose real graph keeps the tolerances, or else the one tried last, and how that was judged."""
    precision = Precision(subject.recipe)
    if search.kept is None or search.reserve is None:
        return precision, ()
    inputs, expected = subject.reference(OTHER_SEED)
    judgements: tuple[OutputJudgement, ...] = ()
    for kept in dict.fromkeys((search.kept, search.reserve)):
        names = tuple(entry.node for entry in search.ranking if entry.node in kept)
        precision = Precision(subject.recipe, names, f"{subject.recipe}-mixed") if names else precision
        actual = runner(subject.converted(precision))(inputs)
        judgements = tuple(judge_outputs(actual, expected, tolerances))
        if all(judgement.passed for judgement in judgements):
            break
    return precision, judgements
