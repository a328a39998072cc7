"""A verdict in words: the sentence, its numbers, and the commands that reproduce it and decide about it."""

from __future__ import annotations

import glob
import math
import shlex
from typing import TYPE_CHECKING

from harness.judging import change_in_words
from harness.verdicts import scales
from reports import text
from reports.current import describe_change, interval, metric_of
from reports.pages import Fact
from reports.rerun import command_again

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.rows import SessionRow
    from harness.verdicts.gate import Verdict
    from reports.verdict_reading import Told


def sentence_of(told: Told) -> str:
    """Say what was found in one sentence.

    For example: "Slower by 3.1 % [2.2 %, 4 %], more than 2 %, confirmed by 5 of 5 trials, other tactics in 2 layers."
    """
    verdict, metric = told.verdict, metric_of(told.series.metric)
    numbers = (verdict.effect, verdict.low, verdict.high)
    changed = verdict.status in ("regressed", "improved", "quarantined") and verdict.effect
    if not changed or not all(math.isfinite(number) for number in numbers if number is not None):
        said = describe_change(told.series.metric, told.series.point, verdict)
        return f"{said[:1].upper()}{said[1:]}."
    said = change_in_words(metric, verdict)
    trials = told.details.get("trials", {})
    if isinstance(trials, dict) and verdict.k > 1 and "behind" in trials:
        said += f", confirmed by {trials['behind']} of {verdict.k} trials"
    layers = [layer for layer in layers_of(told.details) if layer.get("changed") != ["time"]]
    if told.cause == "other tactics":
        said += f", other tactics in {text.count(len(layers), 'layer')}" if layers else ", other tactics"
    elif told.cause:
        said += f", {'cause unknown' if told.cause == 'unknown' else told.cause}"
    return text.sentence(f"{said[:1].upper()}{said[1:]}.", 600)


def numbers_of(told: Told) -> tuple[Fact, ...]:
    """Return the verdict's numbers by name, as far as it has them."""
    verdict, unit = told.verdict, metric_of(told.series.metric).unit
    facts = [
        ("measured", text.quantity(verdict.value, unit)),
        ("baseline", text.quantity(verdict.baseline, unit)),
        ("change", "" if verdict.effect is None else text.change(verdict.effect, verdict.scale, unit)),
        ("interval", interval(verdict, unit)),
        ("smallest effect worth a word", _smallest(verdict, unit)),
        ("baseline runs", str(verdict.n)),
        ("trials that decided", str(verdict.k)),
        ("p, if nothing changed", _probability(verdict.p)),
        ("q, over the session's series", _probability(verdict.q)),
        ("spread of single runs", _size(verdict.spread, verdict, unit)),
        ("could have found", _size(verdict.detectable, verdict, unit)),
    ]
    return tuple(Fact(name, value) for name, value in facts if value)


def _smallest(verdict: Verdict, unit: str) -> str:
    """Write the smallest effect; one that is a factor is other percents upwards than downwards."""
    shown = scales.shown(verdict.smallest_effect, verdict.scale, unit)
    if verdict.scale == "linear" or verdict.smallest_effect == 0:
        return shown
    downwards = scales.effect_of(-scales.shift_of(verdict.smallest_effect, verdict.scale), verdict.scale)
    return f"{shown} more or {scales.shown(-downwards, verdict.scale)} less"


def cause_sentence(told: Told) -> str:
    """Say what the change goes with; empty where nobody asked."""
    builds = told.details.get("baseline_builds")
    of_builds = f" The baseline's runs are of {text.count(builds, 'engine')}." if isinstance(builds, int) else ""
    said = {
        "same engine": "The trial ran an engine of its baseline: what changed is not the engine, but what it runs on.",
        "rebuilt, same tactics": "The engine was built anew, and chose the tactics of its baseline's.",
        "other tactics": "The engine was built anew, and chose other tactics than its baseline's.",
        "unknown": "The engines to compare are not known.",
    }
    return f"{said[told.cause]}{of_builds}" if told.cause in said else text.plain(told.cause, 100)


def layers_of(details: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    """Return the layers that changed, as ``harness.verdicts.cause`` stores them."""
    listed = details.get("layers")
    return [layer for layer in listed if isinstance(layer, dict)] if isinstance(listed, list) else []


def commands_of(told: Told, session: SessionRow) -> tuple[Fact, ...]:
    """Return what to type: to measure it again, to accept it, to put it off, or to say that a case is gone."""
    series, record = told.series, session.record
    again = command_again(record, model=series.model, precision=series.precision, profile=series.profile)
    case, metric = glob.escape(series.case_id), glob.escape(series.metric)
    point = (glob.escape(series.point),) if series.point else ()
    commands = [("Measure it again", again)]
    status = told.verdict.status
    if status in ("regressed", "improved", "inconclusive", "quarantined"):
        accept = _typed("trt-harness", "baseline", "ack", case, metric, *point, "--session", record.id)
        commands.append(("Accept it as the new level", f"{accept} --reason TEXT"))
    if status in ("regressed", "inconclusive"):
        put_off = _typed("trt-harness", "baseline", "quarantine", case, metric)
        commands.append(("Put it off up to a day", f"{put_off} --until YYYY-MM-DD --reason TEXT"))
    if status == "missing":
        gone = _typed("trt-harness", "baseline", "drop", case)
        commands.append(("Say that the case is gone on purpose", f"{gone} --reason TEXT"))
    return tuple(Fact(name, text.plain(command, 600)) for name, command in commands)


def _typed(*words: str) -> str:
    return shlex.join(words)


def _probability(value: float | None) -> str:
    if value is None:
        return ""
    return "below 1e-12" if 0 < value < 1e-12 else text.significant(value, 2)


def _size(value: float | None, verdict: Verdict, unit: str) -> str:
    return "" if value is None else text.change(value, verdict.scale, unit).lstrip("+")
