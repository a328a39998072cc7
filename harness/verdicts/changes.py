"""Since when: the runs of one series at which its level changed.

Least squares propose (``harness.verdicts.segmentation``), ranks decide (``harness.verdicts.levels`` and ``ranks``):

1. Values go on the metric's scale; spikes, up to three stray runs in a row, are flattened.
2. The sequence is divided where that lowers the sum of squares by more than ``6 σ² ln n`` a change, σ being taken from
   the differences of neighbours.
3. Changes are dropped, the least first, until each one left
   - gains as much with the variance s² of what the levels leave: ``ν ln(1 + gain / (ν s²)) ≥ 6 ln n`` with ν = n -
     segments, the likelihood ratio where a variance is estimated, which asks more of short series;
   - shifts the level by the smallest effect or more (Hodges & Lehmann);
   - has p < alpha by Mann and Whitney's test.

Where neighbours resemble each other, with a correlation ρ of what the levels leave, s² grows by (1 + ρ) / (1 - ρ), as
the variance of a mean does (Bayley & Hammersley 1946, "The effective number of independent observations in an
autocorrelated time series"), and p is weakened by as much. In thirty runs a correlation is hardly seen: at ρ = 0.6, one
stable series of fifteen shows a change, of series of 100 runs one in 300.

The newest runs matter most, and there ranks cannot help: 3 runs against 7 have p ≥ 0.017 however far they lie. Where so
few runs cannot reach alpha by ranks, all of them must lie beyond all runs of the other side, and p is that of Student's
t, from the spread of the whole series. A level is four runs in a row, or three at either end: one or two new runs may
be stray ones, and are the gate's to confirm.

A series that repeats its values to the last digit, such as a plan's bytes or an accuracy, has no noise to reckon with.
There each lasting change is one, however small, from the first run on.

Blind spots: a slow drift is reported as one step or a few, at places that mean little; a level of three runs between
two others is taken for stray runs; of two changes closer together than their noise allows to tell, one is reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.verdicts import levels, scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cases.metric import Scale

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of a series' level.

    Attributes:
        index: the first run at the new level, as a position in the values that were given.
        low: the first run at which it may have happened, with 95 % confidence; runs without a value count.
        high: the last one.
        before: median of the level before, in the metric's unit.
        after: median of the level after, in the metric's unit.
        effect: how far the new level is from the old one (Hodges & Lehmann, so not quite ``after / before - 1``): a
            ratio minus 1 on a ``log`` scale, a difference in the metric's unit on a ``linear`` one.
        p: two-sided, of no difference between the two levels; 0 in a series without noise.
    """

    index: int
    low: int
    high: int
    before: float
    after: float
    effect: float
    p: float


def find_changes(
    values: Sequence[float | None],
    *,
    smallest_effect: float = 0.01,
    scale: Scale = "log",
    resolution: float = 0.0,
    alpha: float = 0.001,
) -> list[Change]:
    """Find where the level of a series changed, for better or worse, in the order of time.

    It is deterministic, and quadratic in the number of values: about 1 ms for 100, a fraction of a second for 10 000.

    Args:
        values: one per run, in the metric's unit, oldest first. None, NaN and, on a ``log`` scale, negative values are
            skipped; the others keep their positions. Infinite values, and zero on a ``log`` scale, lie beyond all
            others.
        smallest_effect: relative on a ``log`` scale, in the metric's unit on a ``linear`` one. A series without noise
            needs none, and heeds none.
        scale: whether a change is a ratio or a difference.
        resolution: the step below which the instrument cannot tell two values apart, in the metric's unit.
        alpha: the largest p of a change.

    Raises:
        ConfigurationError: a parameter that the method has no meaning for.
    """
    scales.check_choices(scale=scale)
    scales.check_sizes({"smallest_effect": smallest_effect, "resolution": resolution})
    scales.check_probabilities({"alpha": alpha})
    places = [place for place, value in enumerate(values) if value is not None and scales.is_usable(value, scale)]
    usable = np.array([values[place] for place in places], dtype=np.float64)
    if usable.size < levels.SHORTEST_LEVEL:
        return []
    starts = levels.lasting_levels(usable)
    if starts is None:
        steps = levels.noisy_levels(
            _made_finite(np.array([scales.scaled(value, scale) for value in usable.tolist()])),
            floor=_floor(usable, scale, resolution),
            smallest=scales.shift_of(smallest_effect, scale),
            alpha=alpha,
        )
    else:
        steps = [levels.Step(start=start, low=start, high=start, shift=None, p=0.0) for start in starts]
    ends = [0, *(step.start for step in steps), usable.size]
    changes = [
        _change(step, usable[begin : step.start], usable[step.start : end], places, scale)
        for step, begin, end in zip(steps, ends, ends[2:], strict=False)
    ]
    return [change for change in changes if abs(scales.difference(change.after, change.before)) > resolution]


def _change(step: levels.Step, before: Values, after: Values, places: Sequence[int], scale: Scale) -> Change:
    was, became = _middle(before), _middle(after)
    shift = scales.difference(scales.scaled(became, scale), scales.scaled(was, scale))
    if step.shift is not None and math.isfinite(shift):
        shift = step.shift
    return Change(
        index=places[step.start],
        # Whatever happened since the last run at the old level that has a value may have done it.
        low=places[step.low - 1] + 1,
        high=places[step.high],
        before=was,
        after=became,
        effect=scales.effect_of(shift, scale),
        p=step.p,
    )


def _middle(values: Values) -> float:
    # Between two infinities there is no middle.
    return float(np.median(values)) if np.isfinite(values).all() else float(np.sort(values)[(values.size - 1) // 2])


def _made_finite(values: Values) -> Values:
    """Return scaled values with infinities moved far beyond all others, which is as much as ranks can see."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.sign(values)
    beyond = 10 * (float(np.ptp(finite)) or 1.0)
    return np.clip(values, finite.min() - beyond, finite.max() + beyond)


def _floor(values: Values, scale: Scale, resolution: float) -> float:
    """Return the resolution of the instrument on the scale, at the middle of the series."""
    middle = _middle(values)
    return resolution / middle if scale == "log" and 0 < middle < math.inf else resolution
