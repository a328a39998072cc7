"""What engines of the history reached, and how far those lie apart that differ by their build alone."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.history.output_errors import OutputError


@dataclass(frozen=True)
class BuildSpread:
    """What is known of the engines of one output; all of it in dB of signal to error.

    Attributes:
        builds: how many builds were compared at the place that has the most of them.
        decibels: the largest distance between two builds of one case on one machine under one runtime at one point;
            None where no place has two builds.
        worst: what the worst build reached; None where there is none, or none that differs from its reference.
    """

    builds: int = 0
    decibels: float | None = None
    worst: float | None = None


def build_spreads(errors: Iterable[OutputError]) -> dict[str, BuildSpread]:
    """Return what is known of each output, from the errors that sound engines had; a build counts by its median."""
    runs: dict[str, dict[tuple[str, int, str, str], dict[str, list[float]]]] = {}
    for error in errors:
        if math.isfinite(error.sqnr_db):
            places = runs.setdefault(error.output, defaultdict(lambda: defaultdict(list)))
            places[error.place][error.build].append(error.sqnr_db)
    return {output: _spread(list(places.values())) for output, places in runs.items()}


def _spread(places: list[dict[str, list[float]]]) -> BuildSpread:
    levels = [[median(values) for values in builds.values()] for builds in places]
    apart = [max(reached) - min(reached) for reached in levels if len(reached) > 1]
    return BuildSpread(
        builds=max(map(len, levels)),
        decibels=max(apart) if apart else None,
        worst=min(map(min, levels)),
    )
