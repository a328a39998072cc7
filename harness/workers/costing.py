"""What a graph costs, told from shapes alone: its weights are never read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx

from harness.errors import ModelError
from harness.graphs.cost import cost_at, weight_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.cases import Point


def costs(graph: Path, fp32_graph: Path, points: Mapping[str, Point]) -> dict[str, Any]:
    """Count what a case's graph holds, and what one run of its model takes.

    Args:
        graph: in the case's precision.
        fp32_graph: of the same model. A recipe adds casts and scales but no arithmetic, so it is counted here, where it
            is the same for every precision.
        points: by their labels.

    Returns:
        ``weight_bytes`` of ``graph``; ``points``: by label, the fields of ``harness.graphs.cost.GraphCost``; where
        these could not be told, none, and ``problem`` says why.
    """
    model = onnx.load(str(fp32_graph), load_external_data=False)
    held = weight_bytes(onnx.load(str(graph), load_external_data=False))
    try:
        spent = {label: cost_at(model, point) for label, point in points.items()}
    except ModelError as error:
        return {"weight_bytes": held, "points": {}, "problem": str(error)}
    return {
        "weight_bytes": held,
        "points": {label: {**vars(cost), "uncounted": list(cost.uncounted)} for label, cost in spent.items()},
        "problem": "",
    }
