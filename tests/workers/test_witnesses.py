from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import pytest

from harness.accuracy.reference_noise import Witness
from harness.errors import ConfigurationError
from harness.runtimes.onnxruntime import OnnxRuntime
from harness.workers import witnesses
from harness.workers.reference import compute_reference
from harness.workers.witnesses import hear_witnesses
from tests import tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINTS = {"batch=1": {"batch": 1}, "batch=3": {"batch": 3}}


@pytest.fixture
def hear(tmp_path: Path) -> Callable[..., dict[str, list[Witness]]]:
    """Return a function that hears the witnesses of a small network's reference, computed beforehand."""
    onnx.save(tiny.convnet(), str(tmp_path / "graph.onnx"))
    runtime = OnnxRuntime()
    request: dict[str, Any] = {
        "graph": str(tmp_path / "graph.onnx"),
        "inputs": [["image", "float32", ["batch", 3, 8, 8]]],
        "feeds": {},
        "seed": "seed",
        "points": POINTS,
        "framework": None,
        "reference": None,
    }
    folders = {label: tmp_path / label for label in POINTS}
    compute_reference(runtime, request, folders, None)

    def heard(**changes: Any) -> dict[str, list[Witness]]:
        answer = hear_witnesses({**request, **changes}, folders, runtime.versions())
        assert answer["reference"] == changes.get("reference", f"onnxruntime {runtime.versions().version}, unoptimised")
        return {label: [Witness.from_json(each) for each in found] for label, found in answer["points"].items()}

    return heard


def test_three_parties_agree_on_a_sound_graph(hear: Callable[..., dict[str, list[Witness]]]) -> None:
    """At every point onnxruntime's optimiser, onnx.reference and the framework agree to what FP32 explains."""
    for found in hear(framework="tests.framework:outputs").values():
        assert [witness.party.split()[0] for witness in found] == [
            "onnxruntime",
            "onnx.reference",
            "'tests.framework:outputs'",
        ]
        assert not any(witness.problem for witness in found)
        assert all(witness.errors["scores"].sqnr_db > 100 for witness in found)


def test_a_reference_of_another_s_is_named_after_it(hear: Callable[..., dict[str, list[Witness]]]) -> None:
    """Where a GPU computed the reference, sentences name it and not this process's onnxruntime."""
    assert hear(reference="onnxruntime-cuda 1.31.1")


def test_each_witness_is_heard_once(
    hear: Callable[..., dict[str, list[Witness]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said is remembered beside the reference, and nobody is asked for it again."""
    first = hear()

    def again(*_: object) -> None:
        raise AssertionError("it was heard before")

    monkeypatch.setattr(witnesses, "_hear", again)
    assert hear() == first


def test_a_framework_that_disagrees_is_measured(hear: Callable[..., dict[str, list[Witness]]]) -> None:
    """Outputs a percent too large are 40 dB away, and nobody's fault but the framework's."""
    *others, framework = hear(framework="tests.framework:other_outputs")["batch=1"]
    assert framework.errors["scores"].sqnr_db == pytest.approx(40, abs=0.5)
    assert all(witness.errors["scores"].sqnr_db > 100 for witness in others)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        pytest.param("misnamed_outputs", "'scores' is no output that it gives.* Known: logits", id="another name"),
        pytest.param("misshapen_outputs", r"in shape \[1, 1, 10\], and the graph in \[1, 10\]", id="another shape"),
        pytest.param("no_outputs", "failed: FileNotFoundError: weights.pt", id="it fails"),
        pytest.param("outputz", "'outputz' is no function of tests.framework. Did you mean 'outputs'", id="a typo"),
    ],
)
def test_a_framework_that_cannot_be_compared_is_refused(
    hear: Callable[..., dict[str, list[Witness]]], function: str, said: str
) -> None:
    """What the user's function does wrong is told with what the graph has, and is never passed over."""
    with pytest.raises(ConfigurationError, match=said):
        hear(framework=f"tests.framework:{function}")


def test_who_cannot_be_heard_says_why(hear: Callable[..., dict[str, list[Witness]]], tmp_path: Path) -> None:
    """A graph with an operator that onnx.reference lacks is compared with the others, and the reason is kept."""
    model = onnx.load(str(tmp_path / "graph.onnx"))
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    model.graph.node[1].op_type, model.graph.node[1].domain = "FastGelu", "com.microsoft"
    onnx.save(model, str(tmp_path / "other.onnx"))
    optimised, evaluator = hear(graph=str(tmp_path / "other.onnx"))["batch=1"]
    assert optimised.errors
    assert "cannot compute this graph" in evaluator.problem
    assert not evaluator.errors
