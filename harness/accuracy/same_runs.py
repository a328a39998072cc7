"""Runs that must give the same: the outputs of one held against those of another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.accuracy.chunks import largest_magnitude
from harness.accuracy.metrics import compare_tensors
from harness.errors import RunFailed, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class RunDifference:
    """How far two runs are apart, in the output where that is most.

    Attributes:
        output: its name.
        relative: its largest absolute difference as a share of its largest magnitude; infinite if something differs
            from nothing but zeros, or is NaN or Inf on one side and not the same on the other.
        where: the place and both values there, for people.
        bit_equal: whether every output has the same bits in both runs.
    """

    output: str
    relative: float
    where: str
    bit_equal: bool

    def __str__(self) -> str:
        if self.bit_equal:
            return "bit-equal"
        if math.isinf(self.relative):
            return f"output {self.output!r} differs {self.where}"
        return f"output {self.output!r} differs by {self.relative:.3g} of its largest magnitude {self.where}"


def compare_runs(actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> RunDifference:
    """Compare two runs output by output and return the largest difference.

    Args:
        actual: the outputs of one run by name, of numbers.
        expected: those of the other.

    Raises:
        RunFailed: the runs have other outputs, or outputs of other shapes, or none.
    """
    if not expected:
        raise RunFailed("there are no outputs to compare")
    return max((_difference(name, actual, array) for name, array in expected.items()), key=_order)


def largest(differences: list[RunDifference]) -> RunDifference:
    """Return the largest of one or more differences."""
    return max(differences, key=_order)


def _order(difference: RunDifference) -> tuple[float, bool]:
    return difference.relative, not difference.bit_equal


def _difference(name: str, actual: Mapping[str, np.ndarray], expected: np.ndarray) -> RunDifference:
    if name not in actual:
        raise RunFailed(unknown_value("output of the other run", name, actual))
    array = np.asarray(actual[name])
    error = compare_tensors(array, expected)
    scale = largest_magnitude(expected)
    if error.mismatched_nonfinite or (error.max_abs and not scale):
        relative = math.inf
    else:
        relative = error.max_abs / scale if error.max_abs else 0.0
    same = array.dtype == expected.dtype and array.tobytes() == expected.tobytes()
    return RunDifference(output=name, relative=relative, where=error.worst, bit_equal=same)
