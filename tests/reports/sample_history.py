"""A history with something of everything: two subjects, two machines, and whatever can go wrong."""

from __future__ import annotations

import hashlib
import math
import random
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.cases.metric import metric_named
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
from harness.verdicts.gate import Verdict, judge

if TYPE_CHECKING:
    from harness.history.store import History

FIRST_DAY = datetime(2026, 1, 5, 3, 30, tzinfo=timezone.utc)
OLD = SubjectRecord(name="onnxruntime", runtime="onnxruntime", version="1.30.0", libraries={"provider": "cpu"})
NEW = SubjectRecord(name="onnxruntime", runtime="onnxruntime", version="1.31.1", libraries={"provider": "cpu"})
SERVER = EnvironmentRecord(
    name="cpu: AMD EPYC 9354, 2 cores", identity={"cpu": "AMD EPYC 9354", "cores": 2}, facts={"os": "Linux 6.1"}
)
DESKTOP = EnvironmentRecord(
    name="cpu: Ampere Altra, 8 cores", identity={"cpu": "Ampere Altra", "cores": 8}, facts={"os": "Linux 6.8"}
)
SESSIONS = 14
FIRST_BROKEN_LAYER = "/features/fire5/expand3x3/Conv_output_0"
_MILLISECONDS = {"squeezenet": 4.2, "resnet50": 31.0, "encoder": 11.5}
_SQNR = {"fp32": math.inf, "fp16": 56.0, "int8": 28.0}
_LIMIT = {"fp32": 80.0, "fp16": 35.0, "int8": 17.0}


class HistoryBuilder:
    """Adds trials of plausible numbers to a history, and judges them as a session would."""

    def __init__(self, history: History, seed: int = 7) -> None:
        self.history = history
        self.random = random.Random(seed)
        self.baselines: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)

    def session(self, index: int, **changes: Any) -> SessionRecord:
        """Start session ``index``, one a day."""
        record = SessionRecord(
            **{
                "id": f"{index:012x}",
                "started_at": FIRST_DAY + timedelta(days=index),
                "command": "pytest suites/ --gpu cpu",
                "commit": hashlib.sha1(str(index).encode(), usedforsecurity=False).hexdigest(),
                "branch": "main",
                "harness_version": "0.1.0",
                **changes,
            }
        )
        self.history.start_session(record)
        return record

    def trial(
        self,
        session: SessionRecord,
        model: str,
        precision: str,
        *,
        slower: float = 1.0,
        profile: str = "batch1x4x16",
        environment: EnvironmentRecord = SERVER,
        subject: SubjectRecord = NEW,
        **changes: Any,
    ) -> TrialRecord:
        """Return a trial that went well, with ``changes`` to its record."""
        case_id = f"{model}-{precision}-{profile}"
        measurements = self._measurements(model, precision, slower)
        verdicts = []
        for each in measurements:
            metric = metric_named(each.metric)
            key = (case_id, environment.hash, each.metric, each.point)
            verdict = judge(
                self.baselines[key][-20:],
                # A second look at the same engine, so that what is outside is confirmed.
                [each.value] * 5,
                direction=metric.direction,
                smallest_effect=metric.smallest_effect,
                scale=metric.scale,
                resolution=metric.resolution,
            )
            verdicts.append(VerdictRecord(metric=each.metric, point=each.point, verdict=verdict))
            if verdict.status != "regressed":
                self.baselines[key].append(each.value)
        regressed = [v.metric for v in verdicts if v.verdict.status == "regressed" and metric_named(v.metric).gated]
        values: dict[str, Any] = {
            "session": session.id,
            "case_id": case_id,
            "case_hash": hashlib.sha256(f"{case_id}@1".encode()).hexdigest(),
            "case_version": 1,
            "model": model,
            "precision": precision,
            "profile": profile,
            "environment": environment,
            "subject": subject,
            "started_at": session.started_at + timedelta(minutes=2),
            "quality": "contended" if self.random.random() < 0.08 else "ok",
            "conditions": {
                "load_average": 0.4,
                "frequency_mhz": 3250,
                "layer_times": {"point": "batch=4"},
                "instrumented_difference": 2e-4,
            },
            "phases": {"graph": 0.4, "reference": 0.8, "build": 1.9, "run": 0.6, "compare": 0.2, "measure": 3.1},
            "engine": EngineRecord(
                fingerprint=hashlib.sha256(f"{case_id}{subject.version}".encode()).hexdigest(),
                bytes=int(measurements[-1].value),
                build_seconds=1.9 + self.random.random() / 1e3,
                options={"optimization": "all"},
                type_shares={"float16": 0.9, "float32": 0.1} if precision == "fp16" else {"float32": 1.0},
                layers=66,
                warnings=("constant folding skipped 2 nodes",),
                warning_kinds={"fallback": 2},
                time_shares={"float16": 0.6, "float32": 0.4} if precision == "fp16" else {"float32": 1.0},
                log="INFO: building\nWARNING: constant folding skipped 2 nodes\n",
                layer_list=engine_layers(precision),
            ),
            "graph": a_graph(model, precision),
            "measurements": tuple(measurements),
            "tensor_errors": self.tensor_errors(precision),
            "findings": (
                *(FindingRecord(stage=stage, outcome="passed") for stage in ("build", "outputs", "layers", "latency")),
                FindingRecord(
                    stage="regression",
                    outcome="failed" if regressed else "passed",
                    message=f"{', '.join(regressed)} regressed" if regressed else "",
                ),
            ),
            "verdicts": tuple(verdicts),
        }
        return TrialRecord(**{**values, **changes})

    def tensor_errors(self, precision: str, *, broken_from: int | None = None) -> tuple[TensorErrorRecord, ...]:
        """Return errors of one output at three points and of 66 layers, the ones from ``broken_from`` on outside."""
        sqnr, limit = _SQNR[precision], _LIMIT[precision]
        outputs = [
            TensorErrorRecord(
                scope="outputs",
                position=0,
                tensor="logits",
                operator="Gemm",
                point=f"batch={batch}",
                errors={"max_abs": 1e-3, "rmse": 2e-4, "max_rel": 0.02, "cosine": 0.999987, "sqnr_db": sqnr},
                tolerance={"sqnr_db": limit, "cosine": 0.999},
                passed=True,
            )
            for batch in (1, 4, 16)
        ]
        layers = []
        for position in range(66):
            outside = broken_from is not None and position >= broken_from
            value = (limit - 9.0 if outside else sqnr + 6.0) - position * 0.05 + self.random.random()
            layers.append(
                TensorErrorRecord(
                    scope="layers",
                    position=position,
                    tensor=FIRST_BROKEN_LAYER if position == broken_from else f"/features/node_{position}_output_0",
                    operator="Conv" if position % 3 else "Relu",
                    point="batch=1",
                    errors={"max_abs": 1e-3, "cosine": 0.9999, "sqnr_db": value},
                    tolerance={"sqnr_db": limit - 5.0},
                    passed=not outside,
                )
            )
        return (*outputs, *layers)

    def _measurements(self, model: str, precision: str, slower: float) -> list[MeasurementRecord]:
        base = _MILLISECONDS[model] * {"fp32": 1.0, "fp16": 1.3, "int8": 0.6}[precision] * slower
        records = []
        for batch in (1, 4, 16):
            run = base * batch**0.8 * math.exp(self.random.gauss(0, 0.008))
            samples = run * np.exp(np.random.default_rng(self.random.getrandbits(32)).normal(0, 0.01, 100))
            point = f"batch={batch}"
            value = float(np.median(samples))
            records += [
                MeasurementRecord(metric="latency_host", point=point, value=value, samples=samples.astype(np.float32)),
                MeasurementRecord(metric="throughput", point=point, value=1000 * batch / value),
            ]
        return [
            *records,
            MeasurementRecord(metric="build_seconds", point="", value=1.9 * math.exp(self.random.gauss(0, 0.05))),
            MeasurementRecord(metric="output_sqnr_db", point="batch=1", value=_SQNR[precision]),
            MeasurementRecord(metric="engine_bytes", point="", value=4.9e6 * (1 if precision == "fp32" else 0.5)),
        ]


def engine_layers(precision: str) -> tuple[LayerRecord, ...]:
    """Return 66 layers, of which a third computes and the last is the slowest."""
    number_type = "float16" if precision == "fp16" else "float32"
    return tuple(
        LayerRecord(
            position=position,
            name=f"/features/node_{position}",
            operator="Relu" if position % 3 else "FusedConv",
            compute_type="" if position % 3 else number_type,
            tactic="" if position % 3 else f"sgemm_{position}",
            outputs=(f"/features/node_{position}_output_0",),
            milliseconds=0.01 * (position + 1),
        )
        for position in range(66)
    )


def a_graph(model: str, precision: str) -> GraphRecord:
    """Return a graph of the nodes of ``engine_layers`` and a classifier: a chain in which every sixth node is a sum.

    That of ``int8`` has a pair that quantises before every third node.
    """
    nodes = []
    read = "image"
    for position in range(66):
        name = f"/features/node_{position}"
        if precision == "int8" and position % 3 == 0:
            nodes += [
                NodeRecord(name=f"{name}/q", operator="QuantizeLinear", inputs=(read,), outputs=(f"{name}/q",)),
                NodeRecord(
                    name=f"{name}/d", operator="DequantizeLinear", inputs=(f"{name}/q",), outputs=(f"{name}/d",)
                ),
            ]
            read = f"{name}/d"
        skipped = (f"/features/node_{position - 4}_output_0",) if position % 6 == 5 else ()
        operator = "Add" if skipped else "Relu" if position % 3 else "Conv"
        made = f"{name}_output_0"
        nodes.append(NodeRecord(name=name, operator=operator, inputs=(read, *skipped), outputs=(made,)))
        read = made
    nodes.append(NodeRecord(name="/classifier/Gemm", operator="Gemm", inputs=(read,), outputs=("logits",)))
    own = hashlib.sha256(f"{model} {precision}".encode()).hexdigest()
    return GraphRecord(hash=own, size=67, inputs=("image",), outputs=("logits",), nodes=tuple(nodes))


def a_verdict(**changes: Any) -> Verdict:
    """Make a verdict of a regression by 7.3 %."""
    values: dict[str, Any] = {
        "status": "regressed",
        "direction": "lower",
        "scale": "log",
        "smallest_effect": 0.05,
        "reason": "slower than its baseline",
        "n": 20,
        "k": 5,
        "value": 1.234,
        "baseline": 1.15,
        "effect": 0.073,
        "low": 0.051,
        "high": 0.092,
    }
    return Verdict(**{**values, **changes})


def fill(build: HistoryBuilder) -> None:
    """Fill a history in which, in the end, a case gets slower, one breaks, one crashes and one is gone."""
    for index in range(SESSIONS):
        last = index == SESSIONS - 1
        session = build.session(index)
        subject = NEW if index >= 9 else OLD
        for model in _MILLISECONDS:
            for precision in ("fp32", "fp16", "int8"):
                if last and (model, precision) == ("encoder", "fp16"):
                    continue
                slower = 1.12 if last and (model, precision) == ("resnet50", "fp16") else 1.0
                trial = build.trial(session, model, precision, subject=subject, slower=slower)
                if last:
                    trial = _went_wrong(build, trial)
                build.history.add_trial(trial)
            build.history.add_trial(_unsupported(session, model, subject))
        if index >= SESSIONS - 4:
            build.history.add_trial(build.trial(session, "squeezenet", "fp32", environment=DESKTOP, subject=subject))
        build.history.finish_session(session.id)


def _went_wrong(build: HistoryBuilder, trial: TrialRecord) -> TrialRecord:
    if (trial.model, trial.precision) == ("squeezenet", "int8"):
        message = f"32 of 66 layers are outside their tolerance, the first is {FIRST_BROKEN_LAYER}"
        findings = tuple(f for f in trial.findings if f.stage != "layers")
        return replace(
            trial,
            outcome="failed",
            tensor_errors=build.tensor_errors("int8", broken_from=34),
            findings=(*findings, FindingRecord(stage="layers", outcome="failed", message=message)),
        )
    if (trial.model, trial.precision) == ("encoder", "int8"):
        message = (
            "the worker died in 'build': signal 11 (SIGSEGV)\n--- end of the worker's log ---\n"
            "\x1b[0;93m2026-01-18 03:31:02 [W:onnxruntime] fusing attention\x1b[m\nSegmentation fault"
        )
        return replace(
            trial, outcome="crashed", message=message, engine=None, measurements=(), tensor_errors=(), verdicts=(),
            findings=(FindingRecord(stage="build", outcome="failed", message=message),),
        )  # fmt: skip
    return trial


def _unsupported(session: SessionRecord, model: str, subject: SubjectRecord) -> TrialRecord:
    reason = "onnxruntime's CPU provider has no TF32 arithmetic"
    case_id = f"{model}-tf32-batch1x4x16"
    return TrialRecord(
        session=session.id,
        case_id=case_id,
        case_hash=hashlib.sha256(f"{case_id}@1".encode()).hexdigest(),
        case_version=1,
        model=model,
        precision="tf32",
        profile="batch1x4x16",
        environment=SERVER,
        subject=subject,
        started_at=session.started_at + timedelta(minutes=2),
        outcome="unsupported",
        message=reason,
        findings=(FindingRecord(stage="build", outcome="skipped", message=reason),),
    )
