"""Where levels changed: found at the end of a session, stored once, removed if further runs do not bear them out."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.history import change_points
from harness.history.decisions import Decision
from harness.history.policies import add_decision
from harness.history.records import MeasurementRecord, SubjectRecord
from harness.history.what_changed import facts_of_trials
from tests.history.building import NEW, NOON, OLD, remember, session, trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.rows import ChangeRow
    from harness.history.store import History


def noisy(levels: Sequence[float], seed: int = 1) -> list[float]:
    """Return a value for each level, with a noise of half a percent."""
    generator = random.Random(seed)
    return [level * (1 + 0.005 * generator.gauss(0, 1)) for level in levels]


def store(history: History, values: Sequence[float], start: int = 1, **changes: Any) -> None:
    """Store a session for each value, and search after the last."""
    remember(history, *(trial(start + i, value=value, **changes) for i, value in enumerate(values)))
    history.find_change_points(session(start + len(values) - 1).id)


def found(history: History) -> list[ChangeRow]:
    """Return the change points, the newest first."""
    return history.queries.change_points()


def test_a_step_is_stored_with_its_levels_and_interval(history: History) -> None:
    """The change is where it was made, with the medians on both sides and the runs between which it lies."""
    store(history, noisy([1.0] * 20 + [1.2] * 15))
    (change,) = found(history)
    assert (change.trial_id, change.session_id, change.previous_trial_id) == (21, session(21).id, 20)
    assert change.low_trial_id <= 21 <= change.high_trial_id
    assert change.previous_trial_id == change.low_trial_id - 1
    assert change.level_before == pytest.approx(1.0, rel=0.01)
    assert change.level_after == pytest.approx(1.2, rel=0.01)
    assert change.effect == pytest.approx(0.2, rel=0.05)
    assert change.p < 0.001
    assert change.series.metric == "latency_host"


def test_searching_again_changes_nothing(history: History) -> None:
    """What is stored is news once, and keeps the time when it was found as further runs come in."""
    values = noisy([1.0] * 20 + [1.2] * 15)
    store(history, values[:30])
    (first,) = found(history)
    assert history.find_change_points(session(30).id) == 0
    assert found(history) == [first]
    store(history, values[30:], start=31)
    (later,) = found(history)
    assert (later.trial_id, later.found_at) == (first.trial_id, first.found_at)


def test_a_change_that_further_runs_refute_is_removed(history: History) -> None:
    """Three slow runs at the end look like a new level until the old one comes back."""
    values = noisy([1.0] * 20 + [1.3] * 3 + [1.0] * 12)
    store(history, values[:23])
    assert len(found(history)) == 1
    store(history, values[23:], start=24)
    assert found(history) == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"outcome": "failed"}, id="trials that failed"),
        pytest.param({"quality": "contended"}, id="a busy machine"),
        pytest.param({"index": 1}, id="confirmations"),
    ],
)
def test_runs_that_cannot_be_trusted_are_no_level(history: History, changes: dict[str, Any]) -> None:
    """What did not end well, or was timed on a machine that was not fit for it, makes no change."""
    remember(history, *(trial(i, value=v) for i, v in enumerate(noisy([1.0] * 20), start=1)))
    store(history, noisy([1.5] * 15), start=21, **changes)
    store(history, noisy([1.0] * 3), start=36)
    assert found(history) == []


def test_size_is_searched_on_a_busy_machine_too(history: History) -> None:
    """What no clock measures changes from the first run on."""
    sizes = [1e6] * 10 + [2e6] * 5
    for number, size in enumerate(sizes, start=1):
        measured = (MeasurementRecord(metric="engine_bytes", point="", value=size),)
        remember(history, trial(number, measurements=measured, quality="contended"))
    history.find_change_points(session(len(sizes)).id)
    (change,) = found(history)
    assert (change.trial_id, change.low_trial_id, change.high_trial_id) == (11, 11, 11)
    assert change.effect == pytest.approx(1.0)


def test_subjects_that_take_turns_are_lines_of_their_own(history: History) -> None:
    """A session with two subjects does not change the level back and forth; each has its own."""
    other = SubjectRecord(name="other", runtime="onnxruntime", version="1.0")
    slow = noisy([2.0] * 20 + [2.5] * 15)
    for number, value in enumerate(noisy([1.0] * 35), start=1):
        remember(history, trial(number, value=value), trial(number, value=slow[number - 1], subject=other))
    history.find_change_points(session(35).id)
    (change,) = found(history)
    assert (change.subject, change.session_id) == ("other", session(21).id)


def test_a_session_searches_its_own_cases_only(history: History) -> None:
    """Series of a case that the session did not run stay as they are."""
    remember(history, *(trial(i, value=v) for i, v in enumerate(noisy([1.0] * 20 + [1.2] * 15), start=1)))
    remember(history, trial(36, model="other"))
    assert history.find_change_points(session(36).id) == 0
    assert history.find_change_points(session(35).id) == 1


def test_a_comparison_is_no_part_of_the_line(history: History) -> None:
    """Trials of an interleaved comparison are neither searched nor a level."""
    remember(history, *(trial(i, value=v) for i, v in enumerate(noisy([1.0] * 20), start=1)))
    history.start_session(replace(session(21), settings={"compare": "a b", "pace": "quick"}))
    remember(history, *(trial(21, value=v) for v in noisy([1.5] * 30)))
    assert history.find_change_points(session(21).id) == 0


def test_of_a_long_line_the_older_half_stays(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that has left the window, or lies where its level is cut off, is kept as it was found."""
    monkeypatch.setattr(change_points, "LONGEST_LINE", 30)
    values = noisy([1.0] * 15 + [1.2] * 15 + [1.2] * 25)
    store(history, values[:20])
    store(history, values[20:30], start=21)
    (first,) = found(history)
    for count in range(30, 55):
        store(history, values[count : count + 1], start=count + 1)
    assert found(history) == [first]


def test_what_else_changed_is_told(history: History) -> None:
    """Version, commit, driver, engine and machine of the last run before and the first since are held side by side."""
    old, new = (replace(subject, libraries={"driver": driver}) for subject, driver in ((OLD, "535.1"), (NEW, "550.2")))
    for number, value in enumerate(noisy([1.0] * 20 + [1.2] * 15), start=1):
        later = number > 20
        commit = ("b" if later else "a") * 40
        history.start_session(replace(session(number), commit=commit, dirty=False))
        machine = {"machine": {"kernel": "6.8" if later else "6.1", "python": "3.11"}}
        history.add_trial(trial(number, value=value, subject=new if later else old, conditions=machine))
    history.find_change_points(session(35).id)
    (change,) = found(history)
    assert [str(difference) for difference in change.differences] == [
        "runtime: onnxruntime 1.30.0 → onnxruntime 1.31.1",
        "driver: 535.1 → 550.2",
        f"commit: {'a' * 12} → {'b' * 12}",
        "kernel: 6.1 → 6.8",
    ]


def test_the_architectures_of_gpu_and_processor_are_two_facts(history: History) -> None:
    """Both are recorded as ``architecture``; the GPU's is what it was when the machine's comes to be known."""
    subject = replace(OLD, libraries={"architecture": "sm90"})
    for number, conditions in enumerate(({}, {"machine": {"architecture": "x86_64"}}), start=1):
        history.start_session(session(number))
        history.add_trial(trial(number, value=1.0, subject=subject, conditions=conditions))
    with history.queries.snapshot() as connection:
        first, second = facts_of_trials(connection, [1, 2]).values()
    assert (first["gpu_architecture"], second["gpu_architecture"]) == ("sm90", "sm90")
    assert ("architecture" in first, second["architecture"]) == (False, "x86_64")


def test_an_accepted_change_says_who_accepted_it(history: History) -> None:
    """An acknowledged level accepts the last change before it, until the acknowledgement is withdrawn."""

    def decide(number: int, **changes: Any) -> None:
        common: dict[str, Any] = {"case": "*", "reason": f"reason {number}", "author": "Ada", "created_at": NOON}
        levels = [(oldest.series.id, trial_id) for trial_id in changes.pop("levels", ())]
        with history._transaction() as connection:
            add_decision(connection, Decision(**common, **changes), levels)

    store(history, noisy([1.0] * 20 + [1.2] * 15 + [1.5] * 15))
    newest, oldest = found(history)
    decide(1, action="ack", levels=[oldest.trial_id + 2])
    assert [change.acknowledged for change in found(history)] == ["", "Ada, 2024-06-01: reason 1"]
    decide(2, action="ack", levels=[newest.trial_id])
    decide(3, action="withdraw", withdraws=1)
    assert [change.acknowledged for change in found(history)] == ["Ada, 2024-06-01: reason 2", ""]
