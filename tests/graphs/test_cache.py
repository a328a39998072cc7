from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest

from harness.graphs.cache import GraphCache, key_of
from harness.graphs.save import graph_hash
from tests.graphs.small_graphs import classifier

if TYPE_CHECKING:
    from pathlib import Path


def test_a_graph_is_stored_under_its_hash_once(tmp_path: Path) -> None:
    """Storing gives the hash, which gives the path; storing again does not write again."""
    cache = GraphCache(tmp_path)
    graph = cache.store(classifier())
    path = cache.path_of(graph)
    assert graph == graph_hash(classifier())
    assert onnx.load(str(path)) == classifier()
    before = path.stat()
    assert cache.store(classifier()) == graph
    assert path.stat().st_ino == before.st_ino


def test_a_record_comes_back(tmp_path: Path) -> None:
    """A record is found under its key and kind, and nowhere else."""
    cache = GraphCache(tmp_path)
    record = {"hash": cache.store(classifier()), "notes": ["one"]}
    cache.write("recipes", "key", record)
    assert cache.read("recipes", "key") == record
    assert cache.read("sources", "key") is None
    assert cache.read("recipes", "other") is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"hash": "ab', id="cut off"),
        pytest.param(b"[]", id="of another form"),
        pytest.param(b"{}", id="without a hash"),
        pytest.param(b"\xff\xfe", id="no text"),
    ],
)
def test_a_damaged_record_counts_as_none(tmp_path: Path, content: bytes) -> None:
    """A record that cannot be read is as good as missing."""
    cache = GraphCache(tmp_path)
    cache.write("recipes", "key", {"hash": cache.store(classifier())})
    (tmp_path / "recipes" / "key.json").write_bytes(content)
    assert cache.read("recipes", "key") is None


def test_a_record_without_its_graph_counts_as_none(tmp_path: Path) -> None:
    """Where someone deleted the graph, its record is of no use."""
    cache = GraphCache(tmp_path)
    graph = cache.store(classifier())
    cache.write("recipes", "key", {"hash": graph})
    cache.path_of(graph).unlink()
    assert cache.read("recipes", "key") is None


def test_keys_tell_their_parts_apart() -> None:
    """Equal parts give equal keys whatever the order of a mapping; other parts give others."""
    assert key_of("a", {"x": 1, "y": 2}) == key_of("a", {"y": 2, "x": 1})
    assert len({key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of(["ab", "c"])}) == 4
