"""The reference: inputs for a model, and what the FP32 graph makes of them."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.accuracy.agreement import agreement_of
from harness.cases import Point, Precision, Profile, make_inputs, specs_from_json
from harness.cases.feed import feed_from_json
from harness.runtimes.base import BuildRequest
from harness.workers.reference_layers import ReferenceLayers
from harness.workers.tensors import has_tensors, load_tensors, save_tensors

if TYPE_CHECKING:
    from harness.runtimes.base import Runtime


def make_point_inputs(request: dict[str, Any], folders: dict[str, Path]) -> None:
    """Write ``inputs`` under each point's folder, where not there yet; see ``compute_reference``."""
    specs = specs_from_json(request["inputs"])
    feeds = {name: feed_from_json(feed) for name, feed in request["feeds"].items()}
    for label, folder in folders.items():
        if not has_tensors(folder / "inputs"):
            point = Point.of(request["points"][label])
            save_tensors(folder / "inputs", make_inputs(specs, feeds, point, seed=request["seed"]))


def compute_reference(
    runtime: Runtime, request: dict[str, Any], folders: dict[str, Path], layers_at: str | None
) -> None:
    """Write ``inputs`` and ``outputs``, and at one point ``layers``, under each point's folder, where not there yet.

    The graph runs unoptimised: no fusion, no layout change, each operator as the specification has it.

    Args:
        runtime: runs the FP32 graph.
        request: ``graph`` (path), ``inputs`` (specs), ``feeds``, ``seed``, ``points`` ({label: sizes}), and
            ``rows_along``, which says how layers are kept: see ``ReferenceLayers``.
        folders: by the point's label.
        layers_at: label of the point whose layers are kept.
    """
    make_point_inputs(request, folders)
    build = BuildRequest(
        graph=Path(request["graph"]),
        precision=Precision("fp32"),
        profile=Profile(),
        inputs=specs_from_json(request["inputs"]),
        destination=Path(request["graph"]),
        options={"optimization": "disabled"},
    )
    engine = None
    for label, folder in folders.items():
        inputs = load_tensors(folder / "inputs")
        layers = ReferenceLayers(folder, build.inputs, request.get("rows_along"))
        if label == layers_at and not layers.complete:
            finals = layers.save(runtime.layer_reader(build))
            if finals is not None:
                save_tensors(folder / "outputs", finals)
        if not has_tensors(folder / "outputs"):
            engine = engine or runtime.load(build.graph)
            save_tensors(folder / "outputs", engine.run(inputs))
    if engine:
        engine.close()


def compare_references(actual: Path, expected: Path) -> dict[str, Any]:
    """Hold outputs and layers under one point's folder against those under another's, and remember what was found.

    Returns:
        An ``Agreement`` as plain data for strict JSON, which has no infinity: that ratio is ``"inf"``.

    Raises:
        ReferenceDisagrees: one of them is further away than FP32 explains.
    """
    known = actual / f"agreement-{expected.parent.name}.json"
    if not known.is_file():
        # Both have the layers that this session asked for; of an earlier one a side may have the others, too.
        kept = next(k for k in ("layers", "layer_rows") if has_tensors(actual / k) and has_tensors(expected / k))
        found = asdict(agreement_of(_outputs_and_layers(actual, kept), _outputs_and_layers(expected, kept)))
        found["sqnr_db"] = round(found["sqnr_db"], 1) if math.isfinite(found["sqnr_db"]) else "inf"
        unfinished = known.with_name(f".{known.name}.{os.getpid()}")
        unfinished.write_text(json.dumps(found))
        unfinished.replace(known)
    answer: dict[str, Any] = json.loads(known.read_text())
    return answer


def _outputs_and_layers(folder: Path, kept: str) -> dict[str, Any]:
    return {**load_tensors(folder / kept), **load_tensors(folder / "outputs")}
