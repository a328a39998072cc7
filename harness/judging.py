"""The verdicts of one case: each series against its baseline, with the engines that both are of."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.cases import metric_named
from harness.history.engines import build_hash
from harness.history.records import VerdictRecord
from harness.verdicts import gate, scales
from harness.verdicts.builds import Lottery, lottery_of
from harness.verdicts.cause import BuiltEngine, Cause, cause_of
from harness.verdicts.noise import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.cases.metric import Metric
    from harness.history.records import EngineRecord, LayerRecord, MeasurementRecord
    from harness.history.rows import PastRun

# What these measure depends on which tactics the builder chose, so they have a cause class.
_OF_THE_ENGINE = ("latency_", "throughput")
# Of fewer trials the median is one of them, and decides nothing.
FEWEST_TRIALS = 3
# So many builds that all chose the same show that their builder does not choose by chance.
_SETTLED = 8
# Words of quality of a trial whose timings do not count.
UNFIT = ("throttled", "contended")
_EXPLAINED = ("regressed", "improved", "inconclusive")

Key = tuple[str, str]


@dataclass(frozen=True)
class MeasuredTrial:
    """One trial of the session, as the judge sees it."""

    quality: str
    engine: EngineRecord | None
    values: Mapping[Key, float]

    @classmethod
    def of(cls, quality: str, engine: EngineRecord | None, measurements: Sequence[MeasurementRecord]) -> MeasuredTrial:
        """Make one from what was measured."""
        return cls(quality, engine, {(each.metric, each.point): each.value for each in measurements})


class Judge:
    """Judges the series of one case under one subject.

    Args:
        baseline: (metric, point) -> the baseline's runs, oldest first.
        past_runs: (metric, point) -> runs of earlier sessions, the baseline's among them, oldest first.
        layers_of: the layers of a build.
        first: the trial that is judged.
        builds: trials of further engines of this session.
    """

    def __init__(
        self,
        *,
        baseline: Callable[[str, str], Sequence[float]],
        past_runs: Callable[[str, str], Sequence[PastRun]],
        layers_of: Callable[[str], Sequence[LayerRecord]],
        first: MeasuredTrial,
        builds: Sequence[MeasuredTrial] = (),
    ) -> None:
        self._baseline, self._past_runs, self._layers_of = baseline, past_runs, layers_of
        self._first, self._builds = first, builds
        self._build = build_hash(first.engine) if first.engine else ""
        self._known_runs: dict[Key, Sequence[PastRun]] = {}

    def screen(self, metric: str, point: str) -> VerdictRecord:
        """Judge a series by its first trial alone."""
        return self._judge(metric_named(metric), point, [self._first.values[metric, point]])

    def decide(self, screened: VerdictRecord, confirmations: Sequence[MeasuredTrial]) -> VerdictRecord:
        """Judge a series by its first trial and those that followed it up; ``screened`` where they do not have it.

        Timings of a trial that was throttled or contended do not count. Where fewer than three are left, or fewer than
        were asked for where that is less, the verdict stays inconclusive.
        """
        key = screened.metric, screened.point
        metric = metric_named(screened.metric)
        tried = [trial for trial in (self._first, *confirmations) if key in trial.values]
        if len(tried) < 2:  # what only a build or a comparison gives is not measured again by a trial
            return screened
        fit = [trial for trial in tried if not (metric.timed and trial.quality in UNFIT)]
        if len(fit) < min(FEWEST_TRIALS, len(tried)):
            spoilt = Counter(trial.quality for trial in tried if trial not in fit)
            told = ", ".join(f"{count} {quality}" for quality, count in spoilt.items())
            why = f"of {len(tried)} trials {len(fit)} could be used ({told}), which is too few to decide"
            verdict = replace(screened.verdict, reason=f"{screened.verdict.reason}; {why}")
            return replace(screened, verdict=verdict)
        return self._judge(metric, screened.point, [trial.values[key] for trial in fit], left_out=len(tried) - len(fit))

    def _judge(self, metric: Metric, point: str, values: Sequence[float], left_out: int = 0) -> VerdictRecord:
        baseline = self._baseline(metric.name, point)
        of_engine = metric.name.startswith(_OF_THE_ENGINE)
        engines = self._of_baseline(metric, point, baseline) if of_engine else ()
        lottery = self._lottery(metric, point, engines)
        verdict = gate.judge(
            baseline,
            values,
            direction=metric.direction,
            smallest_effect=metric.smallest_effect,
            scale=metric.scale,
            resolution=metric.resolution,
            build_spread=lottery.beyond(len(values)) if lottery else None,
            baseline_builds=len(lottery.runs_of_builds) if lottery else 1,
            unit=metric.unit,
        )
        record = VerdictRecord(metric=metric.name, point=point, verdict=verdict)
        if verdict.status not in _EXPLAINED:
            return record
        said = [verdict.reason]
        details: dict[str, Any] = {}
        if verdict.status != "inconclusive":
            behind = _behind(metric, verdict, values)
            details["trials"] = {"behind": behind, "counted": len(values), "left_out": left_out}
            confirmed = f", confirmed by {behind} of {len(values)} trials" if len(values) > 1 else ""
            said.insert(0, f"{change_in_words(metric, verdict)}{confirmed}")
        if of_engine:
            cause = self._cause(engines)
            details |= {**cause.details(), "build_spread": lottery.deviation if lottery else None}
            if verdict.status == "inconclusive":
                said.append(cause.sentence)
            else:
                said[0] += f", {cause.sentence}"
            record = replace(record, cause=cause.name, cause_details=details)
        if lottery and lottery.deviation is None:
            said.append("it is another build, and how far builds lie apart is not known (--builds K measures it)")
        return replace(record, verdict=replace(verdict, reason="; ".join(said)))

    def _of_baseline(self, metric: Metric, point: str, baseline: Sequence[float]) -> Sequence[PastRun]:
        """Return the runs of the baseline with their engines; a run is known by its value, to the last digit."""
        values = set(baseline)
        return [run for run in self._past(metric.name, point) if run.value in values]

    def _past(self, metric: str, point: str) -> Sequence[PastRun]:
        if (metric, point) not in self._known_runs:
            self._known_runs[metric, point] = self._past_runs(metric, point)
        return self._known_runs[metric, point]

    def _cause(self, of_baseline: Sequence[PastRun]) -> Cause:
        engine = self._first.engine
        built = (
            BuiltEngine(build=self._build, fingerprint=engine.fingerprint, layers=engine.layer_list) if engine else None
        )
        return cause_of(built, [(run.build, run.fingerprint) for run in of_baseline], self._layers_of)

    def _lottery(self, metric: Metric, point: str, of_baseline: Sequence[PastRun]) -> Lottery | None:
        """Return what is known of the spread between builds.

        None where the engine is one of the baseline's, and where the builder shows no lottery: eight builds or more
        that all chose the same. An engine of the same tactics is held against builds that chose them, too.
        """
        builds = [run.build for run in of_baseline if run.build]
        if self._first.engine is None or not builds or self._build in builds:
            return None
        chosen = {run.fingerprint for run in of_baseline if run.build}
        if len(chosen) == 1 and len(set(builds)) >= _SETTLED:
            return None
        own = self._first.engine.fingerprint
        sessions = {run.session_id for run in of_baseline}
        past = [
            (run.build, run.fingerprint, run.value)
            for run in self._past(metric.name, point)
            if run.session_id in sessions
        ]
        today = [
            (build_hash(trial.engine), trial.engine.fingerprint, trial.values.get((metric.name, point), math.nan))
            for trial in (self._first, *self._builds)
            if trial.engine and trial.quality not in UNFIT
        ]
        groups = [
            [
                Run(build=build, value=value)
                for build, fingerprint, value in group
                if build and 0 < value < math.inf and (own not in chosen or fingerprint == own)
            ]
            for group in (past, today)
        ]
        return lottery_of(builds, groups)


def change_in_words(metric: Metric, verdict: gate.Verdict) -> str:
    """Say a change that has an effect: ``slower by 3.1 % [2.2 %, 4 %], more than 2 %``."""
    assert verdict.effect is not None, "what changed has changed by something"
    if metric.direction == "higher":
        worse, better = "lower", "higher"
    else:
        worse, better = ("slower", "faster") if metric.timed else ("larger", "smaller")
    sign = 1 if verdict.effect > 0 else -1
    word = worse if (sign > 0) == (metric.direction == "lower") else better
    ends = sorted(sign * end for end in (verdict.low, verdict.high) if end is not None)
    between = f" [{', '.join(_amount(metric, end) for end in ends)}]" if ends else ""
    least = scales.effect_of(sign * scales.shift_of(metric.smallest_effect, metric.scale), metric.scale)
    return f"{word} by {_amount(metric, abs(verdict.effect))}{between}, more than {_amount(metric, abs(least))}"


def _behind(metric: Metric, verdict: gate.Verdict, values: Sequence[float]) -> int:
    """Count the trials that alone lie as far on the changed side as is worth a word."""
    assert verdict.baseline is not None
    assert verdict.effect is not None
    level = scales.scaled(verdict.baseline, metric.scale)
    least = scales.shift_of(metric.smallest_effect, metric.scale) - scales.ROUNDING
    shifts = (scales.difference(scales.scaled(value, metric.scale), level) for value in values)
    return sum((shift if verdict.effect > 0 else -shift) >= least for shift in shifts)


def _amount(metric: Metric, effect: float) -> str:
    return scales.shown(effect, metric.scale, metric.unit)
