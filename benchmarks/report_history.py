"""A long history to write reports of: 100 cases of 10 series each, 200 sessions, one a day.

It has 20 models in 5 precisions, two subjects one after the other, verdicts on every gated run, raw samples of every
latency, three models that got slower with the second subject, and in every trial of the first and the last session the
errors of 175 layers, an engine of 175 layers with 64 KiB of its build's log, and a graph of 385 nodes. One run of a
series in fifty is worse than the others and called a regression. All of it is made up, from one seed.
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import create_engine, insert, select

from harness.cases.metric import metric_named
from harness.history.decisions import Decision
from harness.history.records import (
    EngineRecord,
    EnvironmentRecord,
    FindingRecord,
    GraphRecord,
    LayerRecord,
    MeasurementRecord,
    NodeRecord,
    SessionRecord,
    SubjectRecord,
    TensorErrorRecord,
    TrialRecord,
    VerdictRecord,
)
from harness.history.store import History
from harness.history.tables import Case, Environment, Finding, Measurement, Series, Session, Subject, Trial
from harness.history.tables import Verdict as VerdictTable
from harness.verdicts.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from harness.verdicts.gate import Status

RUNS, LAYERS = 200, 175
MODELS = tuple(f"model_{number:02}" for number in range(20))
PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "int8")
PROFILE = "batch1x4x16"
POINTS = ("batch=1", "batch=4", "batch=16")
SERIES = (
    *((metric, point) for point in POINTS for metric in ("latency_host", "throughput")),
    ("build_seconds", ""),
    ("engine_bytes", ""),
    ("host_memory_peak", ""),
    ("output_sqnr_db", "batch=1"),
)
TYPICAL = {
    "latency_host": 12.3, "throughput": 325.0, "build_seconds": 2.2, "engine_bytes": 5.1e7, "host_memory_peak": 4.2e8,
    "output_sqnr_db": 44.0,
}  # fmt: skip
SLOWER = ("model_03", "model_07", "model_11")
ENVIRONMENT = EnvironmentRecord(name="cpu: an example, 2 cores", identity={"cpu": "an example", "cores": 2})
SUBJECTS = tuple(
    SubjectRecord(name="onnxruntime", runtime="onnxruntime", version=version) for version in ("1.30.0", "1.31.1")
)
_FIRST_DAY = datetime(2026, 1, 1, 4, tzinfo=timezone.utc)


def make_history(path: Path) -> None:
    """Make the history in a file that does not exist yet."""
    generator = random.Random(0)
    with History.open(path) as history:
        add_session(history, 0, MODELS, generator)
    # A commit for each of 20 000 trials would take a quarter of an hour; these sessions take one each.
    engine = create_engine(f"sqlite:///{path}")
    for run in range(1, RUNS - 1):
        with engine.begin() as connection:
            _insert_session(connection, run, generator)
    engine.dispose()
    with History.open(path) as history:
        add_session(history, RUNS - 1, MODELS, generator)
        history.find_change_points(session_of(RUNS - 1).id)
        made: dict[str, Any] = {"author": "an example", "created_at": _FIRST_DAY + timedelta(days=150)}
        history.decide(Decision(action="ack", case="model_03-*", reason="the price of a fix of its numbers", **made))
        until = _FIRST_DAY + timedelta(days=365)
        history.decide(Decision(action="quarantine", case="model_19-int8-*", reason="flaky", until=until, **made))


def add_session(history: History, run: int, models: Sequence[str], generator: random.Random) -> None:
    """Store a session in which these models ran, with the layers of their engines."""
    session = session_of(run, models)
    history.start_session(session)
    for trial in _trials(session, run, models, generator):
        history.add_trial(trial)
    history.finish_session(session.id)


def session_of(run: int, models: Sequence[str] = MODELS) -> SessionRecord:
    """Return the session of a run, which asks for these models."""
    return SessionRecord(
        id=f"{run:012x}",
        started_at=_FIRST_DAY + timedelta(days=run),
        command="pytest suites/ --gpu cpu",
        settings={} if models == MODELS else {"models": list(models)},
        commit=hashlib.sha256(str(run).encode()).hexdigest()[:40],
        branch="main",
    )


def _trials(
    session: SessionRecord, run: int, models: Sequence[str], generator: random.Random, *, in_full: bool = True
) -> Iterator[TrialRecord]:
    for model in models:
        for precision in PRECISIONS:
            yield _trial(session, model, precision, run, generator, in_full=in_full)


def _insert_session(connection: Connection, run: int, generator: random.Random) -> None:
    """Store a session whose cases, machine, subjects and series are known, without layers, in five statements."""
    session = session_of(run)
    cases = {row.name: row.id for row in connection.execute(select(Case.id, Case.name))}
    series = {
        (row.name, row.metric, row.point): row.id
        for row in connection.execute(select(Case.name, Series.metric, Series.point, Series.id).join(Case))
    }
    connection.execute(
        insert(Session).values(**vars(session), status="finished", finished_at=session.started_at + timedelta(hours=1))
    )
    subject = SUBJECTS[run >= RUNS // 2]
    if subject.hash not in set(connection.scalars(select(Subject.subject_hash))):
        connection.execute(insert(Subject).values(**vars(subject), subject_hash=subject.hash))
    subject_id = connection.scalar(select(Subject.id).where(Subject.subject_hash == subject.hash))
    environment_id = connection.scalar(select(Environment.id))
    first = run * len(MODELS) * len(PRECISIONS) + 1
    rows: dict[type[Any], list[dict[str, Any]]] = {Trial: [], Measurement: [], VerdictTable: [], Finding: []}
    for trial_id, trial in enumerate(_trials(session, run, MODELS, generator, in_full=False), first):
        rows[Trial].append(
            {
                **{name: getattr(trial, name) for name in ("outcome", "message", "quality", "conditions", "phases")},
                "id": trial_id,
                "session_id": session.id,
                "case_id": cases[trial.case_id],
                "ordinal": 0,
                "environment_id": environment_id,
                "subject_id": subject_id,
                "engine_id": None,
                "subject_label": subject.name,
                "started_at": trial.started_at,
            }
        )
        for measured in trial.measurements:
            rows[Measurement].append(
                {
                    "trial_id": trial_id,
                    "series_id": series[trial.case_id, measured.metric, measured.point],
                    "value": measured.value,
                    "samples": measured.samples,
                    "sample_count": 0 if measured.samples is None else len(measured.samples),
                }
            )
        for judged in trial.verdicts:
            of_series = series[trial.case_id, judged.metric, judged.point]
            rows[VerdictTable].append(
                {
                    "trial_id": trial_id,
                    "series_id": of_series,
                    **asdict(judged.verdict),
                    "cause": judged.cause,
                    "cause_details": {},
                }
            )
        rows[Finding] += [{"trial_id": trial_id, **vars(finding)} for finding in trial.findings]
    for table, own in rows.items():
        connection.execute(insert(table), own)


def _trial(
    session: SessionRecord, model: str, precision: str, run: int, generator: random.Random, *, in_full: bool
) -> TrialRecord:
    case_id = f"{model}-{precision}-{PROFILE}"
    measurements, verdicts = [], []
    for metric, point in SERIES:
        spread = 0.0 if metric == "engine_bytes" else 0.01
        value = TYPICAL[metric] * math.exp(generator.gauss(0, spread))
        known = metric_named(metric)
        if metric == "latency_host" and model in SLOWER and run >= RUNS // 2:
            value *= 1.15
        regressed = known.gated and generator.random() < 0.02
        if regressed:
            value *= 1.08 if known.direction == "lower" else 0.92
        samples = None
        if metric == "latency_host":
            noise = np.random.default_rng(generator.getrandbits(32)).standard_normal(100)
            samples = (value * (1 + 0.01 * noise)).astype(np.float32)
        measurements.append(MeasurementRecord(metric=metric, point=point, value=value, samples=samples))
        if known.gated:
            verdict = _verdict(metric, value, "insufficient" if run < 8 else "regressed" if regressed else "pass", run)
            cause = "other tactics" if verdict.status == "regressed" else ""
            verdicts.append(VerdictRecord(metric=metric, point=point, verdict=verdict, cause=cause))
    return TrialRecord(
        session=session.id,
        case_id=case_id,
        case_hash=hashlib.sha256(case_id.encode()).hexdigest(),
        case_version=1,
        model=model,
        precision=precision,
        profile=PROFILE,
        environment=ENVIRONMENT,
        subject=SUBJECTS[run >= RUNS // 2],
        started_at=session.started_at,
        engine=_engine(case_id, run, generator) if in_full else None,
        graph=_graph(case_id) if in_full else None,
        measurements=tuple(measurements),
        tensor_errors=_layer_errors(generator) if in_full else (),
        findings=tuple(
            FindingRecord(stage=stage, outcome="passed") for stage in ("build", "outputs", "layers", "latency")
        ),
        verdicts=tuple(verdicts),
    )


def _verdict(metric: str, value: float, status: Status, run: int) -> Verdict:
    known = metric_named(metric)
    baseline = TYPICAL[metric]
    return Verdict(
        status=status,
        direction=known.direction,
        scale="log",
        smallest_effect=known.smallest_effect,
        reason="made up",
        n=min(run, 20),
        k=1,
        value=value,
        baseline=baseline,
        effect=value / baseline - 1,
        low=value / baseline - 1.03,
        high=value / baseline - 0.97,
        spread=0.01,
    )


def _engine(case_id: str, run: int, generator: random.Random) -> EngineRecord:
    """Make an engine, with layers named as TensorRT names what it fuses."""
    kernel = "sm80_xmma_fprop_implicit_gemm_indexed_f32f32_f32f32_f32_nhwckrsc_nhwc_tilesize128x64x16"
    blocks = [f"/stages.{position // 40}/blocks.{position // 5}" for position in range(LAYERS)]
    return EngineRecord(
        fingerprint=hashlib.sha256(f"{case_id}{run}".encode()).hexdigest(),
        bytes=51_000_000,
        build_seconds=2.2,
        type_shares={"float32": 1.0},
        layers=LAYERS,
        time_shares={"float32": 1.0},
        warning_kinds={"fallback": 3},
        log="VERBOSE: a line of a build's log, about as long as they are\n" * 1100,
        layer_list=tuple(
            LayerRecord(
                position=position,
                name=f"{block}/conv{position % 5}/Conv + {block}/act{position % 5}/Relu",
                operator="CaskConvolution",
                compute_type="float32",
                tactic=f"{kernel} 0x{position:016x}",
                outputs=(f"{block}/act{position % 5}/Relu_output_0",),
                milliseconds=0.02 * generator.random(),
            )
            for position, block in enumerate(blocks)
        ),
    )


def _graph(case_id: str) -> GraphRecord:
    """Make the graph of those layers: convolutions with their activations, and a way around each five of them."""
    nodes = []
    tensor = around = "image"
    for position in range(LAYERS):
        block, number = f"/stages.{position // 40}/blocks.{position // 5}", position % 5
        around = tensor if number == 0 else around
        for operator, name in (("Conv", f"{block}/conv{number}/Conv"), ("Relu", f"{block}/act{number}/Relu")):
            nodes.append(NodeRecord(name=name, operator=operator, inputs=(tensor,), outputs=(f"{name}_output_0",)))
            tensor = f"{name}_output_0"
        if number == 4:
            added = f"{block}/Add_output_0"
            nodes.append(NodeRecord(name=f"{block}/Add", operator="Add", inputs=(tensor, around), outputs=(added,)))
            tensor = added
    return GraphRecord(
        hash=hashlib.sha256(case_id.encode()).hexdigest(),
        size=len(nodes),
        inputs=("image",),
        outputs=(tensor,),
        nodes=tuple(nodes),
    )


def _layer_errors(generator: random.Random) -> tuple[TensorErrorRecord, ...]:
    """Make the errors of all layers, named as exporters name them."""
    return tuple(
        TensorErrorRecord(
            scope="layers",
            position=position,
            tensor=f"/stages.{position // 40}/blocks.{position // 5}/conv{position % 5}/Conv_output_0",
            operator="Conv",
            point="batch=1",
            errors={"max_abs": 0.01, "cosine": 0.9999, "sqnr_db": 50 - position / 10 + generator.random()},
            tolerance={"sqnr_db": 30.0},
            passed=True,
        )
        for position in range(LAYERS)
    )
