from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from harness.errors import HistoryError, UsageError
from harness.history.views import VIEWS
from reports.api import MOST_ROWS, NoSuchView, described_api, view_rows

if TYPE_CHECKING:
    from harness.history.queries import Queries
    from tests.reports.sample_history import HistoryBuilder


@pytest.fixture
def queries(builder: HistoryBuilder) -> Queries:
    """Return the questions to a history of two sessions."""
    for index, precision in enumerate(("fp16", "int8")):
        builder.history.add_trial(builder.trial(builder.session(index), "resnet50", precision))
    return builder.history.queries


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_there_in_both_formats(queries: Queries, view: str) -> None:
    """CSV and JSON have the same rows and every documented column."""
    data = json.loads(view_rows(queries, f"{view}.json", {}))
    rows = list(csv.DictReader(view_rows(queries, f"{view}.csv", {}).splitlines()))
    assert len(data) == len(rows)
    assert all(list(row) == list(VIEWS[view].columns) for row in [*data, *rows])


def test_rows_are_those_that_were_asked_for(queries: Queries) -> None:
    """All conditions hold, columns stand in the order given, and there are no more rows than the limit."""
    where = {"where": ["metric=latency_host", "precision=int8"], "columns": ["point,precision"], "limit": ["2"]}
    rows = json.loads(view_rows(queries, "latest.json", where))
    assert [list(row.items()) for row in rows] == [
        [("point", "batch=1"), ("precision", "int8")],
        [("point", "batch=16"), ("precision", "int8")],
    ]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"wher": ["metric=x"]}, r"'wher' is no parameter of a view. Did you mean 'where'\? Known: columns, limit,"),
        ({"where": ["metric"]}, r"COLUMN=VALUE.*'metric'"),
        ({"where": ["metrics=x"]}, r"'metrics' is no column of the view 'latest'. Did you mean 'metric'"),
        ({"columns": ["points"]}, r"'points' is no column of the view. Did you mean 'point'"),
        ({"limit": ["-1"]}, r"from 0 to 100,000, not '-1'"),
        ({"limit": [str(MOST_ROWS + 1)]}, r"from 0 to 100,000, not '100001'"),
        ({"limit": ["9" * 5000]}, r"from 0 to 100,000"),
    ],
)
def test_a_wrong_parameter_is_an_error(queries: Queries, parameters: dict[str, list[str]], said: str) -> None:
    """It names the value and what would be right."""
    with pytest.raises((UsageError, HistoryError), match=said):
        view_rows(queries, "latest.json", parameters)


@pytest.mark.parametrize("name", ["lates.json", "latest.xml", "latest", "trial.json", "sqlite_master.csv", ".json"])
def test_only_documented_views_are_there(queries: Queries, name: str) -> None:
    """Neither tables nor other formats can be asked for."""
    with pytest.raises(NoSuchView, match="Known: "):
        view_rows(queries, name, {})


def test_the_api_describes_itself() -> None:
    """Each view is there with each column and what it holds."""
    described = json.loads(described_api())
    assert {view["name"]: view["columns"] for view in described["views"]} == {
        name: dict(view.columns) for name, view in VIEWS.items()
    }
