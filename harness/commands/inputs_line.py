"""The line by which a command says at which points and on which inputs its figures were measured.

Commands differ in both on purpose, so figures of one model differ from command to command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cases import Case

_MOST_POINTS = 6


def inputs_line(seed: str, points: Sequence[str], *, more: str = "") -> str:
    """Return the line on inputs that were made by a model's feeds.

    Args:
        seed: what they were made from; see ``harness.cases.make_inputs``.
        points: labels of where they were made.
        more: what else is to be known of them.
    """
    left = len(points) - _MOST_POINTS
    named = ", ".join(points[:_MOST_POINTS]) + (f" and {left} more" if left > 0 else "")
    return f"inputs: made from the seed {seed!r}, at {named}{f'; {more}' if more else ''}"


def case_inputs_line(case: Case, *, smallest_only: bool, more: str = "") -> str:
    """Return the line on the inputs of a case as a session runs it, whose seed is its model's name."""
    points = (case.profile.smallest,) if smallest_only else case.profile.points
    return inputs_line(case.model.name, [point.label for point in points], more=more)
