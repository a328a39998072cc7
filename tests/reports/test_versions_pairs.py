from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from harness.history.records import EnvironmentRecord, SubjectRecord
from reports.reading import read
from reports.versions_levels import Configuration, Levels, Measured
from reports.versions_pairs import Pair, Slot, compare_pair, ratio_text
from tests.reports.sample_history import DESKTOP, NEW, OLD, SERVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.reports.sample_history import HistoryBuilder

KEY = ("encoder-fp16-batch1", 1, "latency_graph")
ANCIENT = SubjectRecord(name="onnxruntime", runtime="onnxruntime", version="1.9.0")
A = Configuration("a", "one machine")
B = Configuration("b", "one machine")
ELSEWHERE = Configuration("b", "another machine")


class _Measured(Levels):
    """Levels that a test gives, by configuration and point."""

    def __init__(self, values: Mapping[Configuration, Mapping[str, Sequence[float]]]) -> None:
        self._values = {
            configuration: {Measured(*KEY, point): {"": tuple(runs)} for point, runs in by_point.items()}
            for configuration, by_point in values.items()
        }


def _runs(level: float, count: int = 20) -> list[float]:
    return [level * (1 + 0.002 * math.sin(7 * place)) for place in range(count)]


def _noisy(level: float) -> list[float]:
    return [level * (1 + 0.05 * math.sin(7 * place)) for place in range(20)]


def _compare(
    values: Mapping[Configuration, Mapping[str, Sequence[float]]], b: Configuration = B, points: Sequence[str] = ("",)
) -> Pair:
    slots = [Slot("encoder", "fp16", "batch1", KEY[0], KEY[1], point) for point in points]
    return compare_pair(A, b, slots, _Measured(values), absence=lambda *_: "not run", names=("old", "new"))


@pytest.mark.parametrize(
    ("a", "b", "word", "label"),
    [
        pytest.param(_runs(1.0), _runs(1.1), "slower", "slower", id="a tenth more is slower"),
        pytest.param(_runs(1.0), _runs(0.9), "faster", "faster", id="a tenth less is faster"),
        pytest.param(_runs(1.0), _runs(1.0001), "same", "no change", id="what chance brings is no change"),
        pytest.param(_runs(1.0), _runs(1.01), "same", "below 2.0\u00a0%", id="a real change may be too small"),
        pytest.param(
            _noisy(1.0),
            _noisy(1.0),
            "undecided",
            "not decided",
            id="an interval wider than the smallest effect is open",
        ),
        pytest.param(_runs(1.0), [1.1], "undecided", "not decided", id="one run decides nothing"),
        pytest.param(_runs(1.0, 7), _runs(1.1), "few", "too few runs", id="seven runs are no baseline"),
        pytest.param(_runs(1.0), [], "absent", "B: not run", id="what was not run is named"),
        pytest.param([], [], "absent", "A and B: not run", id="on either side"),
    ],
)
def test_a_cell_says_what_the_gate_would(a: list[float], b: list[float], word: str, label: str) -> None:
    """Medians of runs are held against each other with the gate's interval and the metric's smallest effect."""
    found = {side: {"": runs} for side, runs in ((A, a), (B, b)) if runs}
    pair = _compare(found)
    assert (pair.cells[0].word, pair.cells[0].label) == (word, label)


def test_only_decided_changes_are_coloured_the_larger_the_darker() -> None:
    """Shades begin at nothing, 5 % and 20 %; what is not decided has none."""
    levels = {"p1": 1.03, "p2": 1.1, "p3": 0.7, "p4": 1.0, "p5": 1.0}
    values = {A: dict.fromkeys(levels, _runs(1.0)), B: {point: _runs(level) for point, level in levels.items()}}
    values[B]["p5"] = [1.5]
    pair = _compare(values, points=tuple(levels))
    assert [cell.shade for cell in pair.cells] == [1, 2, 3, 0, 0]
    assert sorted(range(5), key=pair.sizes.__getitem__) == [2, 1, 0, 4, 3]


def test_a_sentence_counts_every_cell() -> None:
    """It says how many are faster, slower, unchanged and open, of how many, and the median change of the decided."""
    levels = {"p1": 1.1, "p2": 1.1, "p3": 0.9, "p4": 1.1, "p5": 1.0}
    values = {A: dict.fromkeys(levels, _runs(1.0)), B: {point: _runs(level) for point, level in levels.items()}}
    for point in ("p6", "p7", "p8", "p9", "p10", "p11"):
        values[A][point], values[B][point] = [1.0], [0.5]
    pair = _compare(values, points=(*values[A], "p12"))
    assert pair.sentence == (
        "new against old: faster in 1, slower in 3, unchanged in 1 and not decided in 6 of 11; median of the 5 decided "
        "+10.0\u00a0%. "
        "1 cannot be compared."
    )  # fmt: skip


def test_a_sentence_says_how_much_only_of_what_is_decided() -> None:
    """One decided cell has no median, and where none is decided there is nothing that the ratios would tell."""
    open_ones = {A: {"p1": [1.0], "p2": [1.0]}, B: {"p1": [0.5], "p2": [0.6]}}
    pair = _compare(open_ones, points=("p1", "p2"))
    assert pair.sentence == "new against old: not decided in 2 of 2."
    decided = {A: {**open_ones[A], "p3": _runs(1.0)}, B: {**open_ones[B], "p3": _runs(1.1)}}
    pair = _compare(decided, points=("p1", "p2", "p3"))
    assert pair.sentence == (
        "new against old: slower in 1 and not decided in 2 of 3; the decided one +10.0\u00a0%."
    )  # fmt: skip


def test_between_machines_nothing_is_a_regression() -> None:
    """Ratios and intervals are the same, and the sentence says what differs."""
    pair = _compare({A: {"": _runs(1.0)}, ELSEWHERE: {"": _runs(2.0)}}, ELSEWHERE)
    assert pair.across
    assert pair.cells[0].change == "× 2.00"
    assert pair.sentence.endswith("hardware and software, and nothing here is a regression.")
    assert not _compare({A: {"": _runs(1.0)}, B: {"": _runs(2.0)}}).across


def test_nothing_in_common_is_said() -> None:
    """Two that share no case have a sentence, and no median of nothing."""
    assert _compare({A: {"": _runs(1.0)}}).sentence == "old and new have no case in common that was timed with both."


@pytest.mark.parametrize(
    ("effect", "written"),
    [(0.031, "+3.1\u00a0%"), (-0.2, "−20.0\u00a0%"), (1.0, "× 2.00"), (-0.5, "× 0.500"), (0.0, "0\u00a0%")],
)
def test_large_changes_are_written_as_factors(effect: float, written: str) -> None:
    """Percents end where a factor reads better: at half and at double."""
    assert ratio_text(effect) == written


def test_levels_are_of_the_newest_fit_runs_of_one_pace(builder: HistoryBuilder) -> None:
    """Twenty values at most, none of a contended machine, and quick sessions apart from normal ones."""
    for index in range(26):
        pace = {"settings": {"pace": "quick"}} if index >= 24 else {}
        session = builder.session(index, **pace)
        quality = "contended" if index == 23 else "ok"
        builder.history.add_trial(builder.trial(session, "encoder", "fp16", quality=quality))
    reading = read(builder.history)
    levels = Levels(reading, {"latency_host", "output_sqnr_db"})
    (configuration,) = levels.newest_first
    assert configuration == Configuration(NEW.hash, SERVER.hash)
    key = Measured("encoder-fp16-batch1x4x16", 1, "latency_host", "batch=4")
    by_pace = levels.measured(configuration)[key]
    assert {pace: len(values) for pace, values in by_pace.items()} == {"": 20, "quick": 2}
    runs = next(
        reading.runs[row.id] for row in reading.series if (row.metric, row.point) == ("latency_host", "batch=4")
    )
    assert by_pace[""] == tuple(run.value for run in runs[3:23])
    assert levels.level(configuration, key) == pytest.approx(sum(sorted(by_pace[""])[9:11]) / 2)
    # What no clock measures is of one pace.
    sqnr = key._replace(metric="output_sqnr_db", point="batch=1")
    assert list(levels.measured(configuration)[sqnr]) == [""]


def test_configurations_are_in_the_order_of_their_versions(builder: HistoryBuilder) -> None:
    """Version 1.30 is newer than 1.9, whatever came first; the newest session counts before the version."""
    first = builder.session(0)
    for subject in (NEW, ANCIENT, OLD):
        builder.history.add_trial(builder.trial(first, "encoder", "fp16", subject=subject))
    builder.history.add_trial(builder.trial(builder.session(1), "encoder", "fp16", environment=DESKTOP, subject=OLD))
    levels = Levels(read(builder.history), {"latency_host"})
    in_order = [each.subject for each in levels.in_order(SERVER.hash)]
    assert in_order == [ANCIENT.hash, OLD.hash, NEW.hash]
    assert [each.subject for each in levels.newest_first] == [OLD.hash, NEW.hash, OLD.hash, ANCIENT.hash]
    assert levels.newest_first[0].environment == DESKTOP.hash


def test_a_machine_is_an_environment_and_not_its_name(builder: HistoryBuilder) -> None:
    """Two machines of one name are two configurations."""
    twin = EnvironmentRecord(name=SERVER.name, identity={"cpu": "another"}, facts={})
    session = builder.session(0)
    for environment in (SERVER, twin):
        builder.history.add_trial(builder.trial(session, "encoder", "fp16", environment=environment))
    assert len(Levels(read(builder.history), {"latency_host"}).newest_first) == 2
