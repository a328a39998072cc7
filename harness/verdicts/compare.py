"""Two subjects in one session: interleaved blocks in, one comparison out.

One block is four trials, A B B A, so that a drift that is linear over the block moves both subjects alike. Each
subject's trials of a block are reduced to their mean on the metric's scale, and what counts is the difference within
the block. On it

- Student's t gives the interval, and decides at ``alpha``;
- a sign flip must not object: if the subjects were the same, each difference might as well have had the other sign
  (Fisher 1935, The Design of Experiments, 21), whatever the distribution. With n blocks its p is never below 2 / 2ⁿ,
  0.0078 with eight, so it is asked for 0.05 only; decided by it alone at 0.01, one of eight blocks with the other sign
  would hide any change.

A block farther than eight robust deviations from the median is put aside, at most a quarter of all, and each one costs
a degree of freedom beyond its own, since the rest looks quieter than it is. Of equal subjects 1.1 % are so called
different at an alpha of 1 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigurationError
from harness.verdicts import prediction, scales

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from harness.cases.metric import Direction, Scale

Values = NDArray[np.float64]
ComparisonStatus = Literal["pass", "regressed", "improved", "inconclusive", "insufficient", "missing"]

# Below six blocks the smallest p of a sign flip is above 0.05.
_FEWEST_BLOCKS = 6
_FLIP_ALPHA = 0.05
_POWER = 0.8
_OUTLYING = 8.0
_OUTLIERS_AT_MOST = 0.25
# All ways to flip the signs of so many blocks are tried; of more blocks, so many random ways.
_ENUMERATED_UP_TO = 15
_DRAWS = 100_000
_DRAWN_AT_ONCE = 1_000
_SEED = 20_240_601


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How the second subject compares with the first.

    Effects are those of ``harness.verdicts.gate.Verdict``: positive where ``b`` is larger. What does not exist is None.

    Attributes:
        status: ``regressed`` or ``improved``, as ``b`` is worse or better; ``pass`` if a regression by the smallest
            effect is ruled out; ``inconclusive`` if neither; ``insufficient`` with too few blocks, ``missing`` with
            none.
        direction: which way is better.
        scale: whether effects are ratios or differences.
        smallest_effect: the smallest effect worth a word, as an effect.
        alpha: the level of the decision; the interval's is 1 - alpha.
        reason: one sentence for a person.
        blocks: blocks that were computed with.
        outliers: blocks that were put aside.
        a: level of the first subject, in the metric's unit: the mean on the scale, geometric on ``log``.
        b: level of the second.
        effect: how far ``b`` lies from ``a``.
        low: lower end of the effect's interval.
        high: upper end of it.
        p: two-sided, by Student's t; 0 or 1 where all blocks agree to the last digit.
        flip_p: two-sided, by flipping signs.
        spread: standard deviation of a block's difference: relative on a ``log`` scale, else in the metric's unit.
        detectable: size of the smallest effect for the worse that so many blocks find four times out of five.
    """

    status: ComparisonStatus
    direction: Direction
    scale: Scale
    smallest_effect: float
    alpha: float
    reason: str
    blocks: int
    outliers: int = 0
    a: float | None = None
    b: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    flip_p: float | None = None
    spread: float | None = None
    detectable: float | None = None


def compare_blocks(
    a: ArrayLike,
    b: ArrayLike,
    *,
    direction: Direction = "lower",
    smallest_effect: float,
    scale: Scale = "log",
    resolution: float = 0.0,
    alpha: float = 0.01,
) -> Comparison:
    """Compare two subjects that were measured in interleaved blocks; six blocks are needed, eight are advised.

    Args:
        a: [blocks] or [blocks, trials] values of the first subject, in the metric's unit. A block in which a value of
            either subject is NaN or, on a ``log`` scale, negative is dropped.
        b: the same of the second; ``b[i]`` was measured in one block with ``a[i]``.
        direction: which way is better.
        smallest_effect: relative on a ``log`` scale, in the metric's unit on a ``linear`` one; not negative. With 0,
            nothing can ``pass``: that two subjects do not differ at all cannot be shown.
        scale: whether a change is a ratio or a difference.
        resolution: the step below which the instrument cannot tell two values apart, in the metric's unit.
        alpha: chance of calling two equal subjects different.

    Raises:
        ConfigurationError: shapes that do not match, or a parameter that the method has no meaning for.
    """
    scales.check_choices(direction=direction, scale=scale)
    scales.check_sizes({"smallest_effect": smallest_effect, "resolution": resolution})
    scales.check_probabilities({"alpha": alpha})
    first, second = _block_means(a, scale), _block_means(b, scale)
    if first.shape != second.shape:
        raise ConfigurationError(
            f"a has values of {first.size} and b of {second.size} blocks; a comparison needs both of every block"
        )
    usable = ~(np.isnan(first) | np.isnan(second))
    first, second = first[usable], second[usable]
    common: dict[str, Any] = {
        "direction": direction,
        "scale": scale,
        "smallest_effect": float(smallest_effect),
        "alpha": alpha,
    }
    if first.size < _FEWEST_BLOCKS:
        dropped = f" ({usable.size - first.size} more had no usable value)" if first.size < usable.size else ""
        return Comparison(
            status="insufficient" if first.size else "missing",
            reason=f"there are {first.size} blocks{dropped}, and {_FEWEST_BLOCKS} are needed",
            blocks=first.size,
            **common,
        )
    differences = np.array([scales.difference(late, early) for early, late in zip(first, second, strict=True)])
    if np.all(differences == differences[0]) or not np.isfinite(differences).all():
        return _compare_exactly(first, second, differences, resolution=resolution, common=common)
    return _compare_with_interval(first, second, differences, resolution=resolution, common=common)


def flip_p(differences: Values) -> float:
    """Return the two-sided p of the sign-flip test of the mean of ``differences``.

    It is exact for up to 15 values. For more, of the 2ⁿ ways 100 000 are drawn, the same each time, and p is ``(1 + as
    extreme) / (1 + drawn)`` (Phipson & Smyth 2010, "Permutation p-values should never be zero"), whose standard error
    is ``√(p (1 - p) / 100 000)``: 0.0003 at p = 0.01.

    Args:
        differences: [n] finite, n ≥ 1.
    """
    count = differences.size
    # The order of summing moves the last digits, which must not tell equal sums apart.
    reached = abs(float(differences.sum())) - scales.ROUNDING * float(np.abs(differences).sum())

    def extreme(flipped: NDArray[np.integer[Any]]) -> int:
        return int(np.count_nonzero(np.abs((1.0 - 2.0 * flipped) @ differences) >= reached))

    if count <= _ENUMERATED_UP_TO:
        # Flipping all signs leaves the size of the sum as it was, so half of the ways tell all.
        ways = 1 << (count - 1)
        return extreme(np.arange(ways)[:, None] >> np.arange(count) & 1) / ways
    generator = np.random.default_rng(_SEED)
    rounds = _DRAWS // _DRAWN_AT_ONCE
    return (1 + sum(extreme(generator.integers(0, 2, (_DRAWN_AT_ONCE, count))) for _ in range(rounds))) / (1 + _DRAWS)


def _block_means(values: ArrayLike, scale: Scale) -> Values:
    """Return the means of the blocks on the scale: [blocks], NaN where a value is not usable."""
    array: Values = np.asarray(values, dtype=np.float64)
    if array.ndim not in {1, 2}:
        raise ConfigurationError(f"values of blocks have the shape [blocks] or [blocks, trials], not {array.shape!r}")
    if scale == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            array = np.log(array)
    if array.ndim == 1:
        return array
    with np.errstate(invalid="ignore"):
        means: Values = array.mean(axis=1)
    return means


def _compare_with_interval(
    first: Values, second: Values, differences: Values, *, resolution: float, common: dict[str, Any]
) -> Comparison:
    kept = _kept(differences)
    first, second, differences = first[kept], second[kept], differences[kept]
    scale, smallest, alpha = (
        common["scale"],
        scales.shift_of(common["smallest_effect"], common["scale"]),
        common["alpha"],
    )
    count, outliers = differences.size, int(np.count_nonzero(~kept))
    floor = resolution / math.exp(float(first.mean())) if scale == "log" else resolution
    deviation = max(float(differences.std(ddof=1)), floor)
    error, freedom = deviation / math.sqrt(count), count - 1 - outliers
    shift = float(differences.mean())
    width = prediction.quantile(1 - alpha / 2, freedom) * error
    by_flipping = flip_p(differences)
    changed = abs(shift) > width and abs(shift) >= smallest - scales.ROUNDING and by_flipping <= _FLIP_ALPHA
    worst = shift + width if common["direction"] == "lower" else width - shift
    status: ComparisonStatus = "inconclusive"
    if changed:
        status = "regressed" if scales.is_worse(shift, common["direction"]) else "improved"
    elif worst < smallest:
        status = "pass"
    detectable = max(width, smallest) + prediction.quantile(_POWER, freedom) * error
    low, high = scales.effect_of(shift - width, scale), scales.effect_of(shift + width, scale)
    aside = f"; {outliers} outlying {'block was' if outliers == 1 else 'blocks were'} put aside" if outliers else ""
    return Comparison(
        status=status,
        reason=(
            f"{_position(shift, count, common)}, between {scales.shown(low, scale)} and {scales.shown(high, scale)} at "
            f"{100 * (1 - alpha):.3g} %, and {scales.shown(common['smallest_effect'], scale)} is the smallest effect "
            f"worth a word{_advice(status)}{aside}"
        ),
        blocks=count,
        outliers=outliers,
        **_levels(first, second, scale),
        effect=scales.effect_of(shift, scale),
        low=low,
        high=high,
        p=prediction.two_sided_p(shift / error, freedom) if error > 0 else 0.0,
        flip_p=by_flipping,
        spread=deviation,
        detectable=abs(scales.effect_of(detectable if common["direction"] == "lower" else -detectable, scale)),
        **common,
    )


def _kept(differences: Values) -> NDArray[np.bool_]:
    """Tell which blocks are computed with: [blocks]; all of them where many lie far out, which is no accident."""
    yardstick = prediction.robust_deviation(differences.tolist())
    kept = np.abs(differences - np.median(differences)) <= _OUTLYING * yardstick
    if yardstick == 0 or np.count_nonzero(~kept) > _OUTLIERS_AT_MOST * differences.size:
        return np.ones(differences.size, dtype=np.bool_)
    return kept


def _compare_exactly(
    first: Values, second: Values, differences: Values, *, resolution: float, common: dict[str, Any]
) -> Comparison:
    """Compare where no interval can be computed: all blocks agree to the last digit, or some differ without bound."""
    if np.any(differences != differences[0]):
        infinite = np.count_nonzero(np.isinf(differences))
        return Comparison(
            status="inconclusive",
            reason=f"in {infinite} of {differences.size} blocks the difference is infinite",
            blocks=differences.size,
            **common,
        )
    scale, shift = common["scale"], float(differences[0])
    levels = _levels(first, second, scale)
    beyond = abs(scales.difference(levels["b"], levels["a"]))
    smallest = scales.shift_of(common["smallest_effect"], scale)
    status: ComparisonStatus = "pass"
    if shift != 0 and beyond > resolution and abs(shift) >= smallest - scales.ROUNDING:
        status = "regressed" if scales.is_worse(shift, common["direction"]) else "improved"
    effect = scales.effect_of(shift, scale)
    return Comparison(
        status=status,
        reason=f"{_position(shift, differences.size, common)}, the same in each of them",
        blocks=differences.size,
        **levels,
        effect=effect,
        low=effect,
        high=effect,
        p=1.0 if shift == 0 else 0.0,
        flip_p=1.0 if shift == 0 else 2.0 ** (1 - differences.size),
        spread=0.0,
        detectable=common["smallest_effect"],
        **common,
    )


def _levels(first: Values, second: Values, scale: Scale) -> dict[str, Any]:
    means = {"a": float(first.mean()), "b": float(second.mean())}
    return {name: math.exp(mean) if scale == "log" else mean for name, mean in means.items()}


def _position(shift: float, blocks: int, common: dict[str, Any]) -> str:
    if shift == 0:
        return f"b is equal to a over {blocks} blocks"
    size = scales.shown(abs(scales.effect_of(shift, common["scale"])), common["scale"])
    return f"b is {size} {'above' if shift > 0 else 'below'} a over {blocks} blocks"


def _advice(status: ComparisonStatus) -> str:
    return "; more blocks are wanted" if status == "inconclusive" else ""
