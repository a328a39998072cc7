"""Records to store, small and plausible, each part of which a test may replace."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

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
    stable_hash,
)
from harness.verdicts.gate import Verdict

if TYPE_CHECKING:
    from harness.history.store import History
    from harness.verdicts.gate import Status

NOON = datetime(2024, 6, 1, 12, 0, 0, 123456, tzinfo=timezone.utc)
MACHINE = EnvironmentRecord(name="cpu: EPYC, 2 cores", identity={"cpu": "EPYC", "cores": 2}, facts={"kernel": "6.1"})
OLD = SubjectRecord(name="onnxruntime", runtime="onnxruntime", version="1.30.0", libraries={"provider": "CPU"})
NEW = SubjectRecord(name="onnxruntime", runtime="onnxruntime", version="1.31.1", libraries={"provider": "CPU"})


def session(number: int) -> SessionRecord:
    """Return the session of a number, each an hour after the one before."""
    return SessionRecord(
        id=f"{number:012x}",
        started_at=NOON + timedelta(hours=number),
        command="pytest suites/ --quick",
        settings={"pace": "quick", "models": ["squeezenet"]},
        commit="c0ffee",
        branch="main",
        dirty=True,
        harness_version="0.1.0",
    )


def verdict(status: Status, *, effect: float = 0.1, **changes: Any) -> Verdict:
    """Return a verdict on a metric of which lower is better."""
    common: dict[str, Any] = {
        "direction": "lower",
        "scale": "log",
        "smallest_effect": 0.05,
        "reason": f"it is {status}",
        "n": 10,
        "k": 1,
        "value": 1.1,
        "baseline": 1.0,
        "low": 0.05,
        "high": 0.15,
        "p": 0.01,
        "spread": 0.01,
        "detectable": 0.06,
    }
    return Verdict(status=status, effect=effect, **(common | changes))


def trial(
    number: int, *, model: str = "squeezenet", value: float = 1.0, word: Verdict | None = None, **changes: Any
) -> TrialRecord:
    """Return a trial of session ``number`` that measured one latency."""
    case_id = f"{model}-fp16-batch1x4x16"
    common: dict[str, Any] = {
        "session": f"{number:012x}",
        "case_id": case_id,
        "case_hash": stable_hash([case_id, changes.get("case_version", 1)]),
        "case_version": 1,
        "model": model,
        "precision": "fp16",
        "profile": "batch1x4x16",
        "environment": MACHINE,
        "subject": NEW,
        "started_at": NOON + timedelta(hours=number, minutes=1),
        "measurements": (MeasurementRecord(metric="latency_host", point="batch4", value=value),),
        "verdicts": () if word is None else (VerdictRecord(metric="latency_host", point="batch4", verdict=word),),
    }
    return TrialRecord(**(common | changes))


def full_trial(number: int) -> TrialRecord:
    """Return a trial in which nothing is empty."""
    return trial(
        number,
        word=verdict("pass", q=0.5),
        outcome="failed",
        message="a layer is outside its tolerance",
        quality="contended",
        conditions={"load": 1.5, "processes": ["cc1plus"]},
        phases={"build": 1.25, "measure": 0.5},
        engine=EngineRecord(
            fingerprint="f" * 64,
            bytes=5_000_000_000,
            build_seconds=1.234567890123,
            options={"optimization": "extended", "threads": 2},
            type_shares={"fp16": 0.75, "fp32": 0.25},
            layers=66,
            warnings=("a node fell back to FP32",),
            time_shares={"fp16": 0.5, "fp32": 0.5},
            warning_kinds={"fallback": 1},
            log="WARNING: a node fell back to FP32\n",
            layer_list=(
                LayerRecord(
                    position=0,
                    name="conv1 + relu1",
                    operator="Convolution",
                    compute_type="fp16",
                    tactic="sm90_xmma 0x1",
                    outputs=("relu1",),
                    milliseconds=0.25,
                ),
                LayerRecord(position=1, name="reformat", operator="Reformat", compute_type=""),
            ),
        ),
        graph=GraphRecord(
            hash="9" * 64,
            size=2,
            inputs=("x",),
            outputs=("NaN",),
            nodes=(
                NodeRecord(name="conv1", operator="Conv", inputs=("x",), outputs=("conv1",)),
                NodeRecord(name="", operator="Relu", inputs=("conv1",), outputs=("NaN", "Infinity")),
            ),
        ),
        measurements=(
            MeasurementRecord(
                metric="latency_host", point="batch4", value=1.0, samples=np.array([1.0, 1.5, 0.5], np.float32)
            ),
            MeasurementRecord(metric="engine_bytes", point="", value=5e9),
            MeasurementRecord(metric="output_sqnr_db", point="batch4", value=float("inf")),
        ),
        tensor_errors=(
            TensorErrorRecord(
                scope="layers",
                position=7,
                tensor="fire2/concat",
                operator="Concat",
                point="batch1",
                errors={"max_abs": 0.5, "sqnr_db": float("inf"), "worst_index": [0, 3], "cosine": 0.25},
                tolerance={"cosine": 0.999},
                passed=False,
                analysis={"made": float("inf"), "handed": 0.25, "counts": {"overflow": 37}},
            ),
            TensorErrorRecord(scope="outputs", position=0, tensor="y", operator="", point="batch1", errors={}),
        ),
        findings=(
            FindingRecord(stage="build", outcome="passed"),
            FindingRecord(stage="layers", outcome="failed", message="fire2/concat left its tolerance"),
        ),
    )


def remember(history: History, *trials: TrialRecord) -> list[int]:
    """Store trials, starting their sessions where they are new, and return the trials' ids."""
    ids = []
    for record in trials:
        history.start_session(session(int(record.session, 16)))
        ids.append(history.add_trial(record))
    return ids
