from __future__ import annotations

import math

import pytest

from harness.history.output_errors import OutputError
from harness.tolerances.spread import BuildSpread, build_spreads

HERE, ELSEWHERE = ("net-int8-batch1", 1, "onnxruntime", "batch=1"), ("net-int8-batch1", 2, "tensorrt", "batch=1")


@pytest.mark.parametrize(
    ("runs", "known"),
    [
        pytest.param([(HERE, "a", 30), (HERE, "a", 30), (HERE, "b", 33)], BuildSpread(2, 3, 30), id="two builds"),
        pytest.param([(HERE, "a", 30), (HERE, "a", 20), (HERE, "a", 31)], BuildSpread(1, None, 30), id="one, often"),
        pytest.param([(HERE, "a", 30), (ELSEWHERE, "b", 25)], BuildSpread(1, None, 25), id="one here, one elsewhere"),
        pytest.param(
            [(HERE, "a", 30), (HERE, "b", 31), (ELSEWHERE, "c", 25), (ELSEWHERE, "d", 29), (ELSEWHERE, "e", 27)],
            BuildSpread(3, 4, 25),
            id="the place with the most",
        ),
        pytest.param([(HERE, "a", math.inf), (HERE, "b", 40)], BuildSpread(1, None, 40), id="one without an error"),
    ],
)
def test_builds_are_compared_where_nothing_else_differs(
    runs: list[tuple[tuple[str, int, str, str], str, float]], known: BuildSpread
) -> None:
    """A build counts by its median; case, machine, runtime and point must be the same."""
    assert build_spreads(OutputError("y", place, build, ratio) for place, build, ratio in runs) == {"y": known}


def test_outputs_are_told_apart() -> None:
    """The error of one output says nothing of another's."""
    errors = [OutputError("boxes", HERE, "a", 35.0), OutputError("scores", HERE, "a", 28.0)]
    assert {output: spread.worst for output, spread in build_spreads(errors).items()} == {"boxes": 35.0, "scores": 28.0}


def test_where_nothing_differs_nothing_is_known() -> None:
    """Engines that are equal to their reference to the last bit have no level to be compared."""
    assert build_spreads([OutputError("y", HERE, "a", math.inf)]) == {}
