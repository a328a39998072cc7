from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.commands.compare_sides import stored_sides
from harness.commands.compare_stored import compare_stored
from harness.errors import ConfigurationError
from harness.history.records import EnvironmentRecord, FindingRecord, MeasurementRecord, SubjectRecord
from harness.history.store import History
from tests.history.building import NEW, OLD, remember, session, trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.commands.compare_result import ComparisonResult

CASE = "squeezenet-fp16-batch1x4x16"
H200 = EnvironmentRecord(name="NVIDIA H200", identity={"gpu": "H200", "power_limit": 700})
A100 = EnvironmentRecord(name="NVIDIA A100", identity={"gpu": "A100", "power_limit": 400})
METRICS = ("latency_host", "engine_bytes")
NOISE = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1.0, 1.003)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Return a new history."""
    with History.open(tmp_path / "history.db") as opened:
        yield opened


def compare(history: History, a: str, b: str) -> ComparisonResult:
    """Compare two parts of the history by latency and size."""
    sides = stored_sides(a, b, history.queries, Path("/"))
    return compare_stored(sides, history.queries, metrics=METRICS, last=20)


def words(found: ComparisonResult) -> dict[tuple[str, str], str | None]:
    """Return the word on each series, by case and metric."""
    return {(series.case, series.metric): series.word for series in found.series}


def runs(first: int, level: float, **changes: object) -> list:
    """Return nine sessions from number ``first`` on, whose latencies lie around a level."""
    return [trial(first + i, value=level * noise, **changes) for i, noise in enumerate(NOISE)]


@pytest.mark.parametrize(
    ("level", "word"),
    [
        pytest.param(1.0, "pass", id="as fast"),
        pytest.param(1.2, "regressed", id="slower"),
        pytest.param(0.8, "improved", id="faster"),
    ],
)
def test_two_subjects_of_the_history_are_judged_by_the_gate(history: History, level: float, word: str) -> None:
    """Nine runs of each decide, with effect, interval and q, and a sentence says that they were not interleaved."""
    remember(history, *runs(1, 1.0, subject=OLD), *runs(101, level, subject=NEW))
    found = compare(history, "onnxruntime@1.30.0", "onnxruntime@1.31.1")
    assert words(found) == {(CASE, "latency_host"): word}
    (series,) = found.series
    assert (series.verdict.n, series.verdict.k) == (9, 9)
    assert series.verdict.effect == pytest.approx(level - 1)
    assert series.verdict.low is not None
    assert series.verdict.q is not None
    assert "weaker evidence" in found.evidence
    assert found.exit_code() == int(word == "regressed")


def test_few_runs_are_insufficient_and_shown(history: History) -> None:
    """Two sessions of one trial each give an effect, but no word that could block anything."""
    remember(history, trial(1, value=1.0), trial(2, value=1.5))
    found = compare(history, "latest~1", "latest")
    (series,) = found.series
    assert (series.word, series.verdict.effect) == ("insufficient", pytest.approx(0.5))
    assert (found.exit_code(), found.exit_code(strict=True)) == (0, 3)


def test_two_machines_get_figures_and_no_word(history: History) -> None:
    """A slower GPU is no regression: there is a ratio with its interval, and what tells the machines apart."""
    remember(history, *runs(1, 1.0, environment=H200), *runs(101, 2.0, environment=A100))
    found = compare(history, "NVIDIA H200", "NVIDIA A100")
    (series,) = found.series
    assert (series.word, series.verdict.effect) == (None, pytest.approx(1.0))
    assert series.verdict.low is not None
    assert "differ in gpu (H200 and A100), power_limit (700 and 400)" in found.evidence
    assert (found.exit_code(strict=True), found.words) == (0, {})
    assert "none of them judged" in found.headline


def test_two_commits_are_all_of_their_sessions(history: History) -> None:
    """A commit's sessions count together."""
    for commit, records in (("a" * 40, runs(1, 1.0)), ("b" * 40, runs(101, 1.2))):
        for record in records:
            history.start_session(replace(session(int(record.session, 16)), commit=commit))
            history.add_trial(record)
    assert words(compare(history, "a" * 12, "b" * 12)) == {(CASE, "latency_host"): "regressed"}


def test_eight_sessions_count_once_each(history: History) -> None:
    """Trials of one session share what the machine was like, so five of them are no five runs."""
    remember(history, *runs(1, 1.0, subject=OLD))
    remember(history, *(trial(9, index=i, value=1.5, subject=OLD) for i in range(1, 8)))
    remember(history, trial(101, subject=NEW))
    (series,) = compare(history, OLD.hash, NEW.hash).series
    assert series.verdict.n == 9


def test_trials_of_a_session_count_where_there_are_few_sessions(history: History) -> None:
    """Two sessions of nine trials each can be compared."""
    for number, level in ((1, 1.0), (2, 1.3)):
        remember(history, *(trial(number, index=i, value=level * noise) for i, noise in enumerate(NOISE)))
    assert words(compare(history, "latest~1", "latest")) == {(CASE, "latency_host"): "regressed"}


def test_timings_of_an_unfit_machine_do_not_count(history: History) -> None:
    """Sizes of a contended trial do, since no clock measures them."""
    both = (
        MeasurementRecord(metric="latency_host", point="batch4", value=1.0),
        MeasurementRecord(metric="engine_bytes", point="", value=10.0),
    )
    remember(history, trial(1, measurements=both), trial(2, measurements=both, quality="contended"))
    assert words(compare(history, "latest~1", "latest")) == {
        (CASE, "latency_host"): "missing",
        (CASE, "engine_bytes"): "insufficient",
    }


def test_timings_of_another_pace_are_not_compared(history: History) -> None:
    """What was timed for longer is missing rather than equal."""
    remember(history, trial(1))
    history.start_session(replace(session(2), settings={"pace": "full"}))
    history.add_trial(trial(2))
    assert words(compare(history, "latest~1", "latest")) == {(CASE, "latency_host"): "missing"}


def test_another_version_of_a_case_is_not_compared(history: History) -> None:
    """Raising a case's version says that results of before and after must not be compared."""
    remember(history, trial(1), trial(2, case_version=2))
    assert words(compare(history, "latest~1", "latest")) == {(CASE, "latency_host"): "missing"}


def test_cases_that_fail_or_are_not_there_are_listed(history: History) -> None:
    """What fails with B alone decides; what one of the two did not run is told."""
    out = FindingRecord(stage="outputs", outcome="failed", message="outputs leave their tolerance\n  y: worse")
    remember(
        history,
        trial(1),
        trial(1, model="gone"),
        trial(2, outcome="failed", message=out.message, findings=(out,)),
        trial(2, model="added"),
        trial(1, model="tf32", outcome="unsupported", message="no tensor cores", measurements=()),
        trial(2, model="tf32", outcome="unsupported", message="no tensor cores", measurements=()),
    )
    found = compare(history, "latest~1", "latest")
    assert {(p.case.partition("-")[0], p.side, p.reason) for p in found.problems} == {
        ("squeezenet", "b", "outputs leave their tolerance"),
        ("gone", "b", "it was not run"),
        ("added", "a", "it was not run"),
        ("tf32", "a", "no tensor cores"),
        ("tf32", "b", "no tensor cores"),
    }
    assert [p.case.partition("-")[0] for p in found.problems if p.broken] == ["squeezenet"]
    assert found.exit_code() == 1


def test_a_regression_that_its_session_found_is_not_taken_over(history: History) -> None:
    """The comparison decides for itself whether B is slower than A."""
    slower = FindingRecord(stage="regression", outcome="failed", message="regressed")
    remember(history, trial(1), trial(2, outcome="failed", message="regressed", findings=(slower,)))
    found = compare(history, "latest~1", "latest")
    assert (found.problems, found.exit_code()) == ((), 0)


def test_a_failure_that_was_mended_is_none(history: History) -> None:
    """Of several sessions of a subject the newest says whether a case fails."""
    remember(history, trial(1, subject=OLD), trial(2, outcome="crashed", message="it died"), trial(3))
    assert compare(history, OLD.hash, NEW.hash).problems == ()


def test_subjects_of_one_name_are_compared_with_each_other(history: History) -> None:
    """Two sessions of the same two subjects give two rows, told apart by the subjects."""
    one, two = (SubjectRecord(name=name, runtime="onnxruntime", version="1", libraries={"n": name}) for name in "xy")
    remember(history, *(trial(number, subject=subject) for number in (1, 2) for subject in (one, two)))
    found = compare(history, "latest~1", "latest")
    assert {series.case for series in found.series} == {f"{CASE}@x", f"{CASE}@y"}


def test_subjects_without_a_common_name_are_refused(history: History) -> None:
    """Nobody knows which of two is to be compared with a third; the error names them."""
    names = {1: ("x", "y"), 2: ("z",)}
    remember(
        history,
        *(
            trial(number, subject=SubjectRecord(name=name, runtime="onnxruntime", version="1"))
            for number, own in names.items()
            for name in own
        ),
    )
    with pytest.raises(ConfigurationError, match=r"no subject is in both: .* has x, y; .* has z"):
        compare(history, "latest~1", "latest")


def test_a_session_without_trials_is_refused(history: History) -> None:
    """There is nothing to compare with."""
    remember(history, trial(1))
    history.start_session(session(2))
    with pytest.raises(ConfigurationError, match="has no trial in the history"):
        compare(history, "latest~1", "latest")
