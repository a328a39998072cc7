"""How far engines of one case lie apart that differ by their build alone, as the history has it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.history.queries import Queries

_METRIC = "output_sqnr_db"


@dataclass(frozen=True)
class BuildSpread:
    """The spread between builds.

    Attributes:
        builds: how many builds the series with the most of them has.
        decibels: the largest distance, over all series, between the ratios of signal to error of two builds of one
            case at one point under one runtime; None where no series has two builds.
    """

    builds: int
    decibels: float | None


def build_spread(queries: Queries | None, model: str, version: int, precision: str) -> BuildSpread:
    """Return the spread between the builds of a model in a precision, over all machines, profiles and points.

    Args:
        queries: of the history; None where there is none.
        model: its name.
        version: the model's; runs of another one do not count.
        precision: its name.
    """
    if queries is None:
        return BuildSpread(0, None)
    wanted = [
        series
        for series in queries.series_list()
        if (series.model, series.case_version, series.precision, series.metric) == (model, version, precision, _METRIC)
    ]
    runtimes = sorted({subject.runtime for subject in queries.subjects().values()}) if wanted else []
    most, widest = 0, None
    for series in wanted:
        for runtime in runtimes:
            by_build: dict[str, list[float]] = defaultdict(list)
            for run in queries.past_runs([series.fingerprint], runtime=runtime, before_session=""):
                if run.build and math.isfinite(run.value):
                    by_build[run.build].append(run.value)
            most = max(most, len(by_build))
            if len(by_build) > 1:
                levels = [median(values) for values in by_build.values()]
                widest = max(widest or 0.0, max(levels) - min(levels))
    return BuildSpread(most, widest)
