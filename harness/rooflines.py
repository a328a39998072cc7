"""How far the GPU's work on each point is from the least time that its board allows: plain data in, records out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.history.records import MeasurementRecord
from harness.measurement.roofline import Roofline, bytes_moved, distance, roofline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cases.boards import Board, NumberType

# What the GPU alone takes, the quieter one first; host latencies hold copies, which are no part of a roofline.
_GPU_LATENCIES = ("latency_graph", "latency_stream")
# How many operators of which no cost is known are named.
_MOST_NAMED = 5


def rooflines_of(cost: Mapping[str, Any] | None, board: Board | None, number_type: NumberType) -> dict[str, Roofline]:
    """Return the roofline at each point, by its label.

    Args:
        cost: the answer of ``cost``, None if it did not run.
        board: what engines run on, None where no data sheet of it is known.
        number_type: what they were asked to compute in.

    Returns:
        Nothing where the board is unknown or has no such arithmetic, and no point at which nothing is computed.
    """
    if cost is None or board is None or number_type not in board.peaks:
        return {}
    roofs = {}
    for label, spent in cost["points"].items():
        moved = bytes_moved(
            weights=spent["weights"],
            input_bytes=spent["input_bytes"],
            output_bytes=spent["output_bytes"],
            number_type=number_type,
        )
        roofs[label] = roofline(board, number_type, multiply_adds=spent["multiply_adds"], moved=moved)
    return {label: roof for label, roof in roofs.items() if roof.milliseconds > 0}


def roofline_measurements(
    timings: Sequence[MeasurementRecord], roofs: Mapping[str, Roofline]
) -> list[MeasurementRecord]:
    """Return how many times as long as the roofline the GPU took at each point, where both are known."""
    latencies = {(timing.metric, timing.point): timing.value for timing in timings}
    measurements = []
    for label, roof in roofs.items():
        milliseconds = next((latencies[m, label] for m in _GPU_LATENCIES if (m, label) in latencies), None)
        if milliseconds is not None:
            value = distance(milliseconds, roof.milliseconds)
            measurements.append(MeasurementRecord(metric="roofline_distance", point=label, value=value))
    return measurements


def cost_conditions(
    cost: Mapping[str, Any] | None, roofs: Mapping[str, Roofline], board: Board | None, number_type: NumberType
) -> dict[str, Any]:
    """Return what is worth reading beside the distances: the work at each point, and what bounds it.

    Args:
        cost: the answer of ``cost``, None if it did not run.
        roofs: what ``rooflines_of`` made of it.
        board: as given to ``rooflines_of``.
        number_type: likewise.
    """
    if cost is None:
        return {}
    if cost["problem"]:
        return {"multiply_adds": f"not counted: {cost['problem']}"}
    conditions: dict[str, Any] = {
        "multiply_adds": {label: spent["multiply_adds"] for label, spent in cost["points"].items()}
    }
    uncounted = {name: None for spent in cost["points"].values() for name in spent["uncounted"]}
    if uncounted:
        conditions["multiply_adds_lack"] = [*uncounted][:_MOST_NAMED] + ["…"] * (len(uncounted) > _MOST_NAMED)
    if roofs and board:
        bounds = {label: {"milliseconds": roof.milliseconds, "bound": roof.bound} for label, roof in roofs.items()}
        conditions["roofline"] = {"board": board.title, "number_type": number_type, **bounds}
    return conditions
