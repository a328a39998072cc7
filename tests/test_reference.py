from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from harness.cases import Point
from harness.errors import ReferenceDisagrees
from harness.reference import Reference, make_reference
from harness.workbench import Workbench
from harness.workers.subject import Subject
from harness.workers.tensors import load_tensors
from tests import tiny
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.workers.client import WorkerClient

SMALLEST, LARGEST = Point.of({"batch": 1}), Point.of({"batch": 4})
CUDA = {"runtime": "onnxruntime-cuda", "version": "1.31.1", "libraries": {"provider": "CUDAExecutionProvider"}}


class Asking:
    """Asks real workers; the CPU provider plays the GPU's part, from a graph of its own if there is one."""

    def __init__(self, workbench: Workbench, graph: Path, **versions: Any) -> None:
        self._workbench, self._graph, self._versions = workbench, graph, {**CUDA, **versions}
        self.asked: list[tuple[str, str]] = []

    def __call__(self, worker: WorkerClient, method: str, /, **params: Any) -> dict[str, Any]:
        """Return the worker's answer."""
        on_gpu = worker.subject.name == "reference-cuda"
        self.asked.append(("gpu" if on_gpu else "cpu", method))
        if on_gpu and method == "versions":
            return self._versions
        if on_gpu and method == "reference":
            params["request"] = {**params["request"], "graph": str(self._graph)}
        answer: dict[str, Any] = worker.call(method, deadline=60, **params)
        return answer


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[Workbench]:
    """Lend workers of which one plays the GPU's part."""
    bench = Workbench(tmp_path / "session", tmp_path / "cache", [ROOT], cuda=Subject("reference-cuda", "onnxruntime"))
    yield bench
    bench.close()


def saved(model: onnx.ModelProto, file: Path) -> Path:
    """Save a model and return its file."""
    onnx.save(model, str(file))
    return file


def reference_of(bench: Workbench, ask: Asking, graph: Path, *, key: str = "0" * 64) -> Reference:
    """Make the reference of a small network at two points."""
    request = {"graph": str(graph), "inputs": [["image", "float32", ["batch", 3, 8, 8]]], "feeds": {}, "seed": "seed"}
    return make_reference(bench, ask, request, (SMALLEST, LARGEST), SMALLEST, key=key)


def test_on_the_cpu_one_worker_computes_everything(workbench: Workbench, tmp_path: Path) -> None:
    """Every point has inputs and outputs, the smallest its layers, and there is nothing to be said of it."""
    graph = saved(tiny.convnet(), tmp_path / "graph.onnx")
    ask = Asking(workbench, graph)
    found = reference_of(workbench, ask, graph)
    assert found.facts == {}
    assert ask.asked == [("cpu", "versions"), ("cpu", "reference")]
    assert load_tensors(Path(found.folders["batch=4"]) / "outputs")["scores"].shape == (4, 10)
    assert "conv1" in load_tensors(Path(found.folders["batch=1"]) / "layers")
    assert not (Path(found.folders["batch=4"]) / "layers").exists()


def test_a_gpu_is_held_against_the_cpu_first(two_workers: Workbench, tmp_path: Path) -> None:
    """Where both agree at the smallest point the GPU's is the reference, with the figure to be remembered."""
    graph = saved(tiny.convnet(), tmp_path / "graph.onnx")
    ask = Asking(two_workers, graph)
    found = reference_of(two_workers, ask, graph)
    assert found.facts["runtime"] == "onnxruntime-cuda"
    assert found.facts["version"] == "1.31.1"
    assert found.facts["sqnr_db"] == "inf"  # it is the CPU twice
    assert found.facts["tensors"] == 7
    assert ("gpu", "reference") in ask.asked
    assert load_tensors(Path(found.folders["batch=4"]) / "outputs")["scores"].shape == (4, 10)


def test_both_are_fed_alike(two_workers: Workbench, tmp_path: Path) -> None:
    """The inputs are made by one worker, whatever numpy the other one has."""
    graph = saved(tiny.convnet(), tmp_path / "graph.onnx")
    ask = Asking(two_workers, graph)
    found = reference_of(two_workers, ask, graph)
    assert ask.asked.index(("cpu", "reference_inputs")) < ask.asked.index(("gpu", "reference"))
    images = [load_tensors(folder / "inputs")["image"] for folder in (tmp_path / "cache").glob("reference/*/batch=1")]
    assert len(images) == 2
    np.testing.assert_array_equal(*images)
    assert Path(found.folders["batch=1"]).is_dir()


def test_a_gpu_that_disagrees_is_refused(two_workers: Workbench, tmp_path: Path) -> None:
    """Tensor, distance, place and the way out are named, today and when it is found in the cache tomorrow."""
    graph = saved(tiny.convnet(), tmp_path / "graph.onnx")
    other = saved(tiny.with_perturbed_weight(tiny.convnet(), "w2", factor=1.001), tmp_path / "other.onnx")
    for _ in range(2):
        with pytest.raises(ReferenceDisagrees, match=r"at batch=1 the tensor 'conv2' .* 60\.0 dB.*use --reference cpu"):
            reference_of(two_workers, Asking(two_workers, other), graph)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"version": "1.32.0"}, id="another version"),
        pytest.param({"libraries": {**CUDA["libraries"], "cudnn": "9.9.0"}}, id="another cuDNN"),
    ],
)
def test_what_other_software_computed_is_not_taken_from_the_cache(
    two_workers: Workbench, tmp_path: Path, other: dict[str, Any]
) -> None:
    """Provider, version and libraries are part of what a reference is found by, beside graph and feeds."""
    graph = saved(tiny.convnet(), tmp_path / "graph.onnx")

    def folder(**versions: Any) -> str:
        return reference_of(two_workers, Asking(two_workers, graph, **versions), graph).folders["batch=1"]

    first = folder()
    assert folder() == first
    assert folder(**other) != first
    assert reference_of(two_workers, Asking(two_workers, graph), graph, key="1" * 64).folders["batch=1"] != first
