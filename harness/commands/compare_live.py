"""Two subjects that are on this machine, run in turns: every case built once by each, then timed in blocks."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.cases import expand, metric_named
from harness.cases.metric import METRICS
from harness.commands.compare_result import (
    Compared,
    ComparedSeries,
    ComparisonResult,
    Problem,
    settle,
    verdict_of_blocks,
    verdict_of_one,
)
from harness.ending import end_session
from harness.errors import ConfigurationError, HarnessError
from harness.opening import check_folders, gpu_of, open_for_writing, surroundings_of, target_of
from harness.recorder import Recorder, new_session_id, session_record
from harness.session import CaseRun, CheckFailed
from harness.setting_origins import check_filters
from harness.settings import load_catalogue
from harness.subjects import subjects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.cases import Case
    from harness.cases.target import Choice
    from harness.commands.compare_result import Which
    from harness.history.records import TrialRecord
    from harness.settings import Settings
    from harness.surroundings import Surroundings
    from harness.verdicts.gate import Verdict
    from harness.workers.subject import Subject

# With fewer the smallest p of a sign flip is above 0.05.
FEWEST_BLOCKS = 6
# What is asked of each engine before it is timed.
_STAGES = ("build", "precision", "outputs")
_UNFIT = ("throttled", "contended")
_SIDES: tuple[Which, Which] = ("a", "b")

Values = dict[tuple[str, str], float]


@dataclass(frozen=True, kw_only=True)
class LivePlan:
    """What is going to be run; made without writing anything.

    Attributes:
        cases: of the catalogue.
        subjects: A and B.
        target: what they run on, and why.
        blocks: how many blocks each case is timed in, of four trials each.
        metrics: what is compared.
    """

    cases: tuple[Case, ...]
    subjects: tuple[Subject, Subject]
    target: Choice
    blocks: int
    metrics: tuple[str, ...]


@dataclass(kw_only=True)
class _CaseBlocks:
    """What the trials of one case measured: a list of blocks for A and for B, each of one mapping for every trial."""

    a: list[list[Values]] = field(default_factory=list)
    b: list[list[Values]] = field(default_factory=list)
    fit: list[bool] = field(default_factory=list)


def plan_live(settings: Settings, root: Path, *, blocks: int, metrics: Sequence[str] = ()) -> LivePlan:
    """Decide what to run.

    Args:
        settings: with two ``subjects``, of which the first is A.
        root: the folder that relative paths of the settings are meant from.
        blocks: how many for each case.
        metrics: what to compare; all that a session gates on if empty.

    Raises:
        UsageError: a case, subject, metric or target that cannot be, or a folder that cannot be written.
    """
    if blocks < FEWEST_BLOCKS:
        raise ConfigurationError(f"--blocks is {FEWEST_BLOCKS} or more, for fewer can decide nothing, not {blocks}")
    wanted = metrics_named(metrics)
    check_folders(replace(settings, report=""), root)
    target = target_of(settings)
    a, b = subjects_of(settings, target.target, gpu_of(target))
    catalogue = load_catalogue(settings.catalogue, root)
    check_filters(settings, catalogue)
    cases = expand(
        catalogue,
        models=settings.models,
        precisions=settings.precisions,
        profiles=settings.profiles,
        full=settings.pace == "full",
    )
    return LivePlan(cases=tuple(cases), subjects=(a, b), target=target, blocks=blocks, metrics=wanted)


def metrics_named(names: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics of these names; all that a session gates on if there are none.

    Raises:
        ConfigurationError: there is no such metric.
    """
    chosen = [metric_named(name) for name in names] or [metric for metric in METRICS.values() if metric.gated]
    return tuple(metric.name for metric in chosen)


def run_live(
    plan: LivePlan, settings: Settings, root: Path, *, on_block: Callable[[str, int], None]
) -> ComparisonResult:
    """Run every case, storing each trial as it ends, and compare.

    In the history the trials are numbered from 1: none is the first trial of its case, so that none enters a baseline
    or stands for the state of a suite.

    Args:
        plan: what to run.
        settings: the settings in force.
        root: the folder that relative paths of the settings are meant from.
        on_block: told the id of a case and how many of its blocks are done.

    Raises:
        UsageError: the history cannot be written, or the references that are wanted cannot be had.
    """
    session = new_session_id()
    history = open_for_writing(settings.db, root)
    names = [subject.name for subject in plan.subjects]
    recorder = Recorder(history, session_record(session, root, {**asdict(settings), "compare": names}))
    series: list[ComparedSeries] = []
    problems: list[Problem] = []
    left_out: dict[str, int] = {}
    software: dict[str, str] = {}
    status = "interrupted"
    try:
        around = surroundings_of(session, settings, root, None, target=plan.target.target, gpu=gpu_of(plan.target))
        try:
            for case in plan.cases:
                comparing = _ComparedCase(case, plan, around, recorder)
                try:
                    compared = comparing.run(lambda done, case=case: on_block(case.id, done))  # type: ignore[misc]
                finally:
                    comparing.close()
                    software.update(comparing.software())
                    problems += comparing.problems
                series += compared
                if comparing.left_out:
                    left_out[case.id] = comparing.left_out
            status = "finished"
        except KeyboardInterrupt:
            pass  # what was finished is told
        finally:
            around.workbench.close()
    finally:
        end_session(recorder, status, None)
    where = (around.environment.name,)
    a, b = (Compared(name=name, software=software.get(name, "did not answer"), environments=where) for name in names)
    return ComparisonResult(
        a=a,
        b=b,
        way="interleaved",
        evidence=f"Run in turns, {plan.blocks} blocks of four fresh processes for each case, so that drift of the "
        f"machine moves both alike.",
        series=settle(series),
        problems=tuple(problems),
        left_out=left_out,
        session=session,
        interrupted=status == "interrupted",
    )


class _ComparedCase:
    """One case under both subjects."""

    def __init__(self, case: Case, plan: LivePlan, around: Surroundings, recorder: Recorder) -> None:
        self.problems: list[Problem] = []
        self.left_out = 0
        self._case, self._plan, self._recorder = case, plan, recorder
        self._runs = [CaseRun(case, subject, around) for subject in plan.subjects]
        self._written = [0, 0]
        self._first: list[TrialRecord] = []

    def run(self, on_block: Callable[[int], None]) -> list[ComparedSeries]:
        """Build, compare outputs, time; return the series, or none where one of the two cannot do it."""
        for side, run in enumerate(self._runs):
            _prepare(run)
            (first, *_) = run.records()
            self._first.append(first)
            self._store(side, first)
            self._note(side, first)
        if any(problem.hinders for problem in self.problems):
            return []
        blocks = self._blocks(on_block)
        return [] if blocks is None else [*self._once(), *self._timed(blocks)]

    def software(self) -> dict[str, str]:
        """Return runtime and version by subject's name, as far as they are known."""
        known = [record.subject for record in self._first if record.subject.version]
        return {subject.name: f"{subject.runtime} {subject.version}" for subject in known}

    def close(self) -> None:
        """Remove what only this case needed."""
        for run in self._runs:
            run.close()

    def _note(self, side: int, first: TrialRecord) -> None:
        """Note what went wrong before anything was timed; only what leaves no engine hinders that."""
        built = any(finding.stage == "build" and finding.outcome == "passed" for finding in first.findings)
        if first.outcome == "ok" and built:
            return
        self.problems.append(
            Problem(
                case=self._case.id,
                side=_SIDES[side],
                reason=_in_short(first.message),
                broken=first.outcome != "unsupported",
                hinders=not built,
            )
        )

    def _blocks(self, on_block: Callable[[int], None]) -> _CaseBlocks | None:
        """Time the case in blocks; one in which the machine was not fit is repeated once. None where a trial failed."""
        found = _CaseBlocks()
        for block in range(self._plan.blocks):
            trials = self._block(block, attempt=1)
            if trials is not None and not _fit(trials):
                trials = self._block(block, attempt=2)
            if trials is None:
                return None
            found.a.append([_values(trial) for side, trial in trials if side == 0])
            found.b.append([_values(trial) for side, trial in trials if side == 1])
            found.fit.append(_fit(trials))
            on_block(block + 1)
        self.left_out = found.fit.count(False)
        return found

    def _block(self, block: int, *, attempt: int) -> list[tuple[int, TrialRecord]] | None:
        """Run one block, A B B A or in every other one B A A B, and return its trials with the side of each."""
        first = block % 2
        trials = []
        for position, side in enumerate((first, 1 - first, 1 - first, first)):
            trial = self._runs[side].another_trial()
            of_comparison = {"block": block, "attempt": attempt, "position": position}
            self._store(side, replace(trial, conditions={**trial.conditions, "comparison": of_comparison}))
            if trial.outcome != "ok":
                reason = f"a trial {trial.outcome.replace('_', ' ')}: {_in_short(trial.message)}"
                self.problems.append(Problem(case=self._case.id, side=_SIDES[side], reason=reason))
                return None
            trials.append((side, trial))
        return trials

    def _once(self) -> list[ComparedSeries]:
        """Compare what each engine gives once: its size, and its errors against the reference."""
        a, b = (_values(record) for record in self._first)
        return [
            self._series(key, verdict_of_one(key[0], a.get(key), b.get(key)))
            for key in _keys([a, b], self._plan.metrics)
        ]

    def _timed(self, blocks: _CaseBlocks) -> list[ComparedSeries]:
        """Compare what the trials measured; of an unfit block, what no clock measures."""
        keys = _keys((trial for own in (blocks.a, blocks.b) for block in own for trial in block), self._plan.metrics)
        return [self._series(key, self._verdict(key, blocks)) for key in keys]

    def _verdict(self, key: tuple[str, str], blocks: _CaseBlocks) -> Verdict:
        measured, counted = (
            [
                [[trial.get(key, math.nan) if fit or every else math.nan for trial in block]
                 for block, fit in zip(own, blocks.fit, strict=True)]
                for own in (blocks.a, blocks.b)
            ]
            for every in (True, not metric_named(key[0]).timed)
        )  # fmt: skip
        verdict = verdict_of_blocks(key[0], *counted)
        if verdict.status == "missing" and not np.isnan(measured).all(axis=(1, 2)).any():
            # Both measure it: what is missing is a quiet machine.
            reason = f"the machine was contended or throttled in all of {len(blocks.fit)} blocks"
            return replace(verdict, status="insufficient", reason=reason)
        return verdict

    def _series(self, key: tuple[str, str], verdict: Verdict) -> ComparedSeries:
        return ComparedSeries(case=self._case.id, metric=key[0], point=key[1], verdict=verdict, word=verdict.status)

    def _store(self, side: int, record: TrialRecord) -> None:
        self._written[side] += 1
        self._recorder.add(replace(record, index=self._written[side]))


def _prepare(run: CaseRun) -> None:
    for stage in _STAGES:
        try:
            run.check(stage)
        except (CheckFailed, HarnessError):
            continue  # the run has noted it as a finding


def _fit(trials: Sequence[tuple[int, TrialRecord]]) -> bool:
    return all(trial.quality not in _UNFIT for _, trial in trials)


def _values(record: TrialRecord) -> Values:
    return {(each.metric, each.point): each.value for each in record.measurements}


def _keys(trials: Iterable[Mapping[tuple[str, str], float]], metrics: Collection[str]) -> list[tuple[str, str]]:
    """Return the series of ``metrics`` that any of the trials has, in the order in which they were first seen."""
    return list(dict.fromkeys(key for trial in trials for key in trial if key[0] in metrics))


def _in_short(text: str) -> str:
    """Return the head of a message, with the first of its details."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:2]) or "it left no reason"
