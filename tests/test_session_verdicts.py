from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.history.decisions import Decision
from harness.history.engines import build_hash
from harness.history.rows import PastRun
from harness.session import CheckFailed, NotJudged
from harness.spacing import Spacing
from tests import tiny
from tests.case_runs import plant, say_quality

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartCase


def test_a_slower_engine_is_caught(start_case: StartCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine with injected work is screened, confirmed in fresh processes and called regressed."""
    baseline = [start_case() for _ in range(8)]
    for run in baseline:
        run.check("latency")
    values = [np.median(run.latency_samples()["batch=1"]) for run in baseline]

    def latencies(_: object, metric: str, point: str, __: str) -> list[float]:
        return [float(v) for v in values] if (metric, point) == ("latency_host", "batch=1") else []

    known = [record for run in baseline for record in run.records()]
    engines = [record.engine for record in known if record.engine is not None]
    past = [
        PastRun(f"s{i}", 0, float(value), build_hash(engine), engine.fingerprint)
        for i, (value, engine) in enumerate(zip(values, engines, strict=True))
    ]
    layers = {build_hash(engine): engine.layer_list for engine in engines}
    slow = start_case(baseline=latencies, surroundings={"past_runs": lambda *_: past, "layers_of": layers.__getitem__})
    plant(slow, lambda model: tiny.with_extra_work(model, "scores"), tmp_path)
    say_quality(slow, monkeypatch, *["ok"] * 5)
    with pytest.raises(
        CheckFailed, match=r"regressed\n  latency, host to host.*slower by .* confirmed by 5 of 5 trials"
    ):
        slow.check("regression")
    verdict = next(r.verdict for r in slow.verdicts() if r.metric == "latency_host")
    assert verdict.status == "regressed"
    assert verdict.k == 5
    assert len(slow.records()) == 5
    record = next(r for r in slow.verdicts() if r.metric == "latency_host")
    assert record.cause == "other tactics"
    added = [layer for layer in record.cause_details["layers"] if "new" in layer["changed"]]
    assert len(added) >= 8  # the matrix products
    assert added[0]["milliseconds"][1] > 0


@pytest.mark.parametrize(
    ("qualities", "word", "said"),
    [
        pytest.param(["ok", "contended", "ok", "ok", "ok", "ok"], ("regressed", 5), "by 5 of 5", id="repeated"),
        pytest.param(
            ["ok", "contended", "contended", "throttled", "contended", "ok", "ok"], ("regressed", 3), "by 3 of 3",
            id="left out",
        ),
        pytest.param(
            ["ok", *["contended"] * 6, "ok"], ("inconclusive", 1), "of 5 trials 2 could be used (3 contended)",
            id="too few",
        ),
    ],
)  # fmt: skip
def test_spoilt_confirmations_decide_nothing(
    start_case: StartCase,
    monkeypatch: pytest.MonkeyPatch,
    qualities: list[str],
    word: tuple[str, int],
    said: str,
) -> None:
    """A confirmation on a busy machine is repeated once, then left out; of fewer than three trials nothing follows."""

    def was_faster(_: object, metric: str, point: str, __: str) -> list[float]:
        return [2e-3 * (1 + i / 1000) for i in range(8)] if (metric, point) == ("latency_host", "batch=1") else []

    run = start_case(baseline=was_faster)
    left = say_quality(run, monkeypatch, *qualities)
    verdict = next(r.verdict for r in run.verdicts() if r.metric == "latency_host")
    assert ((verdict.status, verdict.k), left) == (word, [])
    assert said in verdict.reason
    run.check("latency")
    assert len(run.records()) == 5


@pytest.mark.parametrize(
    ("metric", "past", "waits"),
    [pytest.param("latency_host", 2e-3, 4, id="a time"), pytest.param("engine_bytes", 1000.0, 0, id="a size")],
)
def test_confirmations_of_a_time_are_spaced(
    start_case: StartCase, monkeypatch: pytest.MonkeyPatch, metric: str, past: float, waits: int
) -> None:
    """Before each trial that confirms a latency there is a pause, which its conditions tell; a size needs none."""
    slept: list[float] = []

    def was_less(_: object, asked: str, point: str, __: str) -> list[float]:
        return (
            [past * (1 + i / 1000) for i in range(8)] if (asked, point) in ((metric, "batch=1"), (metric, "")) else []
        )

    run = start_case(baseline=was_less, surroundings={"spacing": Spacing(5.0, sleep=slept.append)})
    say_quality(run, monkeypatch, *["ok"] * 5)
    run.verdicts()
    run.check("latency")
    assert slept == [5.0] * waits
    assert [record.conditions["waited_seconds"] for record in run.records()[1:]] == (slept or [0.0] * 4)


def test_a_vanished_value_is_no_pass(start_case: StartCase) -> None:
    """A baseline of other size makes an exact metric regress, and one that is too short is said to be so."""

    def engine_was_smaller(_: object, metric: str, point: str, __: str) -> list[float]:
        return [1000.0] * 8 if metric == "engine_bytes" else [1.0] * 3

    run = start_case(baseline=engine_was_smaller)
    with pytest.raises(CheckFailed, match=r"regressed\n  engine size"):
        run.check("regression")
    others = {r.verdict.status for r in run.verdicts() if r.metric != "engine_bytes"}
    assert others == {"insufficient"}


def test_a_quarantined_regression_neither_fails_nor_passes(start_case: StartCase) -> None:
    """The verdict has a word of its own, and the skip says who put it off, until when and why."""
    held = Decision(
        action="quarantine",
        case="*",
        reason="a known one",
        author="Ada",
        created_at=datetime(2031, 5, 1, tzinfo=timezone.utc),
        until=datetime(2031, 6, 1, tzinfo=timezone.utc),
    )

    def engine_was_smaller(_: object, metric: str, *__: str) -> list[float]:
        return [1000.0] * 8 if metric == "engine_bytes" else []

    def quarantine(_: object, metric: str) -> Decision | None:
        return held if metric == "engine_bytes" else None

    run = start_case(baseline=engine_was_smaller, surroundings={"quarantine": quarantine})
    told = r"^quarantined: engine size: .*up to 2031-05-31 \(Ada, 2031-05-01: a known one\)"
    with pytest.raises(NotJudged, match=told):
        run.check("regression")
    statuses = {record.metric: record.verdict.status for record in run.verdicts()}
    assert (statuses["engine_bytes"], statuses["host_memory_peak"]) == ("quarantined", "insufficient")
