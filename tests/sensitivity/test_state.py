from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.accuracy import compare_tensors
from harness.sensitivity.state import Readings

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = {"y": compare_tensors(np.array([1.0, np.inf]), np.array([1.0, 2.0]))}


def test_readings_outlive_the_process(tmp_path: Path) -> None:
    """What was added is read back by the next one, infinities and the empty set included."""
    path = tmp_path / "sensitivity" / "key.json"
    first = Readings(path)
    first.add(frozenset(), ERRORS)
    first.add(frozenset({"b", "a"}), {"y": compare_tensors(np.ones(2), np.ones(2))})
    assert Readings(path).errors == first.errors


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="an empty file"),
        pytest.param('{"version": 1, "readings": [{"kept"', id="half a file"),
        pytest.param('{"version": 1, "readings": [{"kept": []}]}', id="a reading without errors"),
        pytest.param('{"version": 0, "readings": [{"kept": [], "errors": {}}]}', id="another version"),
        pytest.param("[]", id="something else"),
    ],
)
def test_a_file_that_cannot_be_used_counts_as_none(tmp_path: Path, content: str) -> None:
    """A damaged or foreign file is started afresh rather than believed or stumbled over."""
    path = tmp_path / "key.json"
    path.write_text(content)
    readings = Readings(path)
    assert not readings.errors
    readings.add(frozenset({"a"}), ERRORS)
    assert json.loads(path.read_text())["version"] == 1
