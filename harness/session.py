"""One case, from plan to verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from harness.accuracy.audit import audit_precision
from harness.cases import FP32, Case, metric_named
from harness.cases.target import CPU, Target, number_type_of, refuses
from harness.errors import HarnessError, Unsupported, WorkerCrashed, WorkerTimedOut
from harness.history.decisions import quarantined
from harness.history.records import (
    FindingRecord,
    MeasurementRecord,
    SubjectRecord,
    TrialRecord,
    VerdictRecord,
)
from harness.invariances import failures, invariance_measurements, summary
from harness.judging import UNFIT, Judge, MeasuredTrial
from harness.layers_command import layers_command
from harness.measurement.sampling import SamplingPlan
from harness.pipeline import NotReached, Pipeline
from harness.reference_stage import (
    reference_conditions,
    reference_doubts,
    reference_measurements,
    reference_remark,
)
from harness.rooflines import cost_conditions, roofline_measurements, rooflines_of
from harness.settings import PACES, build_options_of
from harness.spacing import Spacing
from harness.trials import (
    accuracy_measurements,
    build_measurements,
    engine_record,
    graph_record,
    layer_conditions,
    tensor_errors,
    timing_measurements,
)
from harness.verdicts.findings import grouped
from harness.workbench import Phases, Workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.cases.boards import Board
    from harness.history.decisions import Decision
    from harness.history.records import EngineRecord, EnvironmentRecord, LayerRecord, Outcome
    from harness.history.rows import PastRun
    from harness.measurement.roofline import Roofline
    from harness.settings import Settings
    from harness.workers.subject import Subject

# How many layers a message names.
_MOST_LAYERS = 12

# What is asked of every case, in this order; each is one pytest item.
STAGES = ("build", "precision", "reference", "outputs", "layers", "invariance", "task", "latency", "regression")


class CheckFailed(AssertionError):  # noqa: N818 - as HarnessError's are named
    """The engine is there but is not what was demanded; the text says what, measured, allowed and where."""


class NotJudged(HarnessError):  # noqa: N818 - it is an answer rather than an error
    """A stage that could not say yes or no; its text is the reason of a skip, never a pass."""


def pytest_command(case: Case, stage: str) -> str:
    """Return the command line that runs one stage of a case of the catalogue."""
    return (
        f"pytest suites/ --models {case.model.name} --precisions {case.precision.name} "
        f"--profiles {case.profile.name} -k {stage}"
    )


@dataclass(frozen=True)
class Surroundings:
    """What all cases of a session have in common.

    Attributes:
        session: the session's id.
        settings: the settings in force.
        environment: the machine.
        workbench: workers and folders.
        baseline: (case, metric, point, runtime) -> the baseline's runs, oldest first.
        past_runs: (case, metric, point, runtime) -> runs of earlier sessions with their engines, oldest first.
        layers_of: the layers of an engine of an earlier session, by its build.
        quarantine: (case, metric) -> the quarantine that keeps its regressions from failing, if there is one.
        remarks: what the session's header says of its baselines, a sentence each.
        reproduce: (case, stage) -> the command that runs one stage again.
        target: what the session runs on.
        board: what is known of its GPU from the maker's data sheet, if anything.
        spacing: the waiting between trials that confirm each other.
    """

    session: str
    settings: Settings
    environment: EnvironmentRecord
    workbench: Workbench
    baseline: Callable[[Case, str, str, str], Sequence[float]]
    past_runs: Callable[[Case, str, str, str], Sequence[PastRun]] = lambda *_: ()
    layers_of: Callable[[str], Sequence[LayerRecord]] = lambda _: ()
    quarantine: Callable[[Case, str], Decision | None] = lambda *_: None
    remarks: Sequence[str] = ()
    reproduce: Callable[[Case, str], str] = pytest_command
    target: Target = CPU
    board: Board | None = None
    spacing: Spacing = field(default_factory=lambda: Spacing(0.0))


class CaseRun:
    """One case under one subject in one session.

    Each ``check_…`` method is a stage: it does what it needs and has not been done, so that one alone can be run, and
    nothing is done twice. What was found is in ``records``.
    """

    def __init__(self, case: Case, subject: Subject, around: Surroundings) -> None:
        self.case, self.subject = case, subject
        self.findings: list[FindingRecord] = []
        self._around = around
        self._phases = Phases()
        self._started_at = datetime.now(timezone.utc)
        self._outcome: Outcome = "ok"
        self._message = ""
        self._confirmations: list[dict[str, Any]] = []
        self._builds: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._verdicts: tuple[VerdictRecord, ...] | None = None
        self._pipeline = Pipeline(
            case,
            subject,
            around.workbench,
            self._phases,
            smallest_only=around.settings.pace == "quick",
            sampling=SamplingPlan(seconds=PACES[around.settings.pace]),
            timeout=around.settings.case_timeout,
            refusal=refuses(around.target, case.precision),
            options=build_options_of(around.settings.build_options),
            engine_name=self.id,
            engines=around.settings.engines,
        )

    @property
    def id(self) -> str:
        """The case's id, with the subject's name where one was given."""
        return case_run_id(self.case, self.subject)

    def check(self, stage: str) -> None:
        """Run ``check_<stage>`` and note how it ended.

        Args:
            stage: one of ``STAGES``.

        Raises:
            CheckFailed: the engine is not what was demanded.
            NotJudged: there is neither a yes nor a no; likewise NotReached and Unsupported.
            HarnessError: the runtime, the worker or the input failed.
        """
        try:
            remark: str | None = getattr(self, f"check_{stage}")()
        except (NotJudged, NotReached, Unsupported) as reason:
            self.findings.append(FindingRecord(stage=stage, outcome="skipped", message=str(reason)))
            if isinstance(reason, Unsupported):
                self._outcome, self._message = "unsupported", str(reason)
            raise
        except (CheckFailed, HarnessError) as failure:
            self.findings.append(FindingRecord(stage=stage, outcome="failed", message=str(failure)))
            if self._outcome == "ok":
                self._outcome, self._message = _outcome_of(failure), str(failure)
            raise
        self.findings.append(FindingRecord(stage=stage, outcome="passed", message=remark or ""))

    def check_build(self) -> str:
        """Demand that the runtime builds an engine from the case's graph; return where it is from, if not from now."""
        remark: str = self._pipeline.build()["remark"]
        return remark

    def check_precision(self) -> None:
        """Demand that the engine computes in the number type that was asked for."""
        precision, model = self.case.precision, self.case.model
        audit = audit_precision(
            precision.recipe,
            graph=self._pipeline.graph()["type_shares"],
            engine=self._pipeline.build()["type_shares"],
            emulated=self._pipeline.versions()["emulated"],
            required=model.type_share.get(self.subject.runtime, {}).get(precision.name),
        )
        if audit.undecided:
            raise NotJudged(f"the engine does not tell enough of its number types: {audit.sentence}")
        if not audit.passed:
            others = [name for name, kind in self._pipeline.build()["computing"] if kind != audit.asked]
            fallen = f"fell back: {', '.join(others[:_MOST_LAYERS])}" if audit.audited == "engine" and others else ""
            more = f" … and {len(others) - _MOST_LAYERS} more" if fallen and len(others) > _MOST_LAYERS else ""
            what = f"the engine is not in its precision: {audit.sentence}"
            self._refuse("precision", what, *([fallen + more] if fallen else []))

    def check_reference(self) -> str:
        """Demand that others make the same of the FP32 graph, with less noise than is tolerated; return who agrees."""
        answer = self._pipeline.witnesses()
        precisions = {precision.name: precision for precision in (FP32, self.case.precision)}
        limits = {name: self.case.model.tolerances_for(precision) for name, precision in precisions.items()}
        if found := reference_doubts(answer, limits):
            self._refuse("reference", "the reference cannot vouch for this engine", *found)
        return reference_remark(answer)

    def check_outputs(self) -> None:
        """Demand that every output is within its tolerance, at every point of the profile."""
        points = self._pipeline.outputs()["points"]
        broken = [
            f"at {label}: {e['sentence']}" for label, entries in points.items() for e in entries if not e["passed"]
        ]
        if broken:
            self._refuse("outputs", "outputs leave their tolerance", *broken)

    def check_layers(self) -> None:
        """Demand that every layer is within its tolerance, at the smallest point."""
        report = self._pipeline.layers()
        if not report["tensors"]:
            raise NotJudged(
                "no inner tensor exists both in this graph and in the FP32 graph, so no layer can be compared"
            )
        if not report["passed"]:
            where = self.case.profile.smallest.label
            self._refuse(
                "layers",
                f"layers leave their tolerance at {where}",
                *report["description"].splitlines(),
                *self._layer_origins(),
                f"every layer: {layers_command(self.case, self._pipeline.graph()['inputs'])}",
            )

    def _layer_origins(self) -> list[str]:
        try:
            lines: list[str] = self._pipeline.layer_origins()["lines"]
        except HarnessError as failure:
            # The layers were compared and fail, whether or not they can be run alone.
            return [f"where it comes from cannot be told: {str(failure).splitlines()[0]}"]
        return lines

    def check_invariance(self) -> str:
        """Demand that nothing changes an answer that must not; return what holds and what was left out, and why."""
        items = self._pipeline.invariances()["items"]
        broken = failures(items)
        if broken:
            self._refuse("invariance", "what must not change the answer did", *broken)
        if not any(item["outcome"] == "passed" for item in items):
            raise NotJudged(f"no invariance could be judged: {summary(items)}")
        return summary(items)

    def check_task(self) -> str:
        """Demand that the engine keeps enough of the FP32 graph's score on labelled data; return both."""
        if self.case.model.task is None:
            raise NotJudged("the model has no labelled set")
        result = self._pipeline.task()
        if not result["passed"]:
            self._refuse("task", result["sentence"])
        sentence: str = result["sentence"]
        return sentence

    def check_latency(self) -> None:
        """Demand that the engine runs in a fresh process, and time it there; so too further builds, if asked for."""
        self._measure()

    def _measure(self) -> None:
        self._pipeline.trial()
        while len(self._builds) < self._around.settings.builds - 1:
            self._builds.append(self._pipeline.another_build(len(self._builds) + 1))

    def check_regression(self) -> None:
        """Demand that no gated metric is worse than its baseline."""
        told: dict[str, list[VerdictRecord]] = {}
        for record in self.verdicts():
            told.setdefault(record.verdict.status, []).append(record)
        for status in ("regressed", "missing"):
            if status in told:
                self._refuse("regression", status, *describe_findings(told[status]))
        for status in ("quarantined", "inconclusive", "insufficient"):
            if status in told:
                more = len(told[status]) - 1
                first = describe_verdict(told[status][0])
                raise NotJudged(f"{status}: {first}{f' (and {more} more series)' if more else ''}")
        if not told:
            raise NotJudged("insufficient: nothing was measured that could be judged")

    def latency_samples(self) -> Mapping[str, Sequence[float]]:
        """Return the host-to-host samples (milliseconds) of this case's trial, by point."""
        return {label: modes["host"] for label, modes in self._pipeline.trial()["samples"].items()}

    def verdicts(self) -> tuple[VerdictRecord, ...]:
        """Judge every gated metric against its baseline, and confirm in fresh processes what one trial suggests."""
        if self._verdicts is None:
            self._measure()
            judge = self._judge()
            verdicts = {
                (m.metric, m.point): judge.screen(m.metric, m.point)
                for m in self._measurements()
                if metric_named(m.metric).gated
            }
            suspects = {key: record for key, record in verdicts.items() if record.verdict.status == "inconclusive"}
            if suspects:
                self._confirm(spaced=any(metric_named(metric).timed for metric, _ in suspects))
                engine = self._engine()
                again = [MeasuredTrial.of(t["quality"], engine, self._timings(t)) for t in self._confirmations]
                verdicts |= {key: judge.decide(record, again) for key, record in suspects.items()}
            self._verdicts = tuple(self._excused(record) for record in verdicts.values())
        return self._verdicts

    def _excused(self, record: VerdictRecord) -> VerdictRecord:
        decision = self._around.quarantine(self.case, record.metric)
        return replace(record, verdict=quarantined(record.verdict, decision)) if decision else record

    def records(self) -> list[TrialRecord]:
        """Return the case's trial, those that followed it up and those of further builds; none without a finding."""
        if not self.findings:
            return []
        versions = self._pipeline.done("versions") or {"runtime": self.subject.runtime, "version": "", "libraries": {}}
        trial = self._pipeline.done("trial")
        outputs, layers, cost = (self._pipeline.done(step) for step in ("outputs", "layers", "cost"))
        reference = self._pipeline.done("reference")
        first = TrialRecord(
            session=self._around.session,
            case_id=self.case.id,
            case_hash=self.case.hash,
            case_version=self.case.model.version,
            model=self.case.model.name,
            precision=self.case.precision.name,
            profile=self.case.profile.name,
            environment=self._around.environment,
            subject=SubjectRecord(
                name=self.subject.name,
                runtime=versions["runtime"],
                version=versions["version"],
                libraries=versions["libraries"],
            ),
            started_at=self._started_at,
            outcome=self._outcome,
            message=self._message,
            quality=trial["quality"] if trial else "ok",
            conditions={
                **(trial["conditions"] if trial else {}),
                **({"reference": reference.facts} if reference and reference.facts else {}),
                **reference_conditions(self._pipeline.done("witnesses")),
                **({"machine": dict(self._around.environment.facts)} if self._around.environment.facts else {}),
                **layer_conditions(layers),
                **cost_conditions(cost, self._rooflines(), self._around.board, number_type_of(self.case.precision)),
            },
            phases=self._phases.read(),
            engine=self._engine(),
            graph=graph_record(self._pipeline.done("graph")),
            measurements=tuple(self._measurements()),
            tensor_errors=tuple(
                tensor_errors(outputs["points"] if outputs else None, layers, self.case.profile.smallest.label)
            ),
            findings=tuple(self.findings),
            verdicts=self._verdicts or (),
        )
        further = [(first.engine, trial) for trial in self._confirmations]
        further += [(engine_record(built, trial["milliseconds"]), trial) for built, trial in self._builds]
        return [first, *(self._further(first, i, *pair) for i, pair in enumerate(further, start=1))]

    def another_trial(self) -> TrialRecord:
        """Time the engine in one more fresh process, and return a record of that trial alone, also of one that failed.

        A stage must have been checked before.
        """
        (first, *_) = self.records()
        try:
            return self._further(first, 0, first.engine, self._pipeline.another_trial())
        except HarnessError as failure:
            nothing: Any = {"measurements": (), "tensor_errors": (), "findings": (), "verdicts": (), "phases": {}}
            return replace(first, outcome=_outcome_of(failure), message=str(failure), **nothing)

    def close(self) -> None:
        """Remove what only this run needed."""
        self._pipeline.discard()

    def _measurements(self) -> list[MeasurementRecord]:
        built, outputs = self._pipeline.done("build"), self._pipeline.done("outputs")
        trial, task, cost = (self._pipeline.done(step) for step in ("trial", "task", "cost"))
        measurements = build_measurements(built) if built else []
        measurements += accuracy_measurements(outputs["points"]) if outputs else []
        measurements += reference_measurements(self._pipeline.done("witnesses"))
        measurements += self._timings(trial) if trial else []
        invariances = self._pipeline.done("invariances")
        measurements += invariance_measurements(invariances, self.case) if invariances else []
        if cost:
            measurements.append(MeasurementRecord(metric="weight_bytes", point="", value=float(cost["weight_bytes"])))
        if task:
            measurements += [MeasurementRecord(metric=m, point="", value=v) for m, v in task["metrics"].items()]
        return measurements

    def _timings(self, trial: dict[str, Any]) -> list[MeasurementRecord]:
        timings = timing_measurements(trial, self.case)
        return timings + roofline_measurements(timings, self._rooflines())

    def _rooflines(self) -> dict[str, Roofline]:
        cost = self._pipeline.done("cost")
        return rooflines_of(cost, self._around.board, number_type_of(self.case.precision))

    def _further(
        self, first: TrialRecord, index: int, engine: EngineRecord | None, trial: dict[str, Any]
    ) -> TrialRecord:
        return replace(
            first,
            index=index,
            engine=engine,
            outcome="ok",
            message="",
            quality=trial["quality"],
            conditions=trial["conditions"],
            phases={},
            measurements=tuple(self._timings(trial)),
            tensor_errors=(),
            findings=(),
            verdicts=(),
        )

    def _confirm(self, *, spaced: bool) -> None:
        """Time the engine in further fresh processes; one of them that the machine spoilt is repeated once."""
        for _ in range(self._around.settings.confirmations):
            waited = self._around.spacing.wait() if spaced else 0.0
            trial = self._pipeline.another_trial()
            if trial["quality"] in UNFIT:
                spoilt, trial = trial, self._pipeline.another_trial()
                trial["conditions"]["retried_after"] = spoilt["quality"]
            trial["conditions"]["waited_seconds"] = waited
            self._confirmations.append(trial)

    def _judge(self) -> Judge:
        around, case, runtime = self._around, self.case, self.subject.runtime
        quality = self._pipeline.trial()["quality"]
        return Judge(
            baseline=lambda metric, point: around.baseline(case, metric, point, runtime),
            past_runs=lambda metric, point: around.past_runs(case, metric, point, runtime),
            layers_of=around.layers_of,
            first=MeasuredTrial.of(quality, self._engine(), self._measurements()),
            builds=[
                MeasuredTrial.of(trial["quality"], engine_record(built), self._timings(trial))
                for built, trial in self._builds
            ],
        )

    def _engine(self) -> EngineRecord | None:
        built, trial = self._pipeline.done("build"), self._pipeline.done("trial")
        return engine_record(built, trial["milliseconds"] if trial else None) if built else None

    def _refuse(self, stage: str, what: str, *details: str) -> None:
        command = self._around.reproduce(self.case, stage)
        raise CheckFailed(
            "\n".join([f"{self.id}: {what}", *(f"  {line}" for line in details), f"reproduce: {command}"])
        )


def case_run_id(case: Case, subject: Subject) -> str:
    """Name a case under a subject: the subject goes without saying where none was given by name."""
    return case.id if subject.name == subject.runtime else f"{case.id}@{subject.name}"


def describe_verdict(record: VerdictRecord) -> str:
    """Say a verdict in one sentence that names its series."""
    where = f" at {record.point}" if record.point else ""
    return f"{metric_named(record.metric).title}{where}: {record.verdict.reason}"


def describe_findings(records: Sequence[VerdictRecord]) -> list[str]:
    """Say verdicts of one case and status: a line for each finding, and under it those that moved with it, indented."""
    lines = []
    for finding in grouped(records):
        lines.append(describe_verdict(finding.lead))
        lines += [f"  also {describe_verdict(other)}" for other in finding.others]
    return lines


def _outcome_of(failure: Exception) -> Outcome:
    if isinstance(failure, WorkerCrashed):
        return "crashed"
    return "timed_out" if isinstance(failure, WorkerTimedOut) else "failed"
