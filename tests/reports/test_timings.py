from __future__ import annotations

import pytest

from reports.timings import timings_mark, timings_sentence
from tests.reports.test_current import a_cell


@pytest.mark.parametrize(
    ("quality", "timed", "mark", "sentence"),
    [
        pytest.param("ok", True, "", "Timings can be trusted.", id="a quiet machine"),
        pytest.param("contended", True, "contended", "contended", id="a busy machine"),
        pytest.param("throttled", True, "throttled", "slower than the engine", id="a hot machine"),
        pytest.param("unstable", True, "unstable", "unstable", id="latency that drifts"),
        pytest.param("haunted", True, "haunted", "haunted", id="a word of a later version"),
        pytest.param("ok", False, "", "It was not timed.", id="no timings"),
        pytest.param("contended", False, "", "It was not timed.", id="no timings on a busy machine"),
    ],
)
def test_timings_are_trusted_only_where_they_exist_and_are_good(
    quality: str, timed: bool, mark: str, sentence: str
) -> None:
    """The mark warns beside a latency, the sentence says why."""
    cell = a_cell(quality=quality, **({} if timed else {"values": {("engine_bytes", ""): 1.0}}))
    assert timings_mark(cell) == mark
    assert sentence in timings_sentence(cell)
