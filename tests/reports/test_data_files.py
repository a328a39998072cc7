from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.views import VIEWS
from reports.data_files import SESSION_COLUMNS, as_csv, as_json, harmless
from reports.write import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reports.sample_history import HistoryBuilder


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("=1+1", "'=1+1", id="an equals sign"),
        pytest.param("+cmd", "'+cmd", id="a plus sign"),
        pytest.param("-2+3", "'-2+3", id="a minus sign that begins no number"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="an at sign"),
        pytest.param("\t=1", "'\t=1", id="a tab"),
        pytest.param("-12.5e-3", "-12.5e-3", id="a negative number as text"),
        pytest.param("a=b", "a=b", id="an equals sign inside"),
        pytest.param(-1.5, -1.5, id="a negative number"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_a_cell_runs_nothing(value: Any, written: Any) -> None:
    """What a spreadsheet takes for a formula gets an apostrophe; numbers stay what they are."""
    assert harmless(value) == written


def test_a_file_of_rows_reads_back() -> None:
    """Commas, quotes and line breaks are kept; nothing is an empty field; without rows there is the header."""
    rows = [{"a": 'x, "y"\nz', "b": None}, {"a": "=x", "b": 1.5}]
    read = list(csv.DictReader(io.StringIO(as_csv(rows, ("a", "b")))))
    assert read == [{"a": 'x, "y"\nz', "b": ""}, {"a": "'=x", "b": "1.5"}]
    assert as_csv([], ("a", "b")) == "a,b\n"


def test_json_has_values_as_they_are() -> None:
    """Text is not changed, numbers that JSON lacks are text, no rows are an empty list."""
    assert json.loads(as_json([{"a": "=x", "b": math.inf}])) == [{"a": "=x", "b": "inf"}]
    assert json.loads(as_json([])) == []


def test_a_report_has_its_data_beside_it(sample_report: Path) -> None:
    """The newest runs and the changes have the columns of the documented views, sessions their own, newest first."""
    for name, columns in (
        ("data-latest", list(VIEWS["latest"].columns)),
        ("data-changes", list(VIEWS["change_points"].columns)),
        ("data-sessions", list(SESSION_COLUMNS)),
    ):
        with (sample_report / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            assert list(reader.fieldnames or ()) == columns
        plain = json.loads((sample_report / f"{name}.json").read_text(encoding="utf-8"))
        assert len(plain) == len(rows)
        assert all(list(row) == columns for row in plain)
    sessions = json.loads((sample_report / "data-sessions.json").read_text(encoding="utf-8"))
    assert [row["session_id"] for row in sessions][:2] == ["00000000000d", "00000000000c"]
    assert sessions[0]["trials_crashed"] == 1


def test_data_of_the_same_history_is_left_as_it_is(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A second report leaves the files alone; one after another trial writes them anew."""
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16"))
    folder = write_report(builder.history, tmp_path / "report").parent
    file = folder / "data-latest.csv"
    before = file.stat().st_ino
    write_report(builder.history, folder)
    assert file.stat().st_ino == before
    builder.history.add_trial(builder.trial(builder.session(1), "resnet50", "fp16"))
    write_report(builder.history, folder)
    assert file.stat().st_ino != before
    assert "000000000001" in file.read_text(encoding="utf-8")
