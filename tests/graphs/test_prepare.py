from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import onnx
import pytest

from harness.cases import BF16, FP16, FP32, INT8, TF32, Calibration, Normal, Point, Precision, Uniform
from harness.errors import CalibrationError, ConfigurationError, ModelError
from harness.graphs import prepare as module
from harness.graphs import recipes
from harness.graphs.prepare import PreparedGraph, PrepareRequest, prepare
from tests.graphs.small_graphs import classifier, cosine, images, run
from tests.graphs.sources_for_tests import PACKAGE

KEPT = Precision("int8", ("gemm",), "int8-mixed")


def _request(cache: Path, **changes: Any) -> PrepareRequest:
    settings: dict[str, Any] = {
        "source": f"{PACKAGE}:model",
        "precision": INT8,
        "cache": cache,
        "calibration": Calibration(samples=2),
        "point": Point.of({"batch": 4}),
        **changes,
    }
    return PrepareRequest(**settings)


@pytest.mark.parametrize("precision", [FP32, TF32, FP16, BF16, INT8, KEPT], ids=lambda precision: precision.name)
def test_a_graph_is_made_once_and_then_found(tmp_path: Path, precision: Precision) -> None:
    """The first call makes the graph, the second finds it and tells the same of it."""
    first = prepare(_request(tmp_path, precision=precision))
    second = prepare(_request(tmp_path, precision=precision))
    assert (first.cached, second.cached) == (False, True)
    assert first.to_json() == {**second.to_json(), "cached": False, "seconds": first.seconds}
    assert first.path.name == f"{first.hash}.onnx"
    actual = run(onnx.load(str(first.path)), images(2), optimised=False)["scores"]
    assert cosine(actual, run(classifier(), images(2))["scores"]) > 0.99


def test_finding_a_graph_takes_milliseconds(tmp_path: Path) -> None:
    """Nothing is loaded, hashed or built on the second call."""
    prepare(_request(tmp_path))
    assert min(prepare(_request(tmp_path)).seconds for _ in range(5)) < 0.05


def test_the_fp32_graph_is_there_too(tmp_path: Path) -> None:
    """The reference's graph comes with each precision, and is the very same file for FP32 itself."""
    plain, quantised = prepare(_request(tmp_path, precision=FP32)), prepare(_request(tmp_path))
    assert plain.path == plain.fp32_path == quantised.fp32_path != quantised.path
    assert plain.hash == plain.fp32_hash == quantised.fp32_hash != quantised.hash
    assert onnx.load(str(plain.path)) == classifier()


def test_what_was_made_is_told(tmp_path: Path) -> None:
    """The types that the graph computes in, its inputs and outputs are in the answer."""
    prepared = prepare(_request(tmp_path, precision=KEPT))
    assert prepared.type_shares == {"float32": 0.5, "int8": 0.5}
    assert [spec.name for spec in (*prepared.inputs, *prepared.outputs)] == ["image", "scores"]
    assert prepared.seconds > 0


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"precision": KEPT}, id="other nodes to keep"),
        pytest.param({"precision": FP16}, id="another recipe"),
        pytest.param({"calibration": Calibration(samples=5)}, id="more samples"),
        pytest.param({"calibration": Calibration(samples=2, method="percentile-90")}, id="another method"),
        pytest.param({"feeds": {"image": Normal(0.0, 9.0)}}, id="other feeds"),
        pytest.param({"calibration": Calibration(source=f"{PACKAGE}:calibration")}, id="a set of its own"),
    ],
)
def test_another_request_gives_another_graph(tmp_path: Path, changes: dict[str, Any]) -> None:
    """What changes the graph is not answered from the cache."""
    first = prepare(_request(tmp_path))
    second = prepare(_request(tmp_path, **changes))
    assert not second.cached
    assert second.hash != first.hash


@pytest.mark.parametrize("recipe", ["fp16", "int8"])
def test_a_new_version_of_a_recipe_or_package_makes_the_graph_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: Any
) -> None:
    """Graphs of an older recipe or onnxruntime are not found any more."""
    request = _request(tmp_path, precision=Precision(recipe))
    prepare(request)
    with monkeypatch.context() as patch:
        patch.setitem(recipes.RECIPE_VERSIONS, recipe, 99)
        assert not prepare(request).cached
    with monkeypatch.context() as patch:
        patch.setattr(module, "package_versions", lambda: {"onnxruntime": "99"})
        assert not prepare(request).cached
    assert prepare(request).cached


def test_another_way_to_the_same_set_finds_the_same_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the code of a calibration source changes but not what it yields, the set is made and the graph found."""
    request = _request(tmp_path, calibration=Calibration(source=f"{PACKAGE}:calibration"))
    first = prepare(request)
    monkeypatch.setattr(module, "source_code_hash", lambda _: "edited")
    monkeypatch.setattr(module, "apply_recipe", lambda *_: pytest.fail("quantised again"))
    second = prepare(request)
    assert (second.cached, second.hash) == (True, first.hash)
    monkeypatch.setattr(module, "calibration_samples", lambda *_: pytest.fail("made again"))
    assert prepare(request).cached


def test_what_was_cached_before_there_were_methods_is_still_found(tmp_path: Path) -> None:
    """The keys of a calibration by MinMax say nothing of a method, for invented samples and for a source."""
    for calibration, described in (
        (Calibration(samples=2), {"calibration": {"samples": 2, "source": None}}),
        (Calibration(source=f"{PACKAGE}:calibration"), {"source": f"{PACKAGE}:calibration"}),
    ):
        description = module._calibration_description(_request(tmp_path, calibration=calibration))
        assert description is not None
        assert {name: description[name] for name in described} == described
        assert "method" not in str(description)


def test_a_deleted_graph_is_made_again(tmp_path: Path) -> None:
    """A cache that someone cleared in part is filled again."""
    first = prepare(_request(tmp_path))
    first.path.unlink()
    again = prepare(_request(tmp_path))
    assert not again.cached
    assert again.hash == first.hash
    assert again.path.exists()


def _prepare_in_process(arguments: tuple[str, str]) -> str:
    cache, source = arguments
    prepared = prepare(_request(Path(cache), source=source))
    onnx.checker.check_model(str(prepared.path))
    return prepared.hash


def test_two_processes_may_prepare_the_same_graph(tmp_path: Path) -> None:
    """Two that start on an empty cache at once both succeed, with one graph between them and nothing half-written."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        hashes = pool.map(_prepare_in_process, [(str(tmp_path), f"{PACKAGE}:model")] * 4, chunksize=1)
    assert len(set(hashes)) == 1
    assert list(tmp_path.rglob(".*")) == []
    assert len(list((tmp_path / "graphs").iterdir())) == 2


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        pytest.param(
            {"feeds": {"imag": Uniform(0.0, 1.0)}},
            ModelError,
            r"'imag' is no input of the graph\. Did you mean 'image'\?",
            id="a feed for an input that the graph lacks",
        ),
        pytest.param(
            {"precision": Precision("fp16", ("gemn",), "m")}, ConfigurationError, "'gemn'", id="an unknown node to keep"
        ),
        pytest.param(
            {"calibration": Calibration(source=f"{PACKAGE}:one_image")}, CalibrationError, "is a dict", id="a bad set"
        ),
        pytest.param({"source": f"{PACKAGE}:failing"}, ConfigurationError, "not here", id="a source that fails"),
        pytest.param({"source": Path("absent.onnx")}, ModelError, r"absent\.onnx", id="a file that is not there"),
    ],
)
def test_bad_requests_are_refused(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Each ends in one clear error and leaves no record of a recipe."""
    with pytest.raises(error, match=message):
        prepare(_request(tmp_path, **changes))
    assert not (tmp_path / "recipes").exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file in place of the cache's folder is an error that names it and a way out."""
    blocked = tmp_path / "cache"
    blocked.write_text("no folder")
    with pytest.raises(ConfigurationError, match=r"the graph cache '.*cache' cannot be used: .*Name another folder"):
        prepare(_request(blocked))


@pytest.mark.parametrize(
    "source", ["module:function", "model.onnx", Path("model.onnx")], ids=["function", "text", "path"]
)
def test_requests_survive_json(source: str | Path) -> None:
    """What goes over the pipe to a worker arrives as it was."""
    request = _request(
        Path("cache"),
        source=source,
        precision=KEPT,
        feeds={"image": Uniform(0.0, 1.0)},
        calibration=Calibration(samples=3, source="a:b"),
        batch_axis=None,
    )
    assert PrepareRequest.from_json(json.loads(json.dumps(request.to_json()))) == request


def test_prepared_graphs_survive_json(tmp_path: Path) -> None:
    """What comes back over the pipe arrives as it was."""
    prepared = prepare(_request(tmp_path))
    assert PreparedGraph.from_json(json.loads(json.dumps(prepared.to_json()))) == prepared
