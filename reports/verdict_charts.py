"""The drawings of a verdict's page: the runs before it, the trials that decided, and the samples of two trials."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

from reports.axes import Axis, axis_over, round_ticks, tick_labels
from reports.drawing import LEFT, RIGHT, number, value_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, TOP, BOTTOM = 760, 250, 16, 40
# Where the runs of the baseline end, as a share of the width.
_DIVIDE = 0.72
_STEPS = 120
# Outliers beyond these quantiles would press the rest into a line.
_DRAWN = (0.005, 0.99)


@dataclass(frozen=True)
class TrialDot:
    """A trial of the session: its finite value, and why it did not count; empty if it did."""

    value: float
    left_out: str = ""


def runs_chart(
    baseline: Sequence[float],
    trials: Sequence[TrialDot],
    *,
    band: tuple[float, float] | None,
    median: float | None,
    unit: str,
    description: str,
) -> Markup:
    """Draw the runs before, where a run was expected, and the trials of the session.

    Args:
        baseline: finite values, oldest first; with ``trials`` at least one.
        trials: of the session, in their order.
        band: the values between which the median of the trials would have been no news.
        median: of the baseline.
        unit: of the values, for the axis.
        description: what a screen reader says instead of the drawing.
    """
    values = [*baseline, *(trial.value for trial in trials)]
    spread = max(values) - min(values)
    # A band of a noisy start may be so wide that it would press the points into a line.
    whole = band is not None and band[1] - band[0] <= 6 * max(spread, 0.02 * max(map(abs, values)))
    up = axis_over([*values, *(band if band and whole else ())], HEIGHT - BOTTOM, TOP, smallest_span=0.02)
    divide = LEFT + _DIVIDE * (WIDTH - LEFT - RIGHT)
    before = Axis(0, max(len(baseline) - 1, 1), LEFT + 14, divide - 14)
    after = Axis(0, max(len(trials) - 1, 1), divide + 22, WIDTH - RIGHT - 18)
    parts = value_axis(up, unit, WIDTH)
    if band:
        top, bottom = up.at(band[1]), up.at(band[0])
        parts.append(
            f'<rect class="band" x="{LEFT}" y="{number(top)}" width="{WIDTH - RIGHT - LEFT}" '
            f'height="{number(max(bottom - top, 1))}"/>'
        )
    if median is not None and math.isfinite(median):
        parts.append(f'<path class="median" d="M{LEFT} {number(up.at(median))}H{WIDTH - RIGHT}"/>')
    parts.append(f'<path class="grid" d="M{number(divide)} {TOP - 8}V{HEIGHT - BOTTOM}"/>')
    parts += [
        f'<circle class="run" cx="{number(before.at(place))}" cy="{number(up.at(value))}" r="3.2"/>'
        for place, value in enumerate(baseline)
    ]
    for place, trial in enumerate(trials):
        x, y = number(after.at(place)), number(up.at(trial.value))
        title = f"<title>trial {place + 1}{escape(f': left out, {trial.left_out}' if trial.left_out else '')}</title>"
        if trial.left_out:
            parts.append(f'<path class="spoilt" d="M{x} {y}m-4-4l8 8m0-8l-8 8">{title}</path>')
        else:
            parts.append(f'<path class="decided" d="M{x} {y}m0-5l5 5l-5 5l-5-5z">{title}</path>')
    below = {
        (LEFT + divide) / 2: f"{len(baseline)} runs before, oldest first",
        (divide + WIDTH - RIGHT) / 2: "trials of this session",
    }
    parts += [
        f'<text class="tick" x="{number(middle)}" y="{HEIGHT - 18}" text-anchor="middle">{label}</text>'
        for middle, label in below.items()
    ]
    return _drawn(HEIGHT, "runs", description, parts)


def samples_chart(
    now: np.ndarray, before: np.ndarray | None, *, labels: tuple[str, str], unit: str, description: str
) -> Markup:
    """Draw which share of the samples is not above which value, for a trial and for the last good run.

    Args:
        now: finite samples of the trial, float [n], at least two.
        before: the same of the other, or None.
        labels: of the two lines.
        unit: of the samples.
        description: what a screen reader says instead of the drawing.
    """
    across = Axis(*drawn_range(now, before), LEFT, WIDTH - RIGHT)
    up = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP + 14)
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = number(up.at(share))
        parts.append(
            f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{y}" dy="3.5" text-anchor="end">{share:.0%}</text>'
        )
    ticks = round_ticks(across.low, across.high, 7)
    for tick, label in zip(ticks, tick_labels(ticks), strict=True):
        x = number(across.at(tick))
        parts.append(
            f'<path class="grid" d="M{x} {HEIGHT - BOTTOM}v4"/>'
            f'<text class="tick" x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{label}</text>'
        )
    parts.append(f'<text class="axis" x="{WIDTH // 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(unit)}</text>')
    # Each label at the side where its line is.
    now_is_left = before is not None and float(np.median(now)) < float(np.median(before))
    for kind, samples, label in zip(("now", "before"), (now, before), labels, strict=True):
        if samples is None or len(samples) < 2:
            continue
        shares = np.linspace(0.0, 1.0, min(_STEPS, len(samples)))
        quantiles = np.quantile(samples, shares)
        inside = [(q, s) for q, s in zip(quantiles, shares, strict=True) if across.low <= q <= across.high]
        points = "L".join(f"{number(across.at(q))} {number(up.at(s))}" for q, s in inside)
        edge, anchor = (LEFT, "start") if (kind == "now") == now_is_left else (WIDTH - RIGHT, "end")
        dash = "solid line" if kind == "now" else "dashed line"
        parts.append(
            f'<path class="shares {kind}" d="M{points}"/>'
            f'<text class="{kind}" x="{edge}" y="{TOP + 2}" text-anchor="{anchor}">{escape(label)} ({dash})</text>'
        )
    return _drawn(HEIGHT, "samples", description, parts)


def drawn_range(now: np.ndarray, before: np.ndarray | None) -> tuple[float, float]:
    """Return the values between which samples are drawn: all but the farthest, with some air around them."""
    several = [samples for samples in (now, before) if samples is not None]
    low = min(float(np.quantile(samples, _DRAWN[0])) for samples in several)
    high = max(float(np.quantile(samples, _DRAWN[1])) for samples in several)
    axis = axis_over([low, high], 0.0, 1.0, smallest_span=0.01)
    return axis.low, axis.high


def _drawn(height: int, kind: str, description: str, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - numbers, and texts that are escaped
        f'<svg class="chart {kind}" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(description)}">'
        f"{''.join(parts)}</svg>"
    )
