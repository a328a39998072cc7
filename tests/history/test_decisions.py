from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from harness.errors import ConfigurationError
from harness.history.decisions import (
    Decision,
    current_name,
    end_of_day,
    expired_between,
    former_names,
    in_force,
    is_dropped,
    last_day,
    quarantine_of,
    quarantined,
)
from tests.history.building import verdict

NOW = datetime(2031, 5, 31, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def decision(action: Any, case: str = "net-fp16-static", number: int = 1, **changes: Any) -> Decision:
    """Return a decision in which nothing is missing."""
    common: dict[str, Any] = {"reason": "it is so", "author": "Ada", "created_at": NOW, "id": number}
    if action == "quarantine":
        common["until"] = NOW + DAY
    return Decision(action=action, case=case, **(common | changes))


def alias(old: str, new: str) -> Decision:
    """Return a renaming."""
    return decision("alias", old, parameters={"new": new})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"action": "forgive"}, "'forgive' is no decision", id="an unknown action"),
        pytest.param({"reason": "  "}, "--reason TEXT", id="no reason"),
        pytest.param({"author": ""}, "--author NAME", id="no author"),
        pytest.param({"until": NOW}, "has an end", id="an end of what has none"),
        pytest.param({"action": "quarantine", "until": None}, "has an end", id="a quarantine for ever"),
        pytest.param({"action": "alias", "parameters": {"new": "a-*"}}, "one '\\*' in both", id="a star on one side"),
        pytest.param({"action": "alias", "case": "*-*", "parameters": {"new": "*-*"}}, "one '\\*' in both",
                     id="two stars"),
    ],
)  # fmt: skip
def test_what_is_no_decision(changes: dict[str, Any], message: str) -> None:
    """A decision is signed, has a reason, and says what it means."""
    with pytest.raises(ConfigurationError, match=message):
        decision(**{"action": "drop", **changes})


def test_withdrawn_decisions_are_not_in_force() -> None:
    """A withdrawal takes its decision with it; the others stay, in their order."""
    made = [decision("drop", number=1), decision("drop", number=2), decision("withdraw", number=3, withdraws=1)]
    assert [each.id for each in in_force(made)] == [2]


@pytest.mark.parametrize(
    ("case", "metric", "at", "found"),
    [
        pytest.param("net-fp16-static", "latency_host", NOW, True, id="it matches and lasts"),
        pytest.param("net-fp16-static", "latency_host", NOW + DAY, False, id="it has just ended"),
        pytest.param("other-fp16-static", "latency_host", NOW, False, id="another case"),
        pytest.param("Net-fp16-static", "latency_host", NOW, False, id="another case by its capital letter"),
        pytest.param("net-fp16-static", "engine_bytes", NOW, False, id="another metric"),
    ],
)
def test_what_is_in_quarantine(case: str, metric: str, at: datetime, found: bool) -> None:
    """A quarantine is of the series that match, until it ends."""
    made = [decision("drop"), decision("quarantine", "net-*", metric="latency_*")]
    assert (quarantine_of(made, case, metric, at=at) is not None) == found


def test_the_longest_quarantine_is_told() -> None:
    """Of two that hold, the reader is told the one that holds longer."""
    made = [decision("quarantine", number=n, until=NOW + days * DAY) for n, days in ((1, 1), (2, 3), (3, 2))]
    found = quarantine_of(made, "net-fp16-static", "latency_host", at=NOW)
    assert found is not None
    assert found.id == 2


def test_quarantine_takes_the_place_of_a_regression_alone() -> None:
    """The reason keeps what was found and adds until when, by whom and why it does not fail."""
    held = decision("quarantine", until=end_of_day("2031-06-01"))
    told = quarantined(verdict("regressed"), held)
    assert told.status == "quarantined"
    assert told.reason == "it is regressed; in quarantine up to 2031-06-01 (Ada, 2031-05-31: it is so)"
    for status in ("pass", "improved", "inconclusive", "insufficient", "missing"):
        assert quarantined(verdict(status), held) == verdict(status)


def test_an_end_is_told_between_two_sessions() -> None:
    """It belongs to the first session after it, and to no other."""
    made = [decision("quarantine", until=NOW), decision("drop")]
    assert expired_between(made, NOW - DAY, NOW) == made[:1]
    assert expired_between(made, NOW, NOW + DAY) == []
    assert expired_between(made, NOW - 2 * DAY, NOW - DAY) == []


def test_a_day_ends_at_its_end() -> None:
    """A quarantine holds on its last day, and the day is told as it was given."""
    assert end_of_day("2031-05-31") == datetime(2031, 6, 1, tzinfo=timezone.utc)
    assert last_day(end_of_day("2031-05-31")) == "2031-05-31"


@pytest.mark.parametrize("text", ["tomorrow", "2031-02-30", "31.05.2031", "", "9999-12-31"])
def test_what_is_no_day(text: str) -> None:
    """The error shows the form that is wanted."""
    with pytest.raises(ConfigurationError, match="YYYY-MM-DD"):
        end_of_day(text)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        pytest.param("a-fp16-static", "b-fp16-static", id="renamed once"),
        pytest.param("z-fp16-static", "b-fp16-static", id="renamed twice"),
        pytest.param("old-int8-wide", "new-int8-wide", id="renamed with its model"),
        pytest.param("older-int8-wide", "older-int8-wide", id="a name that only begins alike"),
        pytest.param("b-fp16-static", "b-fp16-static", id="never renamed"),
        pytest.param("ring1", "ring2", id="renamed in a circle"),
    ],
)
def test_what_a_case_is_called_today(case: str, name: str) -> None:
    """Renamings are followed one after another, and a circle of them ends."""
    made = [
        alias("a-fp16-static", "b-fp16-static"),
        alias("z-fp16-static", "a-fp16-static"),
        alias("old-*", "new-*"),
        alias("ring1", "ring2"),
        alias("ring2", "ring1"),
    ]
    assert current_name(case, made) == name


def test_the_newest_renaming_counts() -> None:
    """A case that was renamed twice by the same name is called what was said last."""
    assert current_name("a", [alias("a", "b"), alias("a", "c")]) == "c"


def test_what_a_case_was_called() -> None:
    """Every known name that leads to the case is one of its former names."""
    made = [alias("a", "b"), alias("b", "c")]
    assert former_names("c", made, ["a", "b", "c", "d"]) == ["a", "b"]
    assert former_names("b", made, ["a", "b", "c", "d"]) == []


def test_what_was_dropped() -> None:
    """A pattern drops all that match."""
    made = [decision("drop", "net-*"), decision("quarantine", "other-*")]
    assert is_dropped("net-fp16-static", made)
    assert not is_dropped("other-fp16-static", made)
