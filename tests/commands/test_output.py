from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from harness.commands.output import as_csv, as_json, shown


@dataclass(frozen=True)
class Record:
    """Any dataclass."""

    value: Any


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(math.inf, "inf", id="infinity"),
        pytest.param(-math.inf, "-inf", id="minus infinity"),
        pytest.param(math.nan, "nan", id="not a number"),
        pytest.param(Path("a/b"), "a/b", id="a path"),
        pytest.param(datetime(2024, 6, 1, tzinfo=timezone.utc), "2024-06-01T00:00:00+00:00", id="a time"),
        pytest.param(Record(Record(1)), {"value": {"value": 1}}, id="a record in a record"),
        pytest.param((1, 2), [1, 2], id="a tuple"),
        pytest.param({"a": math.inf}, {"a": "inf"}, id="a mapping"),
    ],
)
def test_json_holds_only_what_json_knows(value: Any, expected: Any) -> None:
    """Records, paths, times and numbers that JSON lacks are written as plain data that strict parsers read."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    assert json.loads(as_json(Record(value)), parse_constant=refuse) == {"value": expected}


def test_csv_quotes_what_needs_it() -> None:
    """Commas and quotes inside a field are quoted, and nothing stands for None."""
    rows: list[dict[str, Any]] = [{"a": "x, y", "b": None}, {"a": 'say "so"', "b": 1.5}]
    assert as_csv(rows, ["a", "b"]) == 'a,b\n"x, y",\n"say ""so""",1.5'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param(0.123456789, "0.123457", id="six digits"),
        pytest.param(12345678, "12345678", id="all digits of a whole number"),
    ],
)
def test_cells_are_short(value: Any, text: str) -> None:
    """A table's cell has six digits of a fraction, all of a whole number, and nothing for None."""
    assert shown(value) == text
