from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.commands.query import chosen_columns, described_views, rows_of_sql, rows_of_view
from harness.errors import ConfigurationError, HarnessError, HistoryError
from harness.history.records import MeasurementRecord
from harness.history.store import History
from harness.history.views import VIEWS
from tests.history.building import full_trial, remember, session, trial, verdict

if TYPE_CHECKING:
    from tests.commands.conftest import Shell


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Return a history of three sessions."""
    path = tmp_path / "history.db"
    with History.open(path) as history:
        remember(
            history, trial(1, value=1.0), full_trial(2), trial(3, model="other", value=2.0, word=verdict("regressed"))
        )
        values = (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)
        sizes = [MeasurementRecord(metric="engine_bytes", point="", value=value) for value in values]
        remember(history, *(trial(3 + i, model="grown", measurements=(size,)) for i, size in enumerate(sizes)))
        history.find_change_points(session(8).id)
    return str(path)


@pytest.mark.parametrize("view", list(VIEWS))
def test_every_view_can_be_printed_in_every_format(db: str, shell: Shell, view: str) -> None:
    """The same rows come as a table, as CSV and as JSON; the latter two have every documented column."""
    table, comma, data = (shell("query", view, "--db", db, "--format", form) for form in ("table", "csv", "json"))
    assert {table.exit_code, comma.exit_code, data.exit_code} == {0}
    rows = json.loads(data.stdout)
    assert rows
    assert list(rows[0]) == list(VIEWS[view].columns)
    listed = list(csv.DictReader(comma.stdout.splitlines()))
    assert [row["case_id"] for row in listed] == [row["case_id"] for row in rows]
    assert len(table.stdout.splitlines()) == len(rows) + 1


def test_conditions_must_all_hold(db: str) -> None:
    """Each --where narrows the answer, --limit cuts it."""
    rows, _ = rows_of_view(db, "trend", where=["metric=latency_host", "model=squeezenet"])
    assert [row["model"] for row in rows] == ["squeezenet", "squeezenet"]
    assert len(rows_of_view(db, "trend", limit=1)[0]) == 1


def test_columns_can_be_chosen(db: str, shell: Shell) -> None:
    """--columns picks columns and their order."""
    answer = shell("query", "regressions", "--db", db, "--columns", "value,model", "--format", "csv")
    assert answer.stdout == "value,model\n2.0,other\n"


def test_no_rows_are_said(db: str, shell: Shell) -> None:
    """An empty table says why it is empty, an empty CSV has its header."""
    arguments = ("query", "trend", "--db", db, "--where", "model=nothing", "--columns", "model")
    assert shell(*arguments).stdout.startswith("no rows: 'nothing' is no model in the view 'trend'.")
    assert shell("query", "--sql", "select 1 where 0", "--db", db).stdout == "no rows: the SELECT finds none\n"
    assert shell(*arguments, "--format", "csv").stdout == "model\n"


def test_the_list_describes_every_column(shell: Shell) -> None:
    """--list needs no history, and names every view and column with what it holds."""
    text = shell("query", "--list").stdout
    assert all(f"{view.name}: {view.about}" in text for view in VIEWS.values())
    rows = json.loads(str(described_views("json")))
    assert {(row["view"], row["column"]) for row in rows} == {
        (view.name, column) for view in VIEWS.values() for column in view.columns
    }


@pytest.mark.parametrize("view", list(VIEWS))
def test_the_columns_of_a_table_exist(view: str) -> None:
    """What a table shows by default are columns of its view."""
    columns = tuple(VIEWS[view].columns)
    assert set(chosen_columns(columns, (), view=view, form="table")) <= set(columns)


def test_a_select_of_ones_own_can_join_and_recurse(db: str) -> None:
    """--sql takes any SELECT, with a WITH before it."""
    rows, columns = rows_of_sql(
        db, "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT max(x) AS top FROM n"
    )
    assert (rows, columns) == ([{"top": 3}], ("top",))
    assert len(rows_of_sql(db, "SELECT id FROM trial", limit=2)[0]) == 2


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM trial", id="deleting"),
        pytest.param("CREATE TABLE mine (x)", id="creating"),
        pytest.param("CREATE TEMP TABLE mine (x)", id="creating for the moment"),
        pytest.param("ATTACH 'other.db' AS other", id="attaching another file"),
        pytest.param("PRAGMA journal_mode = DELETE", id="changing a setting"),
        pytest.param("SELECT load_extension('x')", id="loading code"),
        pytest.param("VACUUM INTO 'copy.db'", id="writing a copy"),
        pytest.param("SELECT 1; DELETE FROM trial", id="two statements"),
        pytest.param("SELECT nonsense FROM nowhere", id="a table that does not exist"),
        pytest.param("SELECT 1 AS x, 2 AS x", id="two columns of one name"),
        pytest.param("", id="nothing"),
    ],
)
def test_sql_can_only_read(db: str, statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not one SELECT is refused, and leaves the history and the folder as they were."""
    monkeypatch.chdir(tmp_path)
    before = Path(db).read_bytes()
    with pytest.raises(HistoryError, match="--sql"):
        rows_of_sql(db, statement)
    assert Path(db).read_bytes() == before
    assert not [path.name for path in tmp_path.iterdir() if not path.name.startswith("history.db")]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        pytest.param({"view": "trnd"}, HistoryError, "Did you mean 'trend'", id="an unknown view"),
        pytest.param({"view": "trend", "where": ["modl=x"]}, HistoryError, "mean 'model'", id="an unknown column"),
        pytest.param({"view": "trend", "where": ["model"]}, ConfigurationError, "COLUMN=VALUE", id="no condition"),
    ],
)  # fmt: skip
def test_questions_that_make_no_sense_are_refused(
    db: str, arguments: dict[str, str], error: type[HarnessError], said: str
) -> None:
    """A view or column that does not exist, or a malformed condition, ends in an error that says what there is."""
    with pytest.raises(error, match=said):
        rows_of_view(db, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="neither a view nor a select"),
        pytest.param(("trend", "--sql", "SELECT 1"), id="both"),
        pytest.param(("--sql", "SELECT 1", "--where", "a=b"), id="a condition beside a select"),
        pytest.param(("trend", "--columns", "nope"), id="a column that is not there"),
        pytest.param(("trend", "--db", "missing.db"), id="no history"),
    ],
)
def test_wrong_questions_end_with_two(db: str, shell: Shell, arguments: tuple[str, ...]) -> None:
    """What cannot be asked ends with exit code 2 and one line on standard error."""
    answer = shell("query", "--db", db, *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: ")
    assert len(answer.stderr.splitlines()) == 1
