"""The reference: inputs for a model, and what the FP32 graph makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cases import Point, Precision, Profile, make_inputs, specs_from_json
from harness.cases.feed import feed_from_json
from harness.runtimes.base import BuildRequest
from harness.workers.tensors import has_tensors, load_tensors, save_tensors

if TYPE_CHECKING:
    from harness.runtimes.base import Runtime


def compute_reference(
    runtime: Runtime, request: dict[str, Any], folders: dict[str, Path], layers_at: str | None
) -> None:
    """Write ``inputs`` and ``outputs``, and at one point ``layers``, under each point's folder, where not there yet.

    The graph runs unoptimised: no fusion, no layout change, each operator as the specification has it.

    Args:
        runtime: runs the FP32 graph.
        request: ``graph`` (path), ``inputs`` (specs), ``feeds``, ``seed``, and ``points`` ({label: sizes}).
        folders: by the point's label.
        layers_at: label of the point whose layers are kept.
    """
    specs = specs_from_json(request["inputs"])
    feeds = {name: feed_from_json(feed) for name, feed in request["feeds"].items()}
    build = BuildRequest(
        graph=Path(request["graph"]),
        precision=Precision("fp32"),
        profile=Profile(),
        inputs=tuple(specs),
        destination=Path(request["graph"]),
        options={"optimization": "disabled"},
    )
    engine = None
    for label, folder in folders.items():
        if not has_tensors(folder / "inputs"):
            point = Point.of(request["points"][label])
            save_tensors(folder / "inputs", make_inputs(specs, feeds, point, seed=request["seed"]))
        inputs = load_tensors(folder / "inputs")
        if label == layers_at and not has_tensors(folder / "layers"):
            finals, layers = runtime.run_layers(build, inputs)
            save_tensors(folder / "layers", ((tensor, array) for tensor, _, array in layers))
            save_tensors(folder / "outputs", finals)
        if not has_tensors(folder / "outputs"):
            engine = engine or runtime.load(build.graph)
            save_tensors(folder / "outputs", engine.run(inputs))
    if engine:
        engine.close()
