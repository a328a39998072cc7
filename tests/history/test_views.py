"""The documented views."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import HistoryError
from harness.history.records import MeasurementRecord, VerdictRecord
from harness.history.views import VIEWS
from tests.history.building import NEW, OLD, full_trial, remember, session, trial, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.history.store import History


@pytest.mark.parametrize("name", VIEWS)
def test_every_column_is_documented(history: History, tmp_path: Path, name: str) -> None:
    """The description of a view lists exactly its columns, in their order, each with a text."""
    history.close()
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
    assert list(VIEWS[name].columns) == columns
    assert all(VIEWS[name].columns.values())


def test_every_view_of_the_database_is_documented(history: History, tmp_path: Path) -> None:
    """There is no view that is not described."""
    history.close()
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection:
        views = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
    assert views == set(VIEWS)


def test_latest_has_one_row_a_series(history: History) -> None:
    """Of each series the newest run is there, whatever its subject."""
    remember(
        history, trial(1, subject=OLD, value=1.0), trial(2, value=2.0, word=verdict("pass")), trial(1, model="digits")
    )
    rows = {row["model"]: row for row in history.queries.view("latest")}
    assert len(rows) == 2
    newest = rows["squeezenet"]
    assert (newest["value"], newest["verdict"], newest["runtime_version"]) == (2.0, "pass", NEW.version)
    assert (newest["session_id"], newest["environment"]) == (session(2).id, trial(1).environment.name)


def test_latest_has_the_trial_that_was_judged(history: History) -> None:
    """A confirmation stored after the first trial does not hide the first one's verdict."""
    remember(history, trial(1, value=2.0, word=verdict("regressed")), replace(trial(1, value=3.0), index=1))
    (row,) = history.queries.view("latest")
    assert (row["value"], row["verdict"], row["trial_index"]) == (2.0, "regressed", 0)


@pytest.mark.parametrize("name", ["latest", "trend", "regressions"])
def test_a_value_has_its_unit(history: History, name: str) -> None:
    """Each value stands beside the unit of its metric; of a metric that nobody declared there is none."""
    sizes = (MeasurementRecord(metric="engine_bytes", point="", value=5e9),)
    words = (VerdictRecord(metric="engine_bytes", point="", verdict=verdict("regressed")),)
    remember(
        history,
        trial(1, word=verdict("regressed")),
        trial(1, model="digits", measurements=sizes, verdicts=words),
        trial(
            1,
            model="detector",
            measurements=(replace(sizes[0], metric="novelty"),),
            verdicts=(replace(words[0], metric="novelty"),),
        ),
    )
    units = {row["metric"]: row["unit"] for row in history.queries.view(name)}
    assert units == {"latency_host": "ms", "engine_bytes": "B", "novelty": None}


def test_trend_has_every_run_newest_first(history: History) -> None:
    """Every run of every series is there, with its time and its subject."""
    remember(history, trial(1, subject=OLD, value=1.0), trial(2, value=2.0))
    rows = history.queries.view("trend")
    assert [(row["value"], row["runtime_version"]) for row in rows] == [(2.0, NEW.version), (1.0, OLD.version)]
    assert rows[0]["started_at"] == "2024-06-01T14:01:00.123456+00:00"


def test_regressions_are_those_and_no_others(history: History) -> None:
    """Only runs that were judged a regression are there, with the reason."""
    remember(history, trial(1, word=verdict("pass")), trial(2, word=verdict("regressed")), trial(3))
    (row,) = history.queries.view("regressions")
    assert (row["session_id"], row["reason"], row["p"], row["n"]) == (session(2).id, "it is regressed", 0.01, 10)


def test_engines_are_listed_by_trial(history: History) -> None:
    """The engine of each trial that has one is there."""
    remember(history, full_trial(1), trial(2))
    (row,) = history.queries.view("engines")
    assert (row["engine_bytes"], row["fingerprint"], row["type_shares"]) == (
        5_000_000_000,
        "f" * 64,
        '{"fp16": 0.75, "fp32": 0.25}',
    )
    assert (row["time_shares"], row["warning_kinds"]) == ('{"fp16": 0.5, "fp32": 0.5}', '{"fallback": 1}')


def test_layers_are_listed_once_an_engine(history: History) -> None:
    """However many trials an engine has, each of its layers is there once, beside the first of them."""
    first, _ = remember(history, full_trial(1), full_trial(2))
    rows = history.queries.view("engine_layers")
    assert [(row["trial_id"], row["position"], row["name"]) for row in rows] == [
        (first, 0, "conv1 + relu1"),
        (first, 1, "reformat"),
    ]
    assert (rows[0]["compute_type"], rows[0]["tactic"], rows[0]["outputs"]) == ("fp16", "sm90_xmma 0x1", '["relu1"]')
    assert [row["milliseconds"] for row in rows] == [0.25, None]


def test_view_can_be_narrowed(history: History) -> None:
    """Rows are chosen by the values of columns, and as many as wanted."""
    remember(history, *(trial(number, model=model) for number in (1, 2) for model in ("squeezenet", "digits")))
    assert len(history.queries.view("trend", where={"model": "digits"})) == 2
    assert len(history.queries.view("trend", where={"model": "digits", "session_id": session(1).id})) == 1
    assert [row["trial_id"] for row in history.queries.view("trend", limit=1)] == [4]


@pytest.mark.parametrize(
    ("name", "where", "message"),
    [
        pytest.param("lastest", {}, "Did you mean 'latest'", id="a misspelt view"),
        pytest.param("trial", {}, "is no view", id="a table"),
        pytest.param("trend", {"modle": "x"}, "Did you mean 'model'", id="a misspelt column"),
        pytest.param("trend", {"1=1; --": "x"}, "is no column", id="a column that is SQL"),
    ],
)
def test_unknown_names_are_refused(history: History, name: str, where: dict[str, str], message: str) -> None:
    """A name that a view does not have is an error with the nearest one, and never reaches the database."""
    with pytest.raises(HistoryError, match=message):
        history.queries.view(name, where=where)


def test_value_is_data_not_sql(history: History) -> None:
    """Quotes in a value are only quotes."""
    remember(history, trial(1))
    assert history.queries.view("trend", where={"model": "' OR '1'='1"}) == []
