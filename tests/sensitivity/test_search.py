from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest

from harness.errors import ConfigurationError
from harness.sensitivity.search import Budget, find_small_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.sensitivity.search import Nodes


class Additive:
    """An oracle whose error is the sum of what each node that is not kept adds; it counts its calls."""

    def __init__(self, errors: Mapping[str, float]) -> None:
        self.errors = errors
        self.asked: list[Nodes] = []

    def __call__(self, kept: Nodes) -> float:
        """Return the error with ``kept``."""
        self.asked.append(kept)
        return sum(error for node, error in self.errors.items() if node not in kept)


HOSTILE = {f"node{index}": 0.01 for index in range(30)} | {"node7": 3.0, "node19": 2.0}
EQUAL_COSTS = dict.fromkeys(HOSTILE, 10)
AMPLE = Budget(evaluations=10_000, seconds=1e9)


def test_exactly_the_hostile_nodes_are_kept() -> None:
    """Of thirty nodes, the two whose error is above the limit are found, and ranked first."""
    result = find_small_set(EQUAL_COSTS, Additive(HOSTILE), limit=1.0, budget=AMPLE)
    assert result.kept == {"node7", "node19"}
    assert [entry.node for entry in result.ranking[:3]] == ["node7", "node19", "node0"]
    assert result.finished
    assert result.error == pytest.approx(0.28)


def test_a_set_takes_few_measurements_beyond_the_ranking() -> None:
    """Bisection over 500 nodes takes logarithmically many sets, not one for each."""
    errors = {f"node{index}": 1.0 / (index + 1) for index in range(500)}
    oracle = Additive(errors)
    result = find_small_set(dict.fromkeys(errors, 1), oracle, limit=5.2, budget=AMPLE)
    assert result.kept is not None
    assert len(result.kept) <= 6
    assert len(oracle.asked) <= 500 + 40


def test_no_set_is_measured_twice() -> None:
    """Two orders that lead to the same sets pay for each of them once."""
    oracle = Additive(HOSTILE)
    result = find_small_set(EQUAL_COSTS, oracle, limit=1.0, budget=AMPLE)
    assert len(oracle.asked) == len(set(oracle.asked)) == result.evaluations


def test_nothing_is_kept_where_nothing_needs_to_be() -> None:
    """Within the limit from the start, the ranking is made all the same and the set is empty."""
    result = find_small_set(EQUAL_COSTS, Additive(HOSTILE), limit=100.0, budget=AMPLE)
    assert result.kept == frozenset()
    assert all(entry.error is not None for entry in result.ranking)


def test_cheap_nodes_are_preferred_to_few_nodes() -> None:
    """Where one costly node or two cheap ones would do, the cheap ones are kept."""
    errors = {"costly": 1.0, "cheap1": 0.6, "cheap2": 0.6}
    result = find_small_set({"costly": 1000, "cheap1": 1, "cheap2": 1}, Additive(errors), limit=1.1, budget=AMPLE)
    assert result.kept == {"cheap1", "cheap2"}


def test_nodes_that_do_not_help_are_given_up() -> None:
    """A node that looks bad alone but changes nothing among the others is not kept."""

    def saturating(kept: Nodes) -> float:
        return max((error for node, error in errors.items() if node not in kept), default=0.0)

    errors = {"a": 5.0, "b": 4.0, "c": 3.0, "harmless": 0.1}
    redundant = {**errors, "redundant": 3.5}

    def measure(kept: Nodes) -> float:
        alone = kept == frozenset(redundant) - {"redundant"}
        return redundant["redundant"] if alone else saturating(kept)

    result = find_small_set(dict.fromkeys(redundant, 1), measure, limit=1.0, budget=AMPLE)
    assert result.kept == {"a", "b", "c"}
    assert result.reserve is not None
    assert "redundant" in result.reserve


def test_no_set_is_made_up_where_none_meets_the_limit() -> None:
    """An error that stays whatever is kept ends in no set, and the search knows that it is done."""
    result = find_small_set({"a": 1, "b": 1}, lambda _kept: 2.0, limit=1.0, budget=AMPLE)
    assert (result.kept, result.error, result.finished) == (None, None, True)


@pytest.mark.parametrize("evaluations", [1, 5, 31, 33, 35, 40])
def test_a_budget_is_kept_and_what_is_returned_was_measured(evaluations: int) -> None:
    """However early the budget ends, no more is measured, and a set that is returned met the limit."""
    oracle = Additive(HOSTILE)
    result = find_small_set(EQUAL_COSTS, oracle, limit=1.0, budget=Budget(evaluations=evaluations))
    assert len(oracle.asked) == min(evaluations, 40) or result.finished
    assert len(oracle.asked) <= evaluations
    assert result.kept is None or (result.kept in oracle.asked and oracle(result.kept) <= 1.0)
    assert len(result.ranking) == len(HOSTILE)


def test_time_is_a_budget_too() -> None:
    """No measurement begins after the time is up."""
    seconds = itertools.count()
    oracle = Additive(HOSTILE)
    budget = Budget(evaluations=1000, seconds=5)
    result = find_small_set(EQUAL_COSTS, oracle, limit=1.0, budget=budget, clock=lambda: float(next(seconds)))
    assert (len(oracle.asked), result.finished) == (4, False)


def test_a_search_goes_on_where_it_was_stopped() -> None:
    """Two short searches that share their readings find what one long one does, and measure nothing twice."""
    known: dict[Nodes, float] = {}
    oracle = Additive(HOSTILE)

    def remembering(kept: Nodes) -> float:
        known[kept] = oracle(kept)
        return known[kept]

    first = find_small_set(EQUAL_COSTS, remembering, limit=1.0, budget=Budget(evaluations=20), known=known)
    second = find_small_set(EQUAL_COSTS, remembering, limit=1.0, budget=AMPLE, known=known)
    assert (first.kept, first.finished) == (None, False)
    assert second.kept == {"node7", "node19"}
    assert len(oracle.asked) == len(set(oracle.asked))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_found_is_not_much_dearer_than_the_best(seed: int) -> None:
    """For additive errors of ten nodes, the set costs at most 1.5 times the cheapest of all 1024."""
    generator = random.Random(seed)
    errors = {f"node{index}": generator.lognormvariate(0, 2) for index in range(10)}
    costs = {node: generator.randint(1, 100) for node in errors}
    oracle = Additive(errors)
    limit = 0.1 * sum(errors.values())
    result = find_small_set(costs, oracle, limit=limit, budget=AMPLE)
    subsets = (frozenset(s) for size in range(11) for s in itertools.combinations(errors, size))
    best = min(sum(costs[node] for node in kept) for kept in subsets if oracle(kept) <= limit)
    assert result.kept is not None
    assert sum(costs[node] for node in result.kept) <= 1.5 * best


@pytest.mark.parametrize("wrong", [{"evaluations": 0}, {"seconds": 0.0}, {"seconds": float("nan")}], ids=str)
def test_an_empty_budget_is_refused(wrong: dict[str, float]) -> None:
    """A search without evaluations or time could only report nothing."""
    with pytest.raises(ConfigurationError, match="at least one evaluation"):
        Budget(**wrong)  # type: ignore[arg-type]
