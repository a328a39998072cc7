"""Writes the report of a history of 300 series with 200 runs each, and records how long it took and how large it is.

Run it from the checkout: ``python benchmarks/report_writing.py``. To reach: at most 10 s and at most 5 MB in all files
together. The history has 10 models in 3 precisions with 10 series each, two subjects, verdicts on every gated run, raw
samples, and in every trial of the last session, the only one whose layers are shown, the errors of 175 layers and an
engine of 175 layers with 64 KiB of its build's log. Making it takes most of the time and is not measured.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.cases.metric import metric_named  # the checkout need not be installed
from harness.history.records import (
    EngineRecord,
    EnvironmentRecord,
    FindingRecord,
    LayerRecord,
    MeasurementRecord,
    SessionRecord,
    SubjectRecord,
    TensorErrorRecord,
    TrialRecord,
    VerdictRecord,
)
from harness.history.store import History
from harness.verdicts.gate import Verdict
from reports.write import write_report

RESULT = Path(__file__).parent / "results" / "report_writing.json"
GOAL_SECONDS, GOAL_BYTES = 10.0, 5_000_000
MODELS, PRECISIONS, RUNS, LAYERS, ROUNDS = 10, ("fp32", "fp16", "int8"), 200, 175, 5
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
ENVIRONMENT = EnvironmentRecord(name="cpu: an example, 2 cores", identity={"cpu": "an example", "cores": 2})
SUBJECTS = tuple(
    SubjectRecord(name="onnxruntime", runtime="onnxruntime", version=version) for version in ("1.30.0", "1.31.1")
)


def fill(history: History, generator: random.Random) -> None:
    """Store 200 sessions, one a day, of 30 cases each."""
    first = datetime(2026, 1, 1, 4, tzinfo=timezone.utc)
    for run in range(RUNS):
        session = SessionRecord(
            id=f"{run:012x}",
            started_at=first + timedelta(days=run),
            command="pytest suites/ --gpu cpu",
            commit=hashlib.sha256(str(run).encode()).hexdigest()[:40],
            branch="main",
        )
        history.start_session(session)
        for model in range(MODELS):
            for precision in PRECISIONS:
                history.add_trial(make_trial(session, f"model_{model}", precision, run, generator))
        history.finish_session(session.id)


def make_trial(session: SessionRecord, model: str, precision: str, run: int, generator: random.Random) -> TrialRecord:
    """Make one trial with all ten series."""
    case_id = f"{model}-{precision}-batch1x4x16"
    measurements, verdicts = [], []
    for metric, point in SERIES:
        spread = 0.0 if metric == "engine_bytes" else 0.01
        value = TYPICAL[metric] * math.exp(generator.gauss(0, spread))
        samples = None
        if metric == "latency_host":
            noise = np.random.default_rng(generator.getrandbits(32)).standard_normal(100)
            samples = (value * (1 + 0.01 * noise)).astype(np.float32)
        measurements.append(MeasurementRecord(metric=metric, point=point, value=value, samples=samples))
        if metric_named(metric).gated:
            verdicts.append(
                VerdictRecord(metric=metric, point=point, verdict=make_verdict(metric, value, run, generator))
            )
    return TrialRecord(
        session=session.id,
        case_id=case_id,
        case_hash=hashlib.sha256(case_id.encode()).hexdigest(),
        case_version=1,
        model=model,
        precision=precision,
        profile="batch1x4x16",
        environment=ENVIRONMENT,
        subject=SUBJECTS[run >= RUNS // 2],
        started_at=session.started_at,
        engine=EngineRecord(
            fingerprint=hashlib.sha256(f"{case_id}{run}".encode()).hexdigest(),
            bytes=51_000_000,
            build_seconds=2.2,
            type_shares={"float32": 1.0},
            layers=LAYERS,
            time_shares={"float32": 1.0},
            warning_kinds={"fallback": 3},
            log="VERBOSE: a line of a build's log, about as long as they are\n" * 1100 if run == RUNS - 1 else "",
            layer_list=make_engine_layers(generator) if run == RUNS - 1 else (),
        ),
        measurements=tuple(measurements),
        tensor_errors=make_layers(generator) if run == RUNS - 1 else (),
        findings=tuple(
            FindingRecord(stage=stage, outcome="passed") for stage in ("build", "outputs", "layers", "latency")
        ),
        verdicts=tuple(verdicts),
    )


def make_verdict(metric: str, value: float, run: int, generator: random.Random) -> Verdict:
    """Make a verdict; one run in fifty is called a regression, which a page marks."""
    known = metric_named(metric)
    baseline = TYPICAL[metric]
    return Verdict(
        status="insufficient" if run < 8 else "regressed" if generator.random() < 0.02 else "pass",
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


def make_layers(generator: random.Random) -> tuple[TensorErrorRecord, ...]:
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


def make_engine_layers(generator: random.Random) -> tuple[LayerRecord, ...]:
    """Make the layers of an engine, named as TensorRT names what it fuses."""
    kernel = "sm80_xmma_fprop_implicit_gemm_indexed_f32f32_f32f32_f32_nhwckrsc_nhwc_tilesize128x64x16"
    blocks = [f"/stages.{position // 40}/blocks.{position // 5}" for position in range(LAYERS)]
    return tuple(
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
    )


def main() -> None:
    """Make the history, write its report several times, print and store what was measured."""
    with tempfile.TemporaryDirectory() as folder, History.open(Path(folder) / "history.db") as history:
        fill(history, random.Random(0))
        series = len(history.queries.series_list())
        seconds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            index = write_report(history, Path(folder) / "report")
            seconds.append(time.perf_counter() - start)
        sizes = {page.name: page.stat().st_size for page in sorted(index.parent.glob("*.html"))}
    result = {
        "series": series,
        "runs_per_series": RUNS,
        "seconds": {"median": statistics.median(seconds), "worst": max(seconds), "goal": GOAL_SECONDS},
        "bytes": {"all": sum(sizes.values()), "largest": max(sizes.values()), "goal": GOAL_BYTES},
        "files": len(sizes),
        "reached": max(seconds) <= GOAL_SECONDS and sum(sizes.values()) <= GOAL_BYTES,
        "machine": {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()},
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
