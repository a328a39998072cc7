from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.tolerances.readings import load_readings, store_reading
from tests.tolerances.building import reading

if TYPE_CHECKING:
    from pathlib import Path


def test_a_reading_is_found_again(tmp_path: Path) -> None:
    """What was stored comes back equal, an infinite ratio included."""
    stored = reading(float("inf"), fp16=50.0, faults={"a sign flipped": 20.0})
    store_reading(tmp_path, stored)
    assert load_readings(tmp_path) == {"net": stored}


def test_a_second_reading_adds_to_the_first(tmp_path: Path) -> None:
    """Other precisions and faults of the same graph are kept; what was measured again is replaced."""
    store_reading(tmp_path, reading(fp16=50.0, int8=20.0, faults={"a sign flipped": 20.0}))
    store_reading(tmp_path, reading(fp16=60.0))
    found = load_readings(tmp_path)["net"]
    assert {name: floors["y"].sqnr_db for name, floors in found.rounding.items()} == {"fp16": 60.0, "int8": 20.0}
    assert [fault.description for fault in found.faults] == ["a sign flipped"]


def test_a_reading_of_another_graph_replaces_the_first(tmp_path: Path) -> None:
    """What was measured of a graph that is no more says nothing of the present one."""
    store_reading(tmp_path, reading(fp16=50.0))
    changed = replace(reading(int8=20.0), graph="1" * 64)
    store_reading(tmp_path, changed)
    assert load_readings(tmp_path) == {"net": changed}


def test_a_reading_of_another_format_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older harness meant by its figures may not be what this one does."""
    monkeypatch.setattr("harness.tolerances.readings.READING_VERSION", 0)
    store_reading(tmp_path, reading(fp16=50.0))
    monkeypatch.undo()
    assert load_readings(tmp_path) == {}


@pytest.mark.parametrize("content", ["", "{", '{"format": 1}', "[]"])
def test_a_file_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    """Damaged files are passed over."""
    (tmp_path / "tolerances").mkdir()
    (tmp_path / "tolerances" / "net.json").write_text(content)
    assert load_readings(tmp_path) == {}
