"""``trt-harness check``: every stage of every precision on one ONNX file, through the same code as under pytest."""

from __future__ import annotations

import shlex
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from harness.cases import Case, Model, Precision, TensorSpec
from harness.commands.shapes import ShapeOption, batch_axis_of, profile_of
from harness.ending import end_session
from harness.errors import ConfigurationError, HarnessError, UsageError
from harness.opening import check_folders, gpu_of, open_for_writing, surroundings_of, target_of
from harness.recorder import Recorder, new_session_id, session_record
from harness.session import STAGES, CaseRun, CheckFailed, case_run_id
from harness.subjects import subjects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.cases.target import Choice
    from harness.history.records import FindingRecord, TrialRecord
    from harness.settings import Settings
    from harness.workers.subject import Subject

DEFAULT_PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True, kw_only=True)
class CheckPlan:
    """What is going to be checked; made without writing anything.

    Attributes:
        file: the ONNX file, an absolute path.
        inputs: what its graph is fed.
        cases: one for each precision.
        subjects: what each case is built by.
        target: what they run on, and why.
    """

    file: Path
    inputs: tuple[TensorSpec, ...]
    cases: tuple[Case, ...]
    subjects: tuple[Subject, ...]
    target: Choice

    @property
    def runs(self) -> list[tuple[Case, Subject]]:
        """Every case under every subject, in the order in which they are run."""
        return [(case, subject) for case in self.cases for subject in self.subjects]

    def command(self, case: Case, _stage: str) -> str:
        """Return the command line that checks the file in the precision of ``case`` again; a stage cannot be chosen."""
        options = ["--precisions", case.precision.name]
        for spec in (spec for spec in self.inputs if spec.symbols):
            shapes = ["x".join(map(str, spec.at(case.profile.corner(end)))) for end in ("min", "opt", "max")]
            options += ["--shape", f"{spec.name}:{shapes[0] if len(set(shapes)) == 1 else ','.join(shapes)}"]
        return shlex.join(["trt-harness", "check", str(self.file), *options])


@dataclass(frozen=True, kw_only=True)
class CheckedCase:
    """One case that was run.

    Attributes:
        id: of the case, with the subject's name where one was given.
        column: precision, with the subject's name where one was given.
        findings: how each stage ended.
        trials: what was stored of it; nothing where ``error`` stopped it.
        error: why what was asked for could not be done, where that was so.
        seconds: wall time.
    """

    id: str
    column: str
    findings: tuple[FindingRecord, ...]
    trials: tuple[TrialRecord, ...]
    error: str | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What a check found.

    Attributes:
        session: id under which it is in the history.
        cases: those that were finished.
        report: first page of the HTML report, if one was written.
        interrupted: whether Ctrl-C ended it.
        remarks: what to know of its baselines, a sentence each.
    """

    session: str
    cases: tuple[CheckedCase, ...]
    report: Path | None
    interrupted: bool
    remarks: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[str, ...]:
        """What could not be done, each said once."""
        return tuple(dict.fromkeys(case.error for case in self.cases if case.error is not None))

    @property
    def exit_code(self) -> int:
        """130 if interrupted, 2 if something could not be done as asked, 1 if a stage failed, else 0."""
        if self.interrupted:
            return 130
        if self.errors:
            return 2
        return int(any(finding.outcome == "failed" for case in self.cases for finding in case.findings))


def plan_check(
    file: Path, settings: Settings, root: Path, *, shapes: Sequence[str] = (), name: str | None = None
) -> CheckPlan:
    """Read the graph's inputs and decide what to run; only the graph cache is written to.

    Args:
        file: the ONNX file.
        settings: precisions, subjects and target are taken from them.
        root: the folder that relative paths of the settings are meant from.
        shapes: what ``--shape`` was given.
        name: of the model in the history; by default from the file's name.

    Raises:
        UsageError: a precision, shape, subject or target that cannot be; the file is no complete ONNX model; or the
            cache or the report cannot be written.
    """
    from harness.graphs.base import base_graph
    from harness.graphs.cache import GraphCache
    from harness.graphs.load import input_specs, parse_model

    check_folders(settings, root)
    path = file.absolute()
    recipes = dict.fromkeys(settings.precisions or DEFAULT_PRECISIONS)
    precisions = [Precision(recipe) for recipe in recipes]  # type: ignore[arg-type]  # its constructor checks the name
    target = target_of(settings)
    gpu = gpu_of(target)
    subjects = subjects_of(settings, target.target, gpu)
    # Shapes first: that takes no weights, so a forgotten --shape is told at once however large the model is.
    inputs = input_specs(parse_model(path))
    profile = profile_of(inputs, [ShapeOption.parse(text) for text in shapes])
    try:
        base_graph(path, GraphCache(root / settings.cache))
    except OSError as error:
        raise ConfigurationError(f"the graph cache {settings.cache!r} cannot be used: {error}") from None
    model = Model.from_onnx(
        path, name=name, profiles=[profile], precisions=precisions, batch_axis=batch_axis_of(inputs)
    )
    cases = tuple(Case(model, precision, profile) for precision in precisions)
    return CheckPlan(file=path, inputs=inputs, cases=cases, subjects=subjects, target=target)


def run_check(
    plan: CheckPlan,
    settings: Settings,
    root: Path,
    *,
    on_stage: Callable[[str, str], None],
    on_case: Callable[[CheckedCase], None],
) -> CheckResult:
    """Run every case, storing each as it finishes, and write the report.

    A case that cannot be run as asked (a graph newer than the runtime, a graph that cannot be quantised) leaves nothing
    in the history. Where it is the first one, the others are not tried: what stops FP32 stops them all. After Ctrl-C
    what was finished is stored.

    Args:
        plan: what to run.
        settings: the settings in force.
        root: the folder that relative paths of the settings are meant from.
        on_stage: told the id of a case and the stage that begins.
        on_case: told of each case that ended.

    Raises:
        UsageError: the history or the report cannot be written.
    """
    session = new_session_id()
    history = open_for_writing(settings.db, root)
    recorder = Recorder(history, session_record(session, root, {**asdict(settings), "check": str(plan.file)}))
    around = surroundings_of(
        session, settings, root, history, target=plan.target.target, gpu=gpu_of(plan.target), reproduce=plan.command
    )
    checked: list[CheckedCase] = []
    status = "interrupted"
    try:
        for case, subject in plan.runs:
            run = CaseRun(case, subject, around)
            ended = _run_case(run, on_stage, column=case_run_id(case, subject).replace(case.id, case.precision.name))
            for trial in ended.trials:
                recorder.add(trial)
            run.close()
            checked.append(ended)
            if ended.error is not None and len(checked) == 1:
                break
            on_case(ended)
        status = "finished"
    except KeyboardInterrupt:
        pass  # what was finished is stored and reported
    finally:
        around.workbench.close()
        report = end_session(recorder, status, root / settings.report if settings.report else None)
    return CheckResult(
        session=session,
        cases=tuple(checked),
        report=report,
        interrupted=status == "interrupted",
        remarks=tuple(around.remarks),
    )


def _run_case(run: CaseRun, on_stage: Callable[[str, str], None], column: str) -> CheckedCase:
    started, error = time.perf_counter(), None
    for stage in STAGES:
        on_stage(run.id, stage)
        try:
            run.check(stage)
        except UsageError as unusable:
            error = str(unusable)
            break
        except (CheckFailed, HarnessError):
            continue  # the run has noted it as a finding
    trials = tuple(run.records()) if error is None else ()
    return CheckedCase(
        id=run.id,
        column=column,
        findings=trials[0].findings if trials else (),
        trials=trials,
        error=error,
        seconds=time.perf_counter() - started,
    )
