"""The parts of a verdict's page that are drawn or tabled: runs, samples, layers, and the machine at the time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from reports import text
from reports.current import metric_of
from reports.names import facts_of
from reports.trends import expected_band
from reports.verdict_charts import TrialDot, drawn_range, runs_chart, samples_chart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.verdict_reading import Evidence, Told

# Conditions that are not of the machine at the time, or are told elsewhere.
_NOT_TELEMETRY = frozenset(
    {
        *("layer_times", "unreadable_layers", "instrumented_difference", "multiply_adds", "roofline", "machine"),
        *("heavy", "measured"),
    }
)
# Clocks and temperatures are never the same twice; by less than this share they are as they were.
_ALIKE = 0.1
# No part of a version, a serial number or a name.
_NUMBERS = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")


@dataclass(frozen=True)
class LayerView:
    """A layer that is not what it was."""

    name: str
    changed: str
    tactics: str
    types: str
    before: str
    after: str


@dataclass(frozen=True)
class ConditionView:
    """A fact of the machine at the time, in the last good run and in this one."""

    name: str
    before: str
    now: str
    differs: bool


def runs_part(told: Told, evidence: Evidence) -> tuple[Markup, str]:
    """Draw the runs before and the trials of the session, and say what is drawn."""
    unit = metric_of(told.series.metric).unit
    values = [run.value for run in evidence.baseline if math.isfinite(run.value)]
    trials = [trial for trial in evidence.trials if math.isfinite(trial.value)]
    if not values and not trials:
        return Markup(), "No value of it can be drawn."
    left_out = [trial.left_out for trial in trials if trial.left_out]
    deciding = len(trials) - len(left_out)
    divisor, name = text.scale_of(unit, max(map(abs, [*values, *(trial.value for trial in trials)])))
    band = expected_band(told.verdict)
    sentence = f"Dots: the {text.count(len(values), 'run')} before it" if values else "It has no run before it"
    if values and not evidence.certain:
        sentence += " that are likely to have been its baseline, of which the history keeps the median"
    sentence += f". Diamonds: {text.count(deciding, 'trial')} of this session"
    if left_out:
        sentence += f"; crosses: {len(left_out)} left out ({text.listed(sorted(set(left_out)))})"
    sentence += "."
    if band:
        expected = f"{text.quantity(band[0], unit)} to {text.quantity(band[1], unit)}"
        sentence += f" Shaded: where their median was expected, {expected}."
    chart = runs_chart(
        [value / divisor for value in values],
        [TrialDot(trial.value / divisor, text.plain(trial.left_out, 20)) for trial in trials],
        band=(band[0] / divisor, band[1] / divisor) if band else None,
        median=told.verdict.baseline / divisor if told.verdict.baseline is not None else None,
        unit=name,
        description=sentence,
    )
    return chart, sentence


def samples_part(told: Told, evidence: Evidence) -> tuple[Markup, str]:
    """Draw the raw samples of the trial and of the last good run, and say what is drawn; nothing if none were kept."""
    unit = metric_of(told.series.metric).unit
    now, before = (None if each is None else each[np.isfinite(each)] for each in evidence.samples)
    if now is None or len(now) < 2:
        return Markup(), ""
    told_now = f"Half of the {len(now):,} samples of the trial are below {text.quantity(float(np.median(now)), unit)}"
    if before is not None and len(before) > 1:
        middle = text.quantity(float(np.median(before)), unit)
        sentence = f"{told_now}, and half of the {len(before):,} of the last good run below {middle}."
    else:
        before, sentence = None, f"{told_now}. The last good run kept none."
    low, high = drawn_range(now, before)
    outside = sum(int(np.count_nonzero((each < low) | (each > high))) for each in (now, before) if each is not None)
    if outside:
        sentence += f" {text.count(outside, 'sample')} beyond the drawing's edges."
    session = text.plain(evidence.good_session, 12)
    labels = ("this trial", f"last good run, session {session}" if before is not None else "")
    return samples_chart(now, before, labels=labels, unit=unit, description=sentence), sentence


def layer_view(layer: Mapping[str, Any]) -> LayerView:
    """Return a changed layer from what ``harness.verdicts.cause`` stored of it."""

    def pair(key: str) -> list[Any]:
        values = layer.get(key)
        return values if isinstance(values, list) and len(values) == 2 else ["", ""]

    def both(key: str) -> str:
        before, after = (text.plain(str(each or ""), 120) for each in pair(key))
        return before if before == after else f"{before or 'none'} → {after or 'none'}"

    changed = layer.get("changed")
    before, after = pair("milliseconds")
    return LayerView(
        name=text.plain(str(layer.get("name", "")), 160),
        changed=text.plain(", ".join(map(str, changed)) if isinstance(changed, list) else "", 60),
        tactics=both("tactics"),
        types=both("types"),
        before=text.quantity(before if isinstance(before, float) else None, "ms"),
        after=text.quantity(after if isinstance(after, float) else None, "ms"),
    )


def conditions_part(both: tuple[Mapping[str, Any], Mapping[str, Any]]) -> tuple[ConditionView, ...]:
    """Return the conditions of the trial beside those of the last good run."""
    now, before = (
        {fact.name: fact.value for fact in facts_of({k: v for k, v in each.items() if k not in _NOT_TELEMETRY})}
        for each in both
    )
    return tuple(
        ConditionView(
            name=name,
            before=before.get(name, text.ABSENT),
            now=now.get(name, text.ABSENT),
            differs=name in before and name in now and not _alike(before[name], now[name]),
        )
        for name in dict.fromkeys([*now, *before])
    )


def _alike(before: str, now: str) -> bool:
    """Tell whether two facts say the same, but for numbers that are about the same."""
    texts = [fact.replace("−", "-").replace(",", "") for fact in (before, now)]
    if _NUMBERS.sub("", texts[0]) != _NUMBERS.sub("", texts[1]):
        return False
    pairs = zip(*(map(float, _NUMBERS.findall(each)) for each in texts), strict=True)
    return all(abs(a - b) <= _ALIKE * max(abs(a), abs(b)) for a, b in pairs)
