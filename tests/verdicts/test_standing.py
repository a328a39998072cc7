from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.verdicts.standing import FAILS, HOLDS, judge_standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.verdicts.gate import Status


@pytest.mark.parametrize(
    ("baseline", "value", "status", "reason"),
    [
        pytest.param([HOLDS], HOLDS, "pass", "it holds, as in 1 earlier run", id="it still holds"),
        pytest.param([], HOLDS, "pass", "no earlier run", id="its first run"),
        pytest.param([HOLDS], FAILS, "regressed", "it held in 1 earlier run and does not hold now: boom",
                     id="once is enough"),
        pytest.param([HOLDS] * 20, FAILS, "regressed", "20 earlier runs", id="it always held"),
    ],
)  # fmt: skip
def test_what_held_must_hold(baseline: Sequence[float], value: float, status: Status, reason: str) -> None:
    """One good run is baseline enough, since there is no noise."""
    verdict = judge_standing(baseline, value, why_not="boom")
    assert verdict is not None
    assert (verdict.status, verdict.n) == (status, len(baseline))
    assert reason in verdict.reason


def test_what_never_held_is_not_judged() -> None:
    """Nothing is worse than it was."""
    assert judge_standing([], FAILS) is None


def test_a_lost_property_has_an_effect_beyond_doubt() -> None:
    """The comparison is exact: p is 0, and 1 where nothing changed."""
    lost, kept = judge_standing([HOLDS], FAILS), judge_standing([HOLDS], HOLDS)
    assert lost is not None
    assert kept is not None
    assert (lost.effect, lost.p, kept.effect, kept.p) == (-1.0, 0.0, 0.0, 1.0)
