"""The build lottery: the trials of each engine side by side, so that luck with tactics shows beside noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reports import text
from reports.axes import Axis, axis_over
from reports.drawing import LEFT, RIGHT, SHAPES, number, shape_path, value_axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.case_history import CaseTrial

WIDTH, HEIGHT, TOP, BOTTOM = 960, 210, 12, 34
# So many engines fit side by side with a label each.
MOST_ENGINES = 36


@dataclass(frozen=True)
class Dot:
    """One trial of an engine: its value in the unit of the drawing, and what is said of it."""

    trial: int
    subject: int
    value: float
    text: str


@dataclass(frozen=True)
class EngineDots:
    """One engine, i.e. one build, with its trials; ``tactics`` is a letter, the same for builds of the same tactics."""

    build: str
    label: str
    tactics: str
    dots: tuple[Dot, ...]

    @property
    def middle(self) -> float:
        """Median of its trials."""
        return median(dot.value for dot in self.dots)

    @property
    def range(self) -> float:
        """How far its trials lie apart, as a share of their median."""
        values = [dot.value for dot in self.dots]
        return (max(values) - min(values)) / self.middle if self.middle else 0.0


def engine_labels(trials: Sequence[CaseTrial]) -> dict[str, str]:
    """Name the builds in the order in which they were first seen, by build: ``A1``, ``A2`` (same tactics), ``B1``."""
    letters: dict[str, str] = {}
    counts: dict[str, int] = {}
    labels: dict[str, str] = {}
    for trial in trials:
        if not trial.build or trial.build in labels:
            continue
        letter = letters.setdefault(trial.tactics, _letter(len(letters)))
        counts[letter] = counts.get(letter, 0) + 1
        labels[trial.build] = f"{letter}{counts[letter]}"
    return labels


def engines_with_dots(
    trials: Sequence[CaseTrial],
    values: Mapping[int, float],
    subjects: Mapping[str, int],
    labels: Mapping[str, str],
    *,
    divisor: float,
    unit: str,
) -> list[EngineDots]:
    """Return the engines that have a finite value, oldest first.

    Args:
        trials: of the case, oldest first.
        values: of one series, by trial id.
        subjects: the place of each subject, by its hash.
        labels: see ``engine_labels``.
        divisor: from the metric's unit to that of the drawing.
        unit: of the drawing.
    """
    dots: dict[str, list[Dot]] = {}
    for trial in trials:
        value = values.get(trial.id, math.nan)
        if trial.build and math.isfinite(value):
            shown = value / divisor
            said = f"engine {labels[trial.build]}, trial {trial.id}: {text.significant(shown, 4)} {unit}".strip()
            quality = "" if trial.quality == "ok" else f", timings {text.plain(trial.quality, 20)}"
            dot = Dot(trial.id, subjects[trial.subject], shown, f"{said}{quality}")
            dots.setdefault(trial.build, []).append(dot)
    return [EngineDots(b, labels[b], labels[b].rstrip("0123456789"), tuple(own)) for b, own in dots.items()]


def lottery_sentence(engines: Sequence[EngineDots]) -> str:
    """Say how far apart engines lie, and how far apart the trials of one engine: the lottery, and the noise."""
    tactics = len({engine.tactics for engine in engines})
    middles = [engine.middle for engine in engines]
    told = f"{text.count(len(engines), 'engine')} with {text.count(tactics, 'choice')} of tactics"
    middle = median(middles)
    if len(engines) > 1 and middle:
        told += f"; their medians lie {text.percent((max(middles) - min(middles)) / abs(middle))} apart"
    repeated = [engine.range for engine in engines if len(engine.dots) > 1]
    if repeated:
        told += f"; trials of one engine lie {text.percent(median(repeated))} apart (median of {len(repeated)})"
    return f"{told}."


def engine_strip(engines: Sequence[EngineDots], *, unit: str, description: str) -> Markup:
    """Draw the trials of each engine as a column of dots, with a line at their median; nothing without engines.

    Columns of the same tactics that stand side by side share a stripe and a letter. Each dot has the number of its
    trial in ``data-trial``.
    """
    if not engines:
        return Markup()
    values = [dot.value for engine in engines for dot in engine.dots]
    up = axis_over(values, HEIGHT - BOTTOM, TOP, smallest_span=0.02)
    across = Axis(-0.5, max(len(engines), 6) - 0.5, LEFT + 4, WIDTH - RIGHT)
    half = (across.at(1) - across.at(0)) / 2
    parts = [*_stripes(engines, across), *value_axis(up, unit, WIDTH)]
    for column, engine in enumerate(engines):
        x, y = across.at(column), up.at(engine.middle)
        width = min(half * 0.7, 14)
        parts.append(f'<path class="engine-median" d="M{number(x - width)} {number(y)}h{number(2 * width)}"/>')
        parts.append(
            f'<text x="{number(x)}" y="{HEIGHT - BOTTOM + 13}" text-anchor="middle">{escape(engine.label)}</text>'
        )
        for place, dot in enumerate(engine.dots):
            # Dots of equal height beside one another, each with its own place.
            shift = (place - (len(engine.dots) - 1) / 2) * min(6, 1.5 * width / max(len(engine.dots) - 1, 1))
            parts.append(
                f'<path class="dot f{dot.subject % len(SHAPES)}" data-trial="{dot.trial}" d="{shape_path(dot.subject)}"'
                f' transform="translate({number(x + shift)} {number(up.at(dot.value))})">'
                f"<title>{escape(dot.text)}</title></path>"
            )
    return Markup(  # noqa: S704 - numbers, and texts that are escaped
        f'<svg class="chart strip" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(description)}">'
        f"{''.join(parts)}</svg>"
    )


def _stripes(engines: Sequence[EngineDots], across: Axis) -> list[str]:
    parts = []
    start = 0
    for place, (tactics, own) in enumerate(groupby(engines, key=lambda engine: engine.tactics)):
        end = start + len(list(own))
        left, right = across.at(start - 0.5), across.at(end - 0.5)
        shade = " other" if place % 2 else ""
        parts.append(
            f'<rect class="stripe{shade}" x="{number(left)}" y="{TOP}" width="{number(right - left)}" '
            f'height="{HEIGHT - BOTTOM - TOP}"/>'
        )
        if right - left > 60:
            middle = number((left + right) / 2)
            parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">tactics {escape(tactics)}</text>')
        start = end
    return parts


def _letter(place: int) -> str:
    """Return the letters that count: A to Z, then AA, AB and so on."""
    letters = ""
    place += 1
    while place:
        place, remainder = divmod(place - 1, 26)
        letters = chr(ord("A") + remainder) + letters
    return letters
