from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from harness.cases import TensorSpec
from harness.errors import ConfigurationError, ModelError
from harness.graphs import base
from harness.graphs.base import base_graph, package_versions
from harness.graphs.cache import GraphCache
from harness.graphs.save import graph_hash
from tests.graphs.small_graphs import classifier
from tests.graphs.sources_for_tests import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path) -> GraphCache:
    """An empty cache."""
    return GraphCache(tmp_path / "cache")


def _write(path: Path, *, scale: float = 1.0, external: bool = False) -> None:
    model = classifier()
    for tensor in model.graph.initializer:
        if tensor.name == "head":
            tensor.CopyFrom(numpy_helper.from_array(np.float32(scale) * numpy_helper.to_array(tensor), "head"))
    onnx.save_model(model, path, save_as_external_data=external, location="weights.bin", size_threshold=0)


@pytest.mark.parametrize("as_text", [True, False], ids=["named as text", "named as a path"])
def test_a_file_becomes_its_normal_graph(tmp_path: Path, cache: GraphCache, as_text: bool) -> None:
    """The graph in the cache is the file's, with its inputs and outputs described."""
    path = tmp_path / "model.onnx"
    _write(path)
    found = base_graph(str(path) if as_text else path, cache)
    assert found.hash == graph_hash(classifier())
    assert found.inputs == (TensorSpec("image", "float32", ("batch", 3, 8, 8)),)
    assert found.outputs == (TensorSpec("scores", "float32", ("batch", 5)),)
    assert onnx.load(str(cache.path_of(found.hash))) == classifier()


def test_a_function_gives_the_same_graph(cache: GraphCache) -> None:
    """A module's function stands for the model that it returns."""
    assert base_graph(f"{PACKAGE}:model", cache).hash == graph_hash(classifier())


@pytest.mark.parametrize("source", ["file", f"{PACKAGE}:model"], ids=["a file", "a function"])
def test_the_second_time_nothing_is_read_or_built(
    tmp_path: Path, cache: GraphCache, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Once in the cache, a graph is found without parsing a file or calling a function."""
    path = tmp_path / "file"
    _write(path)
    where = path if source == "file" else source
    first = base_graph(where, cache)
    for name in ("load_model", "parse_model", "call_source"):
        monkeypatch.setattr(base, name, lambda *_: pytest.fail("made anew"))
    assert base_graph(where, cache) == first


@pytest.mark.parametrize("external", [False, True], ids=["weights inside", "weights outside"])
def test_a_changed_file_is_read_again(tmp_path: Path, cache: GraphCache, external: bool) -> None:
    """Other weights of the same size, in the file or beside it, give another graph."""
    path = tmp_path / "model.onnx"
    _write(path, external=external)
    first = base_graph(path, cache)
    weights = tmp_path / "weights.bin"
    if external:
        model_stamp = path.stat().st_mtime_ns
        _write(path, scale=2.0, external=True)
        os.utime(path, ns=(model_stamp, model_stamp))
        changed = weights
    else:
        _write(path, scale=2.0)
        changed = path
    # Two writes may fall into one tick of a coarse clock.
    os.utime(changed, ns=(10**18, 10**18))
    assert base_graph(path, cache).hash != first.hash


def test_external_data_that_vanished_is_noticed(tmp_path: Path, cache: GraphCache) -> None:
    """A file that loses its external data is an error, cached or not."""
    path = tmp_path / "model.onnx"
    _write(path, external=True)
    base_graph(path, cache)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"no such file"):
        base_graph(path, cache)


def test_a_function_whose_code_changed_is_called_again(cache: GraphCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another hash of the code leads to a new call."""
    base_graph(f"{PACKAGE}:model", cache)
    monkeypatch.setattr(base, "source_code_hash", lambda _: "edited")
    monkeypatch.setattr(base, "call_source", lambda _: pytest.fail("called again"))
    with pytest.raises(pytest.fail.Exception, match="called again"):
        base_graph(f"{PACKAGE}:model", cache)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        pytest.param("no_model", ModelError, r"returned a str; it must return an onnx\.ModelProto", id="no model"),
        pytest.param(
            "invalid_model", ModelError, "invalid_model' breaks the rules of ONNX: .*nowhere", id="an invalid model"
        ),
        pytest.param("failing", ConfigurationError, "the data set is not here", id="an error"),
        pytest.param("modell", ConfigurationError, r"Did you mean 'model'\?", id="no such function"),
    ],
)
def test_a_function_that_gives_no_graph_is_explained(
    cache: GraphCache, tmp_path: Path, function: str, error: type[Exception], message: str
) -> None:
    """Each failure names the source, and nothing is left in the cache."""
    with pytest.raises(error, match=message) as raised:
        base_graph(f"{PACKAGE}:{function}", cache)
    assert PACKAGE in str(raised.value)
    assert not (tmp_path / "cache").exists()


def test_a_missing_file_is_an_error(tmp_path: Path, cache: GraphCache) -> None:
    """A path to nothing is refused, with the path."""
    with pytest.raises(ModelError, match=r"there is no file '.*absent\.onnx'"):
        base_graph(tmp_path / "absent.onnx", cache)


def test_versions_of_the_packages_are_known() -> None:
    """The packages that make graphs are told with their versions."""
    assert package_versions()["onnx"] == onnx.__version__
    assert package_versions()["numpy"] == np.__version__
    assert base._version("no-such-package-anywhere") == "none"
