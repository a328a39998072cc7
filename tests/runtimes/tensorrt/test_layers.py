from __future__ import annotations

import pytest

from harness.runtimes.tensorrt.layers import bytes_of, chunks_within


@pytest.mark.parametrize(
    ("sizes", "bound", "chunks"),
    [
        pytest.param({"a": 4, "b": 4, "c": 4}, 100, [("a", "b", "c")], id="all fit"),
        pytest.param({"a": 4, "b": 4, "c": 4}, 8, [("a", "b"), ("c",)], id="two at a time"),
        pytest.param({"a": 4, "b": 40, "c": 4}, 8, [("a",), ("b",), ("c",)], id="one is larger than the bound"),
        pytest.param({"a": 4, "c": 4}, 100, [("a", "c")], id="one cannot be marked"),
        pytest.param({}, 100, [()], id="none can: the plain engine runs once"),
    ],
)
def test_outputs_are_marked_within_a_bound(sizes: dict[str, int], bound: int, chunks: list[tuple[str, ...]]) -> None:
    """Groups keep the order of the graph and add up to no more than the bound."""
    assert list(chunks_within(["a", "b", "c"], sizes, bound)) == chunks


def test_a_free_dimension_counts_as_the_largest_input() -> None:
    """The estimate errs on the large side."""
    assert bytes_of((-1, 3, -1), 8) == 4 * 8 * 3 * 8
