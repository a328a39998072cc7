"""The gate: one series' new trials against its baseline runs, and the verdict.

Everything happens on one number per run. Values are put on the metric's scale (natural logarithms where a change is a
ratio), reduced by medians, and held against a prediction interval: where the median of k new runs may fall if nothing
changed, given N baseline runs. ``harness.verdicts.prediction`` has the formulas and their sources.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from statistics import median, median_low
from typing import TYPE_CHECKING, Any, Literal, get_args

from harness.errors import ConfigurationError, unknown_value
from harness.quantities import written
from harness.verdicts import prediction, scales

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cases.metric import Direction, Scale

Status = Literal["pass", "regressed", "improved", "inconclusive", "insufficient", "missing", "quarantined"]

# What a confirmation decides on: the trial that was screened and four more.
CONFIRMING_TRIALS = 5
# ``Verdict.detectable`` is found with this probability.
_POWER = 0.8


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The gate's word on one series.

    Effects are ratios minus 1 on a ``log`` scale (0.05: the value is 5 % larger) and differences in the metric's unit
    on a ``linear`` one; positive means a larger value, whichever way is better. What does not exist is None.

    Attributes:
        status: the word.
        direction: which way is better.
        scale: whether effects are ratios or differences.
        smallest_effect: the smallest effect worth a word, as an effect.
        reason: one sentence for a person.
        n: baseline runs that could be used.
        k: new trials.
        value: median of the trials, in the metric's unit.
        baseline: median of the baseline, in the metric's unit.
        effect: how far ``value`` is from ``baseline``.
        low: lower end of the effect's interval, by default at 95 % for one trial and at 99.9 % for several.
        high: upper end of it.
        p: two-sided; 0 or 1 where the comparison was exact.
        q: the false-discovery rate at which this would be called a change, over all series that ``adjust`` was given.
        spread: standard deviation of single runs: relative on a ``log`` scale, else in the metric's unit.
        detectable: size of the smallest effect for the worse that this baseline finds four times out of five.
    """

    status: Status
    direction: Direction
    scale: Scale
    smallest_effect: float
    reason: str
    n: int
    k: int
    value: float | None = None
    baseline: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    q: float | None = None
    spread: float | None = None
    detectable: float | None = None

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise ConfigurationError(unknown_value("status of a verdict", self.status, get_args(Status)))

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain data; infinite numbers, which JSON lacks, become ``"inf"`` and ``"-inf"``."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            name: str(value) if isinstance(value, float) and math.isinf(value) else value
            for name, value in values.items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """Make a verdict from what ``to_json`` returned."""
        values: dict[str, Any] = {
            name: float(value) if value in {"inf", "-inf"} else value for name, value in data.items()
        }
        return cls(**values)


def judge(
    baseline: Sequence[float],
    trials: Sequence[float],
    *,
    direction: Direction = "lower",
    smallest_effect: float,
    scale: Scale = "log",
    resolution: float = 0.0,
    alpha_screen: float = 0.05,
    alpha_confirm: float = 0.001,
    minimum_runs: int = 8,
    build_spread: float | None = None,
    baseline_builds: int = 1,
    unit: str = "",
) -> Verdict:
    """Judge ``trials`` against ``baseline``.

    One trial outside its interval at ``alpha_screen``, and at least ``smallest_effect`` away from the baseline's
    median, is ``inconclusive``: more trials are wanted. Several trials are decided by their median, at
    ``alpha_confirm``; where more than one in five of them is nearer to the baseline's median than to their own, some
    trials saw a change and some did not, as when a state of the machine comes and goes, and they are ``inconclusive``,
    too. On a ``log`` scale the smallest effect is as far in logarithms either way: 5 % is a factor of
    1.05 or of 1 / 1.05.

    Where the trials' engine is another build than the baseline's, ``build_spread`` widens the interval by what builds
    of one graph differ by, which more trials of the same engine do not reduce; ``harness.verdicts.noise`` measures it.
    What is called a change then is one that the lottery of builds does not explain.

    Two kinds of baseline have no spread to compute with, and are compared exactly. One whose runs are all equal: a
    single trial that is more than ``resolution`` and at least ``smallest_effect`` away is a change, decided at once.
    And one in which, or in whose trials, infinities or (on a ``log`` scale) zeros occur, such as the signal-to-error
    ratio of an exact match: the trials' median passes inside the range of the baseline, equal infinities being equal.

    Args:
        baseline: one value per run in the metric's unit, in any order. NaN, and negative values on a ``log`` scale, are
            dropped.
        trials: one value per new run; one of them NaN, or negative on a ``log`` scale, makes the verdict ``missing``.
        direction: which way is better.
        smallest_effect: relative on a ``log`` scale, in the metric's unit on a ``linear`` one; not negative.
        scale: whether a change is a ratio or a difference.
        resolution: the step below which the instrument cannot tell two values apart, in the metric's unit.
        alpha_screen: chance of a false alarm for one trial.
        alpha_confirm: chance of a false alarm for several.
        minimum_runs: with fewer usable baseline runs the verdict is ``insufficient``; at least 3.
        build_spread: standard deviation between builds, of natural logarithms on a ``log`` scale, else in the metric's
            unit, taken as known; None where the trials' engine is among the baseline's. A baseline whose runs are all
            equal is then judged by an interval, too.
        baseline_builds: how many engines the baseline's runs are of.
        unit: of the values, for the reason's sentence.

    Raises:
        ConfigurationError: a parameter that the method has no meaning for.
    """
    build_deviation = build_spread or 0.0
    scales.check_choices(direction=direction, scale=scale)
    scales.check_sizes({"smallest_effect": smallest_effect, "resolution": resolution, "build_spread": build_deviation})
    scales.check_probabilities({"alpha_screen": alpha_screen, "alpha_confirm": alpha_confirm})
    _check_counts(minimum_runs=minimum_runs, baseline_builds=baseline_builds)
    usable = [float(value) for value in baseline if scales.is_usable(value, scale)]
    common: dict[str, Any] = {
        "direction": direction,
        "scale": scale,
        "smallest_effect": float(smallest_effect),
        "n": len(usable),
        "k": len(trials),
    }
    if usable:
        common["baseline"] = _median(usable)
    if not trials or not all(scales.is_usable(value, scale) for value in trials):
        bad = next((value for value in trials if not scales.is_usable(value, scale)), None)
        what = "there is no new trial" if bad is None else f"a new trial has the value {bad!r}"
        return Verdict(status="missing", reason=f"{what}, so nothing can be said", **common)
    common["value"] = _median([float(value) for value in trials])
    if usable:
        common["effect"] = scales.effect_of(
            scales.difference(scales.scaled(common["value"], scale), scales.scaled(common["baseline"], scale)), scale
        )
    if len(usable) < minimum_runs:
        dropped = len(baseline) - len(usable)
        lost = f" ({dropped} more had no usable value)" if dropped else ""
        return Verdict(
            status="insufficient",
            reason=f"the baseline has {_counted(len(usable), 'run')}{lost}, and {minimum_runs} are needed",
            **common,
        )
    history = [scales.scaled(value, scale) for value in usable]
    new = [scales.scaled(float(value), scale) for value in trials]
    constant = min(history) == max(history) and build_deviation == 0
    if constant or not all(math.isfinite(value) for value in history + new):
        return _compare_exactly(history, new, resolution=resolution, unit=unit, common=common)
    return _compare_with_interval(
        history,
        new,
        resolution=resolution,
        alpha_screen=alpha_screen,
        alpha_confirm=alpha_confirm,
        build_deviation=build_deviation,
        baseline_builds=baseline_builds,
        unit=unit,
        common=common,
    )


def adjust(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts, in their order, with q by Benjamini & Hochberg 1995; those without p keep None.

    Each q is the smallest false-discovery rate at which that verdict would be among the changes:
    ``min over j ≥ rank of p(j) · m / j``. Statuses do not change.
    """
    ranked = sorted((index for index, v in enumerate(verdicts) if v.p is not None), key=lambda i: verdicts[i].p or 0.0)
    adjusted = list(verdicts)
    q = 1.0
    for rank, index in reversed(list(enumerate(ranked, start=1))):
        q = min(q, (verdicts[index].p or 0.0) * len(ranked) / rank)
        adjusted[index] = replace(verdicts[index], q=q)
    return adjusted


def _compare_with_interval(
    history: list[float],
    new: list[float],
    *,
    resolution: float,
    alpha_screen: float,
    alpha_confirm: float,
    build_deviation: float,
    baseline_builds: int,
    unit: str,
    common: dict[str, Any],
) -> Verdict:
    scale, n, k = common["scale"], len(history), len(new)
    smallest = scales.shift_of(common["smallest_effect"], scale)
    floor = resolution / common["baseline"] if scale == "log" else resolution
    spread = prediction.spread_of(history, floor=floor)
    shift = median(new) - median(history)
    screening, error, confirming = (
        prediction.error_of(
            spread, runs=n, trials=trials, build_deviation=build_deviation, baseline_builds=baseline_builds
        )
        for trials in (1, k, max(k, CONFIRMING_TRIALS))
    )
    alpha = alpha_screen if k == 1 else alpha_confirm
    width = error.width(alpha)
    changed = abs(shift) > width and abs(shift) >= smallest - scales.ROUNDING
    # A regression is found if it passes both gates; the harder one decides how large it must be.
    detectable = max(
        max(stage.width(level), smallest) + prediction.quantile(_POWER, stage.freedom) * stage.deviation
        for level, stage in ((alpha_screen, screening), (alpha_confirm, confirming))
    )
    status: Status = "pass"
    if changed:
        status = "inconclusive" if k == 1 else _changed(shift, common)
    back = sum((value - median(history)) * math.copysign(1.0, shift) < abs(shift) / 2 for value in new)
    divided = changed and back > k // CONFIRMING_TRIALS
    if divided:
        status = "inconclusive"
    low, high = scales.effect_of(shift - width, scale), scales.effect_of(shift + width, scale)

    def shown(size: float) -> str:
        """Write a shift of this size in the direction of the one at hand: a factor of 1.1 is 10 % up, 9.09 % down."""
        return scales.shown(abs(scales.effect_of(math.copysign(size, shift), scale)), scale, unit)

    expected = (
        f"chance alone reaches {shown(width)} at {100 * (1 - alpha):.3g} %, and {shown(smallest)} is the smallest "
        f"effect worth a word"
    )
    if build_deviation > 0:
        expected += f"; that builds lie {shown(build_deviation)} apart is part of it"
    if divided:
        were = "was" if back == 1 else "were"
        expected += f"; but {back} of the trials {were} nearer to the baseline, so it comes and goes"
    elif status == "inconclusive":
        expected += "; more trials are wanted"
    elif spread.outliers:
        were = "was" if spread.outliers == 1 else "were"
        expected += f"; {_counted(spread.outliers, 'outlying baseline run')} {were} put aside"
    return Verdict(
        status=status,
        reason=f"{_position(common, unit)}: {expected}",
        low=low,
        high=high,
        p=prediction.two_sided_p(shift / error.deviation, error.freedom),
        spread=spread.deviation,
        detectable=abs(scales.effect_of(detectable if common["direction"] == "lower" else -detectable, scale)),
        **common,
    )


def _compare_exactly(
    history: list[float], new: list[float], *, resolution: float, unit: str, common: dict[str, Any]
) -> Verdict:
    lowest, highest, value = min(history), max(history), median_low(new)
    nearest = min(max(value, lowest), highest)
    shift = scales.difference(value, nearest)
    unscaled = math.exp if common["scale"] == "log" else float
    beyond = abs(scales.difference(unscaled(value), unscaled(nearest)))
    smallest = scales.shift_of(common["smallest_effect"], common["scale"])
    changed = shift != 0 and beyond > resolution and abs(shift) >= smallest - scales.ROUNDING
    status: Status = "pass"
    if changed:
        status = "inconclusive" if lowest != highest and len(new) == 1 else _changed(shift, common)
    if lowest == highest:
        expected = "the baseline never varied, so the comparison is exact"
    else:
        ends = [written(unscaled(end), unit) for end in (lowest, highest)]
        expected = f"the baseline lies between {' and '.join(ends)}"
    if status == "inconclusive":
        expected += "; more trials are wanted"
    return Verdict(
        status=status,
        reason=f"{_position(common, unit)}: {expected}",
        p=0.0 if changed else 1.0,
        spread=0.0 if lowest == highest else None,
        detectable=common["smallest_effect"] if lowest == highest else None,
        **common,
    )


def _changed(shift: float, common: Mapping[str, Any]) -> Status:
    return "regressed" if scales.is_worse(shift, common["direction"]) else "improved"


def _median(values: list[float]) -> float:
    # Between two infinities there is no middle.
    return median(values) if all(math.isfinite(value) for value in values) else median_low(values)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _position(common: Mapping[str, Any], unit: str) -> str:
    effect: float = common["effect"]
    of_trials = "" if common["k"] == 1 else f", the median of {common['k']} trials,"
    where = (
        "is equal to"
        if effect == 0
        else f"is {scales.shown(abs(effect), common['scale'], unit)} {'above' if effect > 0 else 'below'}"
    )
    value, baseline = (written(common[name], unit) for name in ("value", "baseline"))
    return f"{value}{of_trials} {where} {baseline}, the median of {common['n']} runs"


def _check_counts(*, minimum_runs: int, baseline_builds: int) -> None:
    if minimum_runs < 3:
        raise ConfigurationError(f"minimum_runs must be 3 or more, since two runs show no spread, not {minimum_runs!r}")
    if baseline_builds < 1:
        raise ConfigurationError(
            f"baseline_builds must be 1 or more, since every run is of some engine, not {baseline_builds!r}"
        )
