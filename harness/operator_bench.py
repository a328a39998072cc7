"""Operator cases in a session: each run in the one worker of its subject, and from its answer to a record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from harness.cases import Case, Model, Precision, Profile
from harness.cases.operator import ERROR, OPERATORS, PASSES, STAGE
from harness.cases.target import refuses
from harness.errors import HarnessError, WorkerCrashed, WorkerError, WorkerTimedOut
from harness.history.decisions import last_day, quarantined
from harness.history.records import (
    FindingRecord,
    MeasurementRecord,
    SubjectRecord,
    TensorErrorRecord,
    TrialRecord,
    VerdictRecord,
)
from harness.operators.case_files import load_case
from harness.settings import build_options_of
from harness.verdicts.standing import FAILS, HOLDS, judge_standing
from harness.workbench import Phases

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.cases.operator import OperatorCase
    from harness.history.records import Outcome
    from harness.operators.library import OperatorLibrary
    from harness.surroundings import Surroundings
    from harness.workers.subject import Subject

# An operator takes milliseconds, TensorRT's first build of a process about ten seconds: what takes longer, hangs.
LONGEST_SECONDS = 60.0
# Raised by hand when results of before and after must not be compared.
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How one case ended; ``share`` is the largest error as a multiple of what is allowed, None where none is known."""

    outcome: Outcome
    message: str = ""
    share: float | None = None
    errors: dict[str, Any] | None = None
    retried_after: str = ""


def history_case(case: OperatorCase, precision: str, library: OperatorLibrary) -> Case:
    """Return what the history calls a case in a precision: ``operators-fp16-conv_with_strides_padding``."""
    recipe = Precision.from_json({"recipe": precision, "keep_fp32": [], "name": precision})
    profile = Profile(name=case.name)
    model = Model(
        name=OPERATORS, source=library.graph(case), profiles=(profile,), precisions=(recipe,), version=_VERSION
    )
    return Case(model, recipe, profile)


class OperatorBench:
    """Runs operator cases one after another.

    A case that kills or hangs its worker is a record of its own, and the next one gets a new worker. A worker that dies
    may have been broken by an earlier case, so the one that it died in is tried once more in a fresh worker; that
    answer counts.

    Args:
        around: the session's surroundings.
        library: the cases.
    """

    def __init__(self, around: Surroundings, library: OperatorLibrary) -> None:
        self._around, self._library = around, library
        self._deadline = min(around.settings.case_timeout, LONGEST_SECONDS)
        self._options = build_options_of(around.settings.build_options)
        self._answers: dict[tuple[str, ...], Any] = {}

    def run(self, case: OperatorCase, precision: str, subject: Subject) -> TrialRecord:
        """Run one case under one subject and return the record of that; whatever happens is in it."""
        started_at, phases = datetime.now(timezone.utc), Phases()
        named = history_case(case, precision, self._library)
        try:
            versions = self._versions(subject)
            with phases.phase("run"):
                ran = self._ran(case, named.precision, subject)
        except HarnessError as failure:
            versions = {"runtime": subject.runtime, "version": "", "libraries": {}}
            ran = Ran(outcome=_outcome_of(failure), message=_told(failure))
        verdict, findings = self._judged(named, subject, ran)
        measurements = [MeasurementRecord(metric=PASSES, point="", value=HOLDS if ran.outcome == "ok" else FAILS)]
        if ran.share is not None:
            measurements.append(MeasurementRecord(metric=ERROR, point="", value=ran.share))
        return TrialRecord(
            session=self._around.session,
            case_id=named.id,
            case_hash=named.hash,
            case_version=named.model.version,
            model=OPERATORS,
            precision=precision,
            profile=case.name,
            environment=self._around.environment,
            subject=SubjectRecord(
                name=subject.name,
                runtime=versions["runtime"],
                version=versions["version"],
                libraries=versions["libraries"],
            ),
            started_at=started_at,
            outcome=ran.outcome,
            message=ran.message,
            conditions={
                "operator": case.operator,
                "opset": case.opset,
                "onnx": self._library.onnx_version,
                **({"retried_after": ran.retried_after} if ran.retried_after else {}),
            },
            phases=phases.read(),
            measurements=tuple(measurements),
            tensor_errors=tuple(
                TensorErrorRecord(
                    scope="outputs", position=i, tensor=output, operator=case.operator, point="", errors=errors,
                    passed=False,
                )
                for i, (output, errors) in enumerate((ran.errors or {}).items())
            ),
            findings=findings,
            verdicts=(verdict,) if verdict else (),
        )  # fmt: skip

    def _versions(self, subject: Subject) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            worker = self._around.workbench.builder(subject)
            answer: dict[str, Any] = worker.call("versions", deadline=self._around.settings.case_timeout)
            return answer

        versions: dict[str, Any] = self._once(("versions", subject.name), ask)
        return versions

    def _ran(self, case: OperatorCase, precision: Precision, subject: Subject) -> Ran:
        reason = refuses(self._around.target, precision) or self._once(
            ("unsupported", subject.name, precision.name), lambda: self._unsupported(precision, subject)
        )
        reason = reason or self._not_made(case, precision)
        if reason:
            return Ran(outcome="unsupported", message=reason)
        nearby = self._library.nearby(case, precision.recipe)
        request = {
            "graph": str(self._library.graph(case, precision.recipe)),
            "tensors": str(self._library.tensors(case)),
            "nearby": str(nearby) if precision.recipe != "fp32" and nearby.is_file() else "",
            "precision": precision.to_json(),
            "destination": str(self._around.workbench.engines / f"{OPERATORS}-{subject.name}.engine"),
            "options": self._options_for(case, subject),
        }

        def ask() -> dict[str, Any]:
            worker = self._around.workbench.builder(subject)
            answer: dict[str, Any] = worker.call("operator", deadline=self._deadline, request=request)
            return answer

        try:
            return Ran(**ask())
        except WorkerCrashed as first:
            return replace(Ran(**ask()), retried_after=first.summary)

    def _unsupported(self, precision: Precision, subject: Subject) -> str | None:
        worker = self._around.workbench.builder(subject)
        reason: str | None = worker.call(
            "unsupported", deadline=self._around.settings.case_timeout, precision=precision.to_json()
        )["reason"]
        return reason

    def _not_made(self, case: OperatorCase, precision: Precision) -> str:
        """Make the graph of a recipe unless it is there, and return why it cannot be made where it cannot."""
        graph = self._library.graph(case, precision.recipe)
        if graph.is_file():
            return ""

        def ask() -> str:
            answer: str = self._around.workbench.reference().call(
                "prepare_operator",
                deadline=self._deadline,
                request={
                    "graph": str(self._library.graph(case)),
                    "tensors": str(self._library.tensors(case)),
                    "precision": precision.to_json(),
                    "destination": str(graph),
                    "nearby": str(self._library.nearby(case, precision.recipe)),
                },
            )["reason"]
            return answer

        # Two subjects need the same graph, and a recipe that fails once fails again.
        reason: str = self._once(("graph", case.name, precision.recipe), ask)
        return reason

    def _options_for(self, case: OperatorCase, subject: Subject) -> dict[str, str | int | bool]:
        if subject.runtime != "tensorrt":
            return self._options
        # Tactics of its own, so that hundreds of tiny engines do not lengthen what every model's build reads.
        own: dict[str, str | int | bool] = {"timing_cache": str(self._around.workbench.cache / "operators" / "timing")}
        inputs, _ = load_case(self._library.tensors(case))
        steering = {
            name: ",".join(map(str, array.ravel().tolist()))
            for name, array in inputs.items()
            if array.dtype.kind in "iu" and array.ndim <= 1 and array.size
        }
        if steering:
            # TensorRT must know the values of inputs that steer shapes; those of others it does not look at.
            own["shape_values"] = ";".join(f"{name}={'/'.join([text] * 3)}" for name, text in steering.items())
        return {**own, **self._options}

    def _once(self, key: tuple[str, ...], ask: Callable[[], Any]) -> Any:
        """Return what ``ask`` returned, or raise what it raised, the first time."""
        if key not in self._answers:
            try:
                self._answers[key] = ask()
            except HarnessError as failure:
                self._answers[key] = failure
        answer = self._answers[key]
        if isinstance(answer, HarnessError):
            raise answer
        return answer

    def _judged(self, case: Case, subject: Subject, ran: Ran) -> tuple[VerdictRecord | None, tuple[FindingRecord, ...]]:
        """Return the verdict, and what the case's pytest item says: how it ended, and whether that is a regression."""
        passes = ran.outcome == "ok"
        verdict = judge_standing(
            self._around.baseline(case, PASSES, "", subject.runtime),
            HOLDS if passes else FAILS,
            why_not=f"{ran.outcome.replace('_', ' ')}: {ran.message.partition(chr(10))[0]}",
        )
        if passes:
            findings = [FindingRecord(stage=STAGE, outcome="passed")]
        elif ran.outcome == "unsupported":
            findings = [FindingRecord(stage=STAGE, outcome="skipped", message=f"unsupported: {ran.message}")]
        else:
            findings = [FindingRecord(stage=STAGE, outcome="failed", message=ran.message)]
        decision = None if passes else self._around.quarantine(case, PASSES)
        if decision:
            until = f" up to {last_day(decision.until)}" if decision.until else ""
            told = f"quarantined{until} ({decision.describe()}): {ran.message}"
            findings = [FindingRecord(stage=STAGE, outcome="skipped", message=told)]
            verdict = quarantined(verdict, decision) if verdict else None
        if verdict and verdict.status == "regressed":
            findings.append(FindingRecord(stage="regression", outcome="failed", message=f"regressed: {verdict.reason}"))
        return VerdictRecord(metric=PASSES, point="", verdict=verdict) if verdict else None, tuple(findings)


def _outcome_of(failure: HarnessError) -> Outcome:
    if isinstance(failure, WorkerCrashed):
        return "crashed"
    return "timed_out" if isinstance(failure, WorkerTimedOut) else "failed"


def _told(failure: HarnessError) -> str:
    """Return what a failure says, without the way out that a deadline of models names: this one cannot be raised."""
    if isinstance(failure, WorkerTimedOut) and isinstance(failure, WorkerError):
        tail = f"\n--- end of the worker's log ---\n{failure.log_tail}" if failure.log_tail else ""
        return f"it did not end within {failure.deadline:g} s, and its worker was killed{tail}"
    return str(failure)
