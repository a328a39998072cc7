from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from harness.commands.compare_result import (
    Compared,
    ComparedSeries,
    ComparisonResult,
    Problem,
    settle,
    verdict_of_blocks,
    verdict_of_one,
)
from tests.history.building import verdict

if TYPE_CHECKING:
    from harness.verdicts.gate import Status

NAN, INFINITE = math.nan, math.inf


def series(word: Status | None, **changes: Any) -> ComparedSeries:
    """Return a series that ended with a word."""
    judged = verdict(word or "pass", **changes)
    return ComparedSeries(case="net-fp32-static", metric="latency_host", point="batch=1", verdict=judged, word=word)


def result(*words: Status | None, problems: tuple[Problem, ...] = (), interrupted: bool = False) -> ComparisonResult:
    """Return a comparison whose series ended with these words."""
    a, b = (Compared(name=name, software="onnxruntime 1.0", environments=("cpu",)) for name in ("old", "new"))
    return ComparisonResult(
        a=a,
        b=b,
        way="interleaved",
        evidence="",
        series=tuple(series(word) for word in words),
        problems=problems,
        interrupted=interrupted,
    )


def problem(side: str, *, broken: bool = True, hinders: bool = True) -> Problem:
    """Return a problem that A or B has with a case."""
    return Problem(case="net-fp32-static", side=side, reason="it died", broken=broken, hinders=hinders)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "code", "strict"),
    [
        pytest.param(result("pass", "improved"), 0, 0, id="nothing is slower"),
        pytest.param(result("pass", "regressed"), 1, 1, id="a series regressed"),
        pytest.param(result("pass", "inconclusive"), 0, 3, id="a series is open"),
        pytest.param(result("pass", "missing"), 0, 3, id="a series is gone"),
        pytest.param(result("insufficient"), 0, 3, id="there is too little"),
        pytest.param(result(), 2, 2, id="nothing could be compared"),
        pytest.param(result("pass", problems=(problem("b"),)), 1, 1, id="B alone fails"),
        pytest.param(result("pass", problems=(problem("a"),)), 0, 3, id="A alone fails"),
        pytest.param(result("pass", problems=(problem("a"), problem("b"))), 0, 3, id="both fail"),
        pytest.param(result("pass", problems=(problem("b", broken=False),)), 0, 3, id="B cannot run it by design"),
        pytest.param(result("pass", problems=(problem("a", broken=False), problem("b", broken=False))), 0, 0,
                     id="neither can run it by design"),
        pytest.param(result(None), 0, 0, id="figures of two machines"),
        pytest.param(result("regressed", interrupted=True), 130, 130, id="interrupted"),
    ],
)  # fmt: skip
def test_the_exit_code_follows_from_what_was_found(found: ComparisonResult, code: int, strict: int) -> None:
    """Slower or broken is 1, nothing compared 2, and what is open counts only if asked for."""
    assert (found.exit_code(), found.exit_code(strict=True)) == (code, strict)


def test_the_headline_counts_the_words_in_the_order_of_their_weight() -> None:
    """It names both, what regressed first, and the cases that fail with B alone."""
    found = result("pass", "regressed", "pass", problems=(problem("b"),))
    assert found.headline == "from old to new: 1 regressed, 2 pass; 1 case fails with new"


def test_a_change_that_so_many_series_bring_by_chance_is_not_told() -> None:
    """With p = 0.009 one of two series stands and one of forty does not."""
    change, quiet = series("regressed", p=0.009), series("pass", p=0.9)
    assert [each.word for each in settle([change, quiet])] == ["regressed", "pass"]
    many = settle([change, *[quiet] * 39])
    assert many[0].word == many[0].verdict.status == "inconclusive"
    assert many[0].verdict.q == pytest.approx(0.36)
    assert "among 40 series" in many[0].verdict.reason


def test_an_exact_change_is_told_among_any_number() -> None:
    """Where nothing varies there is no p, and chance explains nothing."""
    settled = settle([series("regressed", p=None), *[series("pass", p=0.9)] * 99])
    assert settled[0].word == "regressed"


def test_figures_of_two_machines_get_no_word() -> None:
    """What had no word has none afterwards, whatever its p."""
    assert settle([series(None, p=0.5)])[0].word is None


def test_blocks_make_a_verdict_on_the_metric_s_own_terms() -> None:
    """Twice the throughput is better and twice the latency is worse, with the levels of both."""
    a = [[1.0, 1.001], [1.002, 1.0], [1.0, 1.003], [1.001, 1.0], [1.002, 1.002], [1.0, 1.001]]
    b = [[2 * value for value in reversed(block)] for block in a]
    slower = verdict_of_blocks("latency_host", a, b)
    assert (slower.status, slower.n, slower.k) == ("regressed", 6, 6)
    assert slower.effect == pytest.approx(1.0, rel=0.01)
    assert slower.value == pytest.approx(2 * (slower.baseline or 0), rel=0.01)
    assert verdict_of_blocks("throughput", a, b).status == "improved"


def test_too_few_blocks_still_show_their_figures() -> None:
    """With five good blocks of six the word is insufficient, and the medians and their effect stand beside it."""
    a = [[1.0, 1.0]] * 5 + [[NAN, NAN]]
    b = [[1.1, 1.1]] * 5 + [[NAN, NAN]]
    found = verdict_of_blocks("latency_host", a, b)
    assert (found.status, found.baseline, found.value) == ("insufficient", 1.0, 1.1)
    assert found.effect == pytest.approx(0.1)


def test_blocks_without_any_value_of_one_side_are_missing() -> None:
    """What B does not measure is missing, not equal."""
    found = verdict_of_blocks("latency_graph", [[1.0, 1.0]] * 8, [[NAN, NAN]] * 8)
    assert (found.status, found.baseline, found.value, found.effect) == ("missing", 1.0, None, None)


@pytest.mark.parametrize(
    ("metric", "a", "b", "word"),
    [
        pytest.param("engine_bytes", 1000.0, 1000.0, "pass", id="as large as before"),
        pytest.param("engine_bytes", 1000.0, 1009.0, "pass", id="larger by less than is worth a word"),
        pytest.param("engine_bytes", 1000.0, 1010.0, "regressed", id="larger"),
        pytest.param("engine_bytes", 1010.0, 1000.0, "improved", id="smaller"),
        pytest.param("output_sqnr_db", 60.0, 56.0, "regressed", id="less accurate"),
        pytest.param("output_sqnr_db", 56.0, 60.0, "improved", id="more accurate"),
        pytest.param("output_sqnr_db", INFINITE, 120.0, "pass", id="equal bits against FP32's rounding"),
        pytest.param("output_sqnr_db", INFINITE, 79.0, "regressed", id="equal bits against more than rounding"),
        pytest.param("output_sqnr_db", INFINITE, INFINITE, "pass", id="equal bits on either side"),
        pytest.param("output_cosine", 0.999, NAN, "missing", id="not a number"),
        pytest.param("engine_bytes", 1000.0, None, "missing", id="not there"),
        pytest.param("build_seconds", 1.0, 9.0, "insufficient", id="one timing"),
    ],
)
def test_single_values_are_compared_exactly(metric: str, a: float, b: float | None, word: str) -> None:
    """The smallest effect of the metric decides, but for what says nothing or cannot say anything."""
    assert verdict_of_one(metric, a, b).status == word
