"""How far builds of one graph lie apart, as ``gate.judge`` wants to be told: numbers in, numbers out.

Where a trial's engine is none of the baseline's, it is one more draw of the builder's lottery, and the interval has to
allow for it. The standard deviation between builds, s_b, is that of ``noise.components`` over the baseline's runs,
their confirmations, and the further builds of ``--builds K``. Where no build was run twice, s_b cannot be told from the
spread of processes; the spread of all runs is then an upper bound for it, and taken.

``gate.judge`` takes s_b as known. From b builds it is not, so it is widened as Student's t is against the Gaussian: by
t(0.975, b - 1) / 1.96, which is 6.5 for two builds, 2.2 for three and 1.2 for ten.

A baseline of M builds, one of which may have more runs than another, has a part of s_b in its own spread: of N runs,
n_i of build i, the variance holds s_b² · h with h = (N - Σ n_i² / N) / (N - 1), the expectation of a mean square. What
remains to be added to the variance of a prediction is s_b² (1 + 1/M') - h s_b² (v(k) + v(N)), where M' = N² / Σ n_i² is
the number of builds that weigh equally. ``Lottery.beyond`` is the deviation that makes ``prediction.error_of`` add just
that; where every run is of a build of its own, as with runtimes that build anew each time, it is next to nothing for
one trial, and most of s_b for five trials of one engine.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from harness.verdicts import prediction
from harness.verdicts.noise import Run, components

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAUSSIAN = 1.959964


@dataclass(frozen=True)
class Lottery:
    """What is known of the spread between builds.

    Attributes:
        deviation: of natural logarithms, widened for the number of builds; None where nothing is known of it.
        builds: how many builds there were to estimate it from.
        runs_of_builds: how many of the baseline's runs are of each of its builds.
    """

    deviation: float | None
    builds: int
    runs_of_builds: tuple[int, ...]

    def beyond(self, trials: int) -> float:
        """Return the deviation that ``gate.judge`` is to be given for that many trials of one new engine.

        It is 0 where nothing is known.
        """
        if self.deviation is None:
            return 0.0
        runs = sum(self.runs_of_builds)
        squares = sum(count**2 for count in self.runs_of_builds)
        held = (runs - squares / runs) / (runs - 1) if runs > 1 else 0.0
        medians = prediction.variance_of_median(trials) + prediction.variance_of_median(runs)
        needed = 1 + squares / runs**2 - held * medians
        return self.deviation * math.sqrt(max(needed, 0.0) / (1 + 1 / len(self.runs_of_builds)))


def lottery_of(baseline: Sequence[str], groups: Sequence[Sequence[Run]]) -> Lottery:
    """Estimate how far builds lie apart.

    Args:
        baseline: the build of each run of the baseline; not empty.
        groups: runs to estimate from, such as those of the baseline's sessions and those of a session's several builds.
            Only differences within a group count: that between groups is what is to be judged.
    """
    runs_of_builds = tuple(Counter(baseline).values())
    runs = [run for group in groups for run in _centred(group)]
    builds = len({run.build for run in runs})
    freedom = sum(len({run.build for run in group}) - 1 for group in groups if group)
    if freedom < 1:
        return Lottery(None, builds, runs_of_builds)
    deviation = components(runs).between_builds
    if deviation is None:
        deviation = stdev(math.log(run.value) for run in runs)
    # A group's own level is one more number that was estimated.
    deviation *= math.sqrt((builds - 1) / freedom)
    return Lottery(deviation * prediction.quantile(0.975, freedom) / _GAUSSIAN, builds, runs_of_builds)


def _centred(runs: Sequence[Run]) -> list[Run]:
    middle = math.exp(fmean(math.log(run.value) for run in runs)) if runs else 1.0
    return [replace(run, value=run.value / middle) for run in runs]
