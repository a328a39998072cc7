from __future__ import annotations

from typing import Any

import pytest

from harness.cases.boards import Board
from harness.history.records import MeasurementRecord
from harness.measurement.roofline import Roofline
from harness.rooflines import cost_conditions, roofline_measurements, rooflines_of

BOARD = Board(title="round", words=("round",), capability=(8, 0), memory=1, bandwidth=1000,
              peaks={"fp32": 10, "fp16": 100})  # fmt: skip


def cost(*, uncounted: tuple[str, ...] = (), **multiply_adds: int) -> dict[str, Any]:
    """Return what a worker answers for points with so many multiply-adds, each of which reads a million weights."""
    points = {
        label: {"multiply_adds": n, "weights": 1_000_000 if n else 0, "input_bytes": 0, "output_bytes": 0,
                "uncounted": list(uncounted)}
        for label, n in multiply_adds.items()
    }  # fmt: skip
    return {"weight_bytes": 4_000_000, "points": points, "problem": ""}


def timing(metric: str, point: str, milliseconds: float) -> MeasurementRecord:
    """Return one latency."""
    return MeasurementRecord(metric=metric, point=point, value=milliseconds)


def test_every_point_has_a_roofline_of_its_own() -> None:
    """A large batch is bound by arithmetic, a small one by the weights that it reads in the engine's number type."""
    roofs = rooflines_of(cost(small=1000, large=50_000_000_000), BOARD, "fp16")
    assert {label: (roof.bound, pytest.approx(roof.milliseconds)) for label, roof in roofs.items()} == {
        "small": ("memory", 0.002),
        "large": ("compute", 1.0),
    }


@pytest.mark.parametrize(
    ("spent", "board", "number_type"),
    [
        pytest.param(None, BOARD, "fp16", id="the cost was not counted"),
        pytest.param(cost(a=1), None, "fp16", id="no data sheet"),
        pytest.param(cost(a=1), BOARD, "int8", id="no such arithmetic on the board"),
        pytest.param(cost(a=0), BOARD, "fp16", id="nothing to do"),
    ],
)
def test_where_nothing_bounds_a_run_there_is_no_roofline(spent: Any, board: Board | None, number_type: Any) -> None:
    """No distance is made up from what is not known."""
    assert rooflines_of(spent, board, number_type) == {}


@pytest.mark.parametrize(
    ("timings", "distances"),
    [
        pytest.param([("latency_graph", "a", 2.0), ("latency_stream", "a", 3.0)], [("a", 4.0)], id="graph replay"),
        pytest.param([("latency_stream", "a", 3.0), ("latency_host", "a", 9.0)], [("a", 6.0)], id="no graph: stream"),
        pytest.param([("latency_host", "a", 9.0)], [], id="host latencies hold copies"),
        pytest.param([("latency_graph", "b", 2.0)], [], id="a point without a roofline"),
    ],
)
def test_the_distance_is_of_the_gpus_own_time(
    timings: list[tuple[str, str, float]], distances: list[tuple[str, float]]
) -> None:
    """Of the modes of launch the quieter one counts, over a roofline of half a millisecond."""
    roofs = {"a": Roofline(compute_ms=0.5, memory_ms=0.1)}
    measured = roofline_measurements([timing(*each) for each in timings], roofs)
    assert [(m.point, m.value) for m in measured if m.metric == "roofline_distance"] == distances


def test_what_bounds_a_run_is_told_beside_it() -> None:
    """The work at each point, the board's name, and what the arithmetic lacks."""
    spent = cost(uncounted=tuple("abcdefg"), small=1000)
    told = cost_conditions(spent, rooflines_of(spent, BOARD, "fp16"), BOARD, "fp16")
    assert told == {
        "multiply_adds": {"small": 1000},
        "multiply_adds_lack": ["a", "b", "c", "d", "e", "…"],
        "roofline": {
            "board": "round",
            "number_type": "fp16",
            "small": {"milliseconds": pytest.approx(0.002), "bound": "memory"},
        },
    }


def test_a_cost_that_could_not_be_counted_is_said() -> None:
    """Without a cost nothing is told; with a reason, the reason."""
    assert cost_conditions(None, {}, BOARD, "fp16") == {}
    failed = {"weight_bytes": 1, "points": {}, "problem": "the shapes contradict each other"}
    assert cost_conditions(failed, {}, BOARD, "fp16") == {
        "multiply_adds": "not counted: the shapes contradict each other"
    }
