from __future__ import annotations

import itertools
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest

from harness.commands.compare_live import plan_live, run_live
from harness.errors import ConfigurationError
from harness.settings import Settings
from tests.commands.comparing import Machine

if TYPE_CHECKING:
    from pathlib import Path

    from harness.commands.compare_result import ComparisonResult

NOISE = (1.0, 1.004, 0.997, 1.002, 0.999, 1.003, 0.998)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder whose history is not there yet."""
    return tmp_path


def settings(**changes: object) -> Settings:
    """Return the settings of a comparison of this interpreter with itself under two names."""
    subjects = tuple(f"{name}={sys.executable}" for name in ("old", "new"))
    common = {"catalogue": "tests.commands.comparing:CATALOGUE", "gpu": "cpu", "subjects": subjects, "pace": "quick"}
    return Settings(**{**common, "models": ("fine", "other"), **changes})  # type: ignore[arg-type]


def compare(machine: Machine, root: Path, monkeypatch: pytest.MonkeyPatch, *, blocks: int = 8) -> ComparisonResult:
    """Compare on a machine that takes no time."""
    monkeypatch.setattr("harness.commands.compare_live.CaseRun", machine.run)
    plan = plan_live(settings(), root, blocks=blocks)
    return run_live(plan, settings(), root, on_block=lambda _case, _done: None)


def words(found: ComparisonResult, metric: str = "latency_host") -> dict[str, str | None]:
    """Return the word on each case by one metric."""
    return {series.case.partition("-")[0]: series.word for series in found.series if series.metric == metric}


def noisy(slower: dict[tuple[str, str], float]) -> Machine:
    """Return a machine whose latencies spread by a third of a percent around their levels."""
    noise = itertools.cycle(NOISE)
    return Machine(milliseconds=lambda case, subject: next(noise) * slower.get((case, subject), 1.0))


def test_a_slowdown_is_found_where_it_is_and_only_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two models is 10 % slower with B: that one regressed and the other passes."""
    found = compare(noisy({("fine", "new"): 1.1}), root, monkeypatch)
    assert words(found) == {"fine": "regressed", "other": "pass"}
    assert words(found, "engine_bytes") == {"fine": "pass", "other": "pass"}
    effect = next(s.verdict.effect for s in found.series if s.word == "regressed")
    assert effect == pytest.approx(0.1, abs=0.01)
    assert (found.exit_code(), found.a.software, found.b.software) == (1, "onnxruntime 1.old", "onnxruntime 1.new")


def test_a_subject_against_itself_is_not_told_apart(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing but noise every series passes."""
    found = compare(noisy({}), root, monkeypatch)
    assert found.words == {"pass": 6}
    assert found.exit_code(strict=True) == 0


def test_drift_of_the_machine_moves_both_alike(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that grows slower by half a percent with every trial is no regression of the second subject."""
    trials = itertools.count()
    found = compare(Machine(milliseconds=lambda *_: 1.005 ** next(trials)), root, monkeypatch)
    assert words(found) == {"fine": "pass", "other": "pass"}


def test_blocks_begin_with_either_subject_in_turn(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials run A B B A, then B A A B, and so on."""
    machine = Machine()
    compare(machine, root, monkeypatch, blocks=6)
    a, b = "old", "new"
    assert machine.order["fine"] == [a, b, b, a, b, a, a, b] * 3


def test_every_trial_is_stored_and_none_is_a_baseline(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers begin at 1, since the first trial of a case, number 0, is what baselines and reports are made of."""
    found = compare(Machine(), root, monkeypatch, blocks=6)
    with sqlite3.connect(root / Settings.db) as database:
        rows = database.execute(
            "SELECT trial_index, count(*) FROM trend WHERE metric IN ('latency_host', 'engine_bytes') GROUP BY 1"
        ).fetchall()
        ((status, stored),) = database.execute("SELECT status, json_extract(settings, '$.compare') FROM session")
    assert dict(rows) == dict.fromkeys(range(1, 14), 4)
    assert (status, stored) == ("finished", '["old","new"]')
    assert found.session is not None


def test_a_contended_block_is_repeated_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four more trials take the place of a block in which one was contended."""
    machine = Machine(quality=lambda case, number: "contended" if (case, number) == ("fine", 2) else "ok")
    found = compare(machine, root, monkeypatch)
    assert (len(machine.order["fine"]), len(machine.order["other"])) == (36, 32)
    assert found.left_out == {}
    assert {series.verdict.n for series in found.series if series.metric == "latency_host"} == {8}


def test_a_block_that_is_contended_twice_is_left_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its timings do not count, and it is told; memory, which no clock measures, does."""
    machine = Machine(quality=lambda case, number: "throttled" if case == "fine" and number in (1, 5) else "ok")
    found = compare(machine, root, monkeypatch)
    assert list(found.left_out.values()) == [1]
    blocks = {(s.case.partition("-")[0], s.metric): s.verdict.n for s in found.series if s.metric != "engine_bytes"}
    assert blocks == {
        ("fine", "latency_host"): 7,
        ("fine", "host_memory_peak"): 8,
        ("other", "latency_host"): 8,
        ("other", "host_memory_peak"): 8,
    }


def test_a_machine_that_is_never_quiet_decides_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every block left out the word is insufficient, and --strict ends with 3."""
    found = compare(Machine(quality=lambda *_: "contended"), root, monkeypatch, blocks=6)
    assert set(words(found).values()) == {"insufficient"}
    assert "in all of 6 blocks" in next(s.verdict.reason for s in found.series if s.word == "insufficient")
    assert (found.exit_code(), found.exit_code(strict=True)) == (0, 3)


def test_a_trial_that_dies_is_told_and_the_next_case_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What crashes with B alone is worse than anything slower, so the comparison ends with 1."""
    machine = Machine(outcome=lambda case, subject: "crashed" if (case, subject) == ("fine", "new") else "ok")
    found = compare(machine, root, monkeypatch)
    (problem,) = found.problems
    assert (problem.case.partition("-")[0], problem.side) == ("fine", "b")
    assert problem.reason == "a trial crashed: signal 11 the end of its log"
    assert (set(words(found)), found.exit_code()) == ({"other"}, 1)


def test_what_was_finished_before_an_interruption_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the second case leaves the words on the first, and 130."""

    def interrupted(case: str, _subject: str) -> float:
        if case == "other":
            raise KeyboardInterrupt
        return 1.0

    found = compare(Machine(milliseconds=interrupted), root, monkeypatch)
    assert words(found) == {"fine": "pass"}
    assert (found.exit_code(), found.interrupted) == (130, True)
    with sqlite3.connect(root / Settings.db) as database:
        assert database.execute("SELECT status FROM session").fetchall() == [("interrupted",)]


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        pytest.param({}, {"blocks": 5}, "--blocks is 6 or more", id="too few blocks"),
        pytest.param({}, {"metrics": ["latency"]}, "'latency' is no metric", id="an unknown metric"),
        pytest.param({"models": ("nope",)}, {}, "'nope' is no model", id="an unknown model"),
        pytest.param(
            {"subjects": (f"x={sys.executable}",) * 2}, {}, "two subjects are called 'x'", id="one name twice"
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(
    root: Path, changes: dict[str, object], options: dict[str, object], said: str
) -> None:
    """The error says what is wrong, and there is no history afterwards."""
    with pytest.raises(ConfigurationError, match=said):
        plan_live(settings(**changes), root, **{"blocks": 8, **options})  # type: ignore[arg-type]
    assert not (root / Settings.db).exists()


def test_only_the_metrics_that_were_asked_for_are_compared(root: Path) -> None:
    """By default all that sessions gate on, none of the others."""
    assert plan_live(settings(), root, blocks=8, metrics=["throughput"]).metrics == ("throughput",)
    default = plan_live(settings(), root, blocks=8).metrics
    assert "latency_host" in default
    assert "throughput" not in default
