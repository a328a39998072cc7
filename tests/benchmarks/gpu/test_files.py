from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.gpu.files import without_folders, write_json

if TYPE_CHECKING:
    from pathlib import Path


def test_results_are_complete_at_any_moment(tmp_path: Path) -> None:
    """A result that cannot be written leaves the one before it as it was."""
    file = tmp_path / "new" / "results.json"
    write_json(file, {"rounds": 1})
    with pytest.raises(TypeError):
        write_json(file, {("no", "key"): 1})
    assert json.loads(file.read_text()) == {"rounds": 1}
    assert [entry.name for entry in file.parent.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("/opt/trt/bin/python", "python"),
        ("trt86=/opt/bin/python-trt", "trt86=python-trt"),
        ("cuda=onnxruntime-cuda:/opt/python", "cuda=onnxruntime-cuda:python"),
        ("suites/", "suites/"),
        ("--models", "--models"),
        ("build/history.db", "build/history.db"),
        ("optimization_level=1", "optimization_level=1"),
    ],
)
def test_results_tell_what_ran_but_not_where(word: str, kept: str) -> None:
    """Absolute paths lose their folders, everything else stays."""
    assert without_folders([word]) == [kept]
