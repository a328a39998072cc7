from __future__ import annotations

import math
from typing import Any

import pytest

from harness.cases import metric_named
from harness.verdicts.baseline import Level, Lineage, Run, choose, level_in_force

LATENCY = metric_named("latency_host")  # smallest effect 5 %, logarithmic
COSINE = metric_named("output_cosine")  # smallest effect 0.001, linear
BRANCHED = Lineage(base=frozenset({"a", "b"}), line=frozenset({"a", "b", "mine"}), branch="feature")


def run(number: int, value: float = 1.0, **changes: Any) -> Run:
    """Return a good run of a session of its own."""
    return Run(**{"trial_id": number, "session": f"s{number}", "value": value, "commit": "a", **changes})


def ids(runs: list[Run]) -> list[int]:
    """Return the numbers of trials."""
    return [each.trial_id for each in runs]


def newest_first(*runs: Run) -> list[Run]:
    """Return runs in the order in which they are looked at."""
    return sorted(runs, key=lambda each: -each.trial_id)


@pytest.mark.parametrize(
    ("changes", "options", "taken"),
    [
        pytest.param({}, {}, True, id="a good run"),
        pytest.param({"ok": False}, {}, False, id="a trial that did not end well"),
        pytest.param({"quiet": False}, {}, False, id="a busy machine"),
        pytest.param({"quiet": False}, {"any_quality": True}, True, id="a busy machine, where no clock measures"),
        pytest.param({"pace": "full"}, {"pace": "quick"}, False, id="another pace"),
        pytest.param({"pace": "full"}, {"pace": "full"}, True, id="the same pace"),
        pytest.param({"pace": "full"}, {}, True, id="any pace"),
        pytest.param({"first": False}, {}, False, id="a confirmation"),
        pytest.param({"alarm": True}, {}, False, id="an alarm that stands"),
        pytest.param({"commit": "b"}, {"lineage": BRANCHED}, True, id="a commit before the merge base"),
        pytest.param({"commit": "mine"}, {"lineage": BRANCHED}, False, id="a commit of the branch under test"),
        pytest.param({"commit": None}, {"lineage": BRANCHED}, False, id="no commit, where a branch is compared with"),
        pytest.param({"commit": None}, {}, True, id="no commit, where every session counts"),
        pytest.param({"commit": "x", "branch": "feature"}, {"lineage": BRANCHED}, False,
                     id="an earlier build of the branch under test"),
    ],
)  # fmt: skip
def test_what_is_a_good_run(changes: dict[str, Any], options: dict[str, Any], taken: bool) -> None:
    """Each rule alone decides about a run that is good in all else."""
    assert ids(choose([run(1, **changes)], LATENCY, last=20, **options)) == ([1] if taken else [])


def test_the_newest_runs_are_taken_and_no_more_are_read() -> None:
    """A long series is not read to its end for twenty runs of it."""
    stream = iter(newest_first(*(run(number) for number in range(1, 101))))
    assert ids(choose(stream, LATENCY, last=3)) == [98, 99, 100]
    assert len(list(stream)) >= 96


@pytest.mark.parametrize(
    ("level", "in_force"),
    [
        pytest.param({"since": 5, "commit": "a"}, True, id="of what was merged"),
        pytest.param({"since": 5, "commit": "mine"}, True, id="of the branch under test"),
        pytest.param({"since": 5, "commit": "gone", "branch": "feature"}, True, id="of an earlier build of the branch"),
        pytest.param({"since": 5, "commit": "theirs", "branch": "other"}, False, id="of another branch"),
        pytest.param({"since": 9, "commit": "a"}, False, id="of a session that came later"),
    ],
)
def test_a_change_is_acknowledged_for_what_contains_it(level: dict[str, Any], in_force: bool) -> None:
    """An acknowledgement on one branch silences nothing on another."""
    known = Level(session="s5", newest=8, **level)
    assert (level_in_force([known], BRANCHED, before=9) is known) == in_force


def test_the_newest_of_several_acknowledged_changes_counts() -> None:
    """Each acknowledgement begins a level of its own."""
    levels = [Level(since=number, session=f"s{number}", newest=number) for number in (3, 9, 6)]
    found = level_in_force(levels, Lineage(), before=100)
    assert found is not None
    assert found.since == 9
    assert level_in_force([], Lineage(), before=100) is None


def test_a_level_begins_with_the_session_that_was_acknowledged() -> None:
    """Nothing older counts, and of that session the confirmations count, too."""
    own = {"session": "s5", "alarm": True}
    runs = newest_first(
        *(run(number) for number in range(1, 5)),
        run(5, 1.3, **own),
        *(run(number, 1.3, first=False, **own) for number in (6, 7)),
        run(8, 1.31),
    )
    level = Level(since=5, session="s5", commit="a", newest=7, values=(1.3, 1.3, 1.3))
    assert ids(choose(runs, LATENCY, last=20, level=level)) == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("number", "value", "taken"),
    [
        pytest.param(8, 1.32, True, id="an alarm of before that is at the new level"),
        pytest.param(8, 1.37, False, id="an alarm of before that is above it"),
        pytest.param(8, 1.20, False, id="an alarm of before that is below it"),
        pytest.param(8, -1.0, False, id="an alarm of before that is no latency"),
        pytest.param(12, 1.30, False, id="an alarm that was raised against the new level"),
    ],
)
def test_an_acknowledged_change_does_not_silence_the_next(number: int, value: float, taken: bool) -> None:
    """Only alarms that are the acknowledged one, seen again before it was acknowledged, come into the baseline."""
    level = Level(since=5, session="s5", newest=10, values=(1.3,))
    runs = newest_first(run(5, 1.3, session="s5", alarm=True), run(number, value, alarm=True))
    assert ids(choose(runs, LATENCY, last=20, level=level)) == ([5, number] if taken else [5])


@pytest.mark.parametrize(
    ("metric", "values", "value", "taken"),
    [
        pytest.param(COSINE, (0.99,), 0.9905, True, id="a difference below the smallest effect"),
        pytest.param(COSINE, (0.99,), 0.992, False, id="a difference above it"),
        pytest.param(COSINE, (), 0.99, False, id="an acknowledged session of which no value can be used"),
        pytest.param(metric_named("output_sqnr_db"), (math.inf,), math.inf, True, id="an exact match again"),
        pytest.param(metric_named("output_sqnr_db"), (math.inf,), 60.0, False, id="an exact match no more"),
    ],
)
def test_nearness_is_measured_on_the_scale_of_the_metric(
    metric: Any, values: tuple[float, ...], value: float, taken: bool
) -> None:
    """The smallest effect is a ratio or a difference, and infinities are near to nothing but each other."""
    level = Level(since=5, session="s5", newest=10, values=values)
    assert ids(choose([run(8, value, alarm=True)], metric, last=20, level=level)) == ([8] if taken else [])


def test_a_level_of_the_own_branch_has_its_runs_there() -> None:
    """What was acknowledged before it was merged is compared with later runs of the same branch."""
    level = Level(since=5, session="s5", commit="mine", newest=5, values=(1.3,))
    runs = newest_first(
        run(4, commit="b"),
        run(5, 1.3, session="s5", commit="mine", alarm=True),
        run(6, 1.3, commit="rebuilt", branch="feature"),
        run(7, 1.0, commit="theirs", branch="other"),
    )
    assert ids(choose(runs, LATENCY, last=20, lineage=BRANCHED, level=level)) == [5, 6]


def test_a_level_of_the_target_branch_lets_no_own_run_in() -> None:
    """Once it is merged, only what was merged is compared with."""
    level = Level(since=5, session="s5", commit="b", newest=5, values=(1.3,))
    runs = newest_first(run(5, 1.3, session="s5", commit="b", alarm=True), run(6, 1.3, commit="mine"))
    assert ids(choose(runs, LATENCY, last=20, lineage=BRANCHED, level=level)) == [5]
