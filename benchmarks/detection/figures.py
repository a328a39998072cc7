"""A measured figure: what, under which noise, how sure, and whether the goal was reached; and tables of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Unit = Literal["share", "count", "ms"]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a figure is to reach.

    Attributes:
        bound: the number.
        side: whether the figure should be at most or at least that.
    """

    bound: float
    side: Literal["at most", "at least"]

    def is_reached(self, value: float) -> bool:
        """Say whether ``value`` keeps the bound."""
        return value <= self.bound if self.side == "at most" else value >= self.bound


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number.

    Attributes:
        table: heading under which it stands.
        method: whose it is.
        noise: what the runs were drawn from, in words.
        what: the column.
        value: the number.
        error: its standard error, from the finite number of simulations.
        simulations: how many series, histories or sessions it is taken from.
        unit: how it is written.
        goal: what it is to reach, None where it is only worth knowing.
    """

    table: str
    method: str
    noise: str
    what: str
    value: float
    error: float
    simulations: int
    unit: Unit = "share"
    goal: Goal | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        return None if self.goal is None else self.goal.is_reached(self.value)

    def to_json(self) -> dict[str, Any]:
        """Return the figure as plain data, numbers to four significant digits."""
        goal = {"goal": f"{self.goal.side} {self.goal.bound:g}", "reached": self.reached} if self.goal else {}
        return {
            "table": self.table,
            "method": self.method,
            "noise": self.noise,
            "what": self.what,
            "value": float(f"{self.value:.4g}"),
            "standard_error": float(f"{self.error:.2g}"),
            "simulations": self.simulations,
            **goal,
        }

    def __str__(self) -> str:
        shown = f"{_written(self.value, self.unit)} ± {_written(self.error, self.unit)}"
        if self.goal is None:
            return shown
        sign = "≤" if self.goal.side == "at most" else "≥"
        return f"{shown} ({sign} {_written(self.goal.bound, self.unit)}{'' if self.reached else ': MISSED'})"


def at_most(bound: float) -> Goal:
    """Return the goal of not being above ``bound``."""
    return Goal(bound=bound, side="at most")


def at_least(bound: float) -> Goal:
    """Return the goal of not being below ``bound``."""
    return Goal(bound=bound, side="at least")


def error_of_share(hits: int, tried: int) -> float:
    """Return the standard error of the share ``hits / tried``.

    ``√(p (1 - p) / n)``, with p drawn half a hit towards the middle, so that none of 20 000 is not said to be certain.
    """
    share = (hits + 0.5) / (tried + 1)
    return math.sqrt(share * (1 - share) / tried)


def error_of_mean(values: Sequence[float]) -> float:
    """Return the standard error of the mean of at least two values."""
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))


def share(hits: int, tried: int, **rest: Any) -> Figure:
    """Return the figure of ``hits`` of ``tried``; ``rest`` as for Figure."""
    return Figure(value=hits / tried, error=error_of_share(hits, tried), simulations=tried, **rest)


def markdown(figures: Iterable[Figure]) -> str:
    """Write a Markdown table for each heading: a row for each method and noise, a column for each ``what``."""
    tables: dict[str, dict[tuple[str, str], dict[str, Figure]]] = {}
    for figure in figures:
        row = tables.setdefault(figure.table, {}).setdefault((figure.noise, figure.method), {})
        row[figure.what] = figure
    parts = []
    for heading, rows in tables.items():
        columns = list(dict.fromkeys(what for row in rows.values() for what in row))
        lines = [f"### {heading}", "", _line(["noise", "method", *columns]), _line(["---"] * (2 + len(columns)))]
        lines += [
            _line([noise, method, *(str(row[what]) if what in row else "" for what in columns)])
            for (noise, method), row in rows.items()
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _written(value: float, unit: Unit) -> str:
    if unit == "share":
        return f"{100 * value:.3g} %"
    return f"{value:.3g} ms" if unit == "ms" else f"{value:.3g}"
