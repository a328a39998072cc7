"""What was measured of a model, so that its tolerances can be derived: kept in the cache, read by ``doctor``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.accuracy.reference_noise import NoiseFloor
from harness.graphs.save import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Raise it when the meaning of a reading changes, and say so here.
# 1: as first written.
READING_VERSION = 1

Floors = dict[str, NoiseFloor]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault that was planted in the FP32 graph.

    Attributes:
        description: what was done, and to which node.
        errors: by output, the worst error over all points.
    """

    description: str
    errors: Floors


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one model's graphs do on the CPU.

    Attributes:
        model: its name.
        version: the model's, as in the catalogue.
        graph: hash of its FP32 graph.
        measured_at: ISO 8601 in UTC.
        seeds: how many sets of inputs there were at each point.
        points: their labels.
        noise: by output, how far the optimised FP32 graph is from the unoptimised one.
        rounding: by precision, by output, how far the recipe's graph is from the FP32 graph; both unoptimised.
        unmeasured: by precision, why it has no ``rounding``.
        faults: what planted faults do to the FP32 graph; none where they were not asked for.
    """

    model: str
    version: int
    graph: str
    measured_at: str
    seeds: int
    points: tuple[str, ...]
    noise: Floors
    rounding: dict[str, Floors] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data for strict JSON, in which infinity is text."""
        return {
            **vars(self),
            "points": list(self.points),
            "noise": _floors_to_json(self.noise),
            "rounding": {precision: _floors_to_json(floors) for precision, floors in self.rounding.items()},
            "faults": [{"description": f.description, "errors": _floors_to_json(f.errors)} for f in self.faults],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reading:
        """Make a reading from what ``to_json`` returned."""
        return cls(**{
            **data,
            "points": tuple(data["points"]),
            "noise": _floors(data["noise"]),
            "rounding": {precision: _floors(floors) for precision, floors in data["rounding"].items()},
            "faults": tuple(Fault(description=f["description"], errors=_floors(f["errors"])) for f in data["faults"]),
        })  # fmt: skip


def store_reading(cache: Path, reading: Reading) -> None:
    """Put ``reading`` in the place of the last one of its model.

    What that one has of other precisions, or of faults, is kept where it is of the same graph.

    Raises:
        OSError: the cache cannot be written to.
    """
    kept = load_readings(cache).get(reading.model)
    merged = reading.to_json()
    if kept and (kept.graph, kept.version) == (reading.graph, reading.version):
        earlier = kept.to_json()
        merged["rounding"] = earlier["rounding"] | merged["rounding"]
        merged["faults"] = merged["faults"] or earlier["faults"]
    folder = cache / "tolerances"
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{reading.model}.json") as file:
        file.write(json.dumps({"format": READING_VERSION, "reading": merged}).encode())


def load_readings(cache: Path) -> dict[str, Reading]:
    """Return the newest reading of each model; a file that cannot be read, or is of another version, counts as none."""
    readings = {}
    for file in sorted((cache / "tolerances").glob("*.json")):
        try:
            data = json.loads(file.read_bytes())
            if data["format"] == READING_VERSION:
                reading = Reading.from_json(data["reading"])
                readings[reading.model] = reading
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return readings


def _floors_to_json(floors: Mapping[str, NoiseFloor]) -> dict[str, dict[str, float | str]]:
    return {
        output: {name: value if math.isfinite(value) else str(value) for name, value in vars(floor).items()}
        for output, floor in floors.items()
    }


def _floors(data: Mapping[str, Mapping[str, float | str]]) -> Floors:
    return {
        output: NoiseFloor(**{name: float(value) for name, value in entry.items()}) for output, entry in data.items()
    }
