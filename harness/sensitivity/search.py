"""The search for a small set of nodes to keep in higher precision: pure, over any function that measures a set.

Nodes are ranked by the error that each causes alone. A ranking's shortest prefix that meets the limit is found by
bisection, then thinned out: each node is given up in turn, the most expensive first, if the limit still holds without
it. Two rankings are tried, by error and by error for each multiply-add, as for the knapsack problem (Dantzig, 1957):
the first finds few nodes, the second cheap ones.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Nodes = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a search may take.

    Attributes:
        evaluations: how many sets may be measured that were not known before.
        seconds: of wall time, after which no further one is begun.
    """

    evaluations: int = 400
    seconds: float = 300.0

    def __post_init__(self) -> None:
        if self.evaluations < 1 or not self.seconds > 0:
            raise ConfigurationError(
                f"a search needs at least one evaluation and some time, not {self.evaluations!r} evaluations in "
                f"{self.seconds!r} s"
            )


@dataclass(frozen=True, kw_only=True)
class RankedNode:
    """A node, and what it does to the result.

    Attributes:
        node: its name.
        error: of the result when this node alone is in the lower precision; None where the budget ended before.
        cost: its multiply-adds.
    """

    node: str
    error: float | None
    cost: int


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search found.

    Attributes:
        ranking: every node, the one that causes the largest error first, those not measured last.
        untouched: the error with nothing kept; None where the budget did not allow even that.
        kept: the cheapest set that was measured to meet the limit; None if none was found, empty where nothing needs
            to be kept.
        reserve: the prefix of a ranking that ``kept`` was made from: the one to fall back on.
        error: with ``kept``.
        evaluations: how many sets were measured for it, known ones not counted.
        finished: whether the budget sufficed; if not, more of it may find a set, or a cheaper one.
    """

    ranking: tuple[RankedNode, ...]
    untouched: float | None
    kept: Nodes | None
    reserve: Nodes | None
    error: float | None
    evaluations: int
    finished: bool


def find_small_set(
    costs: Mapping[str, int],
    measure: Callable[[Nodes], float],
    *,
    limit: float,
    budget: Budget,
    known: Mapping[Nodes, float] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> SearchResult:
    """Rank nodes, and find a small set which, kept in higher precision, brings the error down to ``limit``.

    The error is taken to fall, by and large, as nodes are added to the set. Where it does not, what is returned still
    meets the limit, since only measured sets are, but a smaller one may exist.

    Args:
        costs: multiply-adds by node, in graph order.
        measure: the error, ≥ 0 in any unit, when a set of nodes is kept and all others are not.
        limit: the largest error that will do.
        budget: when to stop.
        known: errors measured before; they cost nothing.
        clock: seconds, for the budget.
    """
    search = _Search(costs, measure, limit=limit, budget=budget, known=dict(known or {}), clock=clock)
    finished = True
    try:
        search.run()
    except _BudgetSpentError:
        finished = False
    kept, reserve = search.best()
    return SearchResult(
        ranking=search.ranking(),
        untouched=search.known.get(frozenset()),
        kept=kept,
        reserve=reserve,
        error=None if kept is None else search.known[kept],
        evaluations=search.evaluations,
        finished=finished,
    )


class _BudgetSpentError(Exception):
    """Ends a search from wherever it is; never leaves this module."""


class _Search:
    def __init__(
        self,
        costs: Mapping[str, int],
        measure: Callable[[Nodes], float],
        *,
        limit: float,
        budget: Budget,
        known: dict[Nodes, float],
        clock: Callable[[], float],
    ) -> None:
        self._costs, self._measure, self._limit, self._budget, self._clock = costs, measure, limit, budget, clock
        self._deadline = clock() + budget.seconds
        self._all = frozenset(costs)
        self._found: dict[Nodes, Nodes] = {}  # sets that meet the limit, with the prefix that each was made from
        self.known = known
        self.evaluations = 0

    def run(self) -> None:
        untouched = self._error(frozenset())
        # The most arithmetic first, in case the budget ends within.
        for node in sorted(self._costs, key=lambda name: -self._costs[name]):
            self._error(self._all - {node})
        if untouched <= self._limit:
            self._found[frozenset()] = frozenset()
            return
        for order in self._orders():
            prefix = self._shortest_prefix(order)
            if prefix is not None:
                self._found[prefix] = prefix
                self._thin_out(prefix)

    def ranking(self) -> tuple[RankedNode, ...]:
        ranked = [
            RankedNode(node=node, error=self.known.get(self._all - {node}), cost=cost)
            for node, cost in self._costs.items()
        ]
        return tuple(sorted(ranked, key=lambda entry: -1.0 if entry.error is None else entry.error, reverse=True))

    def best(self) -> tuple[Nodes | None, Nodes | None]:
        kept = min(self._found, key=lambda nodes: (self._cost_of(nodes), len(nodes), sorted(nodes)), default=None)
        return (None, None) if kept is None else (kept, self._found[kept])

    def _orders(self) -> list[list[str]]:
        ranking = self.ranking()
        by_error = [entry.node for entry in ranking]
        by_density = sorted(ranking, key=lambda entry: (entry.error or 0.0) / max(entry.cost, 1), reverse=True)
        return [by_error, [entry.node for entry in by_density]]

    def _shortest_prefix(self, order: Sequence[str]) -> Nodes | None:
        """Return the first nodes of ``order`` that meet the limit, as few as bisection finds; None if all fail."""
        fails, meets = 0, len(order)
        if self._error(frozenset(order)) > self._limit:
            return None
        while meets - fails > 1:
            middle = (fails + meets) // 2
            if self._error(frozenset(order[:middle])) <= self._limit:
                meets = middle
            else:
                fails = middle
        return frozenset(order[:meets])

    def _thin_out(self, prefix: Nodes) -> None:
        kept = prefix
        for node in sorted(prefix, key=lambda name: (-self._costs[name], name)):
            fewer = kept - {node}
            if self._error(fewer) <= self._limit:
                kept = fewer
                self._found[kept] = prefix

    def _cost_of(self, nodes: Nodes) -> int:
        return sum(self._costs[node] for node in nodes)

    def _error(self, kept: Nodes) -> float:
        if kept not in self.known:
            if self.evaluations >= self._budget.evaluations or self._clock() >= self._deadline:
                raise _BudgetSpentError
            self.evaluations += 1
            self.known[kept] = self._measure(kept)
        return self.known[kept]
