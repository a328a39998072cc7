"""The verdict on something that either holds or does not: an exact comparison with the runs in which it held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.verdicts.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

HOLDS, FAILS = 1.0, 0.0


def judge_standing(baseline: Sequence[float], value: float, *, why_not: str = "") -> Verdict | None:
    """Judge one run of what is ``HOLDS`` or ``FAILS``, of which more is better.

    There is no noise to reckon with, so one run in which it held is baseline enough, and the first in which it does not
    is a regression at once.

    Args:
        baseline: the good runs, in any order; what does not end well is no part of a baseline.
        value: of the new run.
        why_not: what the new run says of itself where it fails.

    Returns:
        None where it never held and does not hold now: nothing is worse than it was.
    """
    held = sum(run == HOLDS for run in baseline)
    if value != HOLDS and not held:
        return None
    runs = f"{held} earlier run{'' if held == 1 else 's'}"
    effect = (value - HOLDS) if held else None
    if value == HOLDS:
        reason = f"it holds, as in {runs}" if held else "it holds; there is no earlier run to compare with"
    else:
        reason = f"it held in {runs} and does not hold now{f': {why_not}' if why_not else ''}"
    return Verdict(
        status="pass" if value == HOLDS else "regressed",
        direction="higher",
        scale="linear",
        smallest_effect=1.0,
        reason=reason,
        n=held,
        k=1,
        value=value,
        baseline=HOLDS if held else None,
        effect=effect,
        p=None if effect is None else float(effect == 0),
        spread=0.0 if held else None,
        detectable=1.0 if held else None,
    )
