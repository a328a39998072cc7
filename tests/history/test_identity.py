"""What makes two measurements comparable."""

from __future__ import annotations

import inspect

import pytest

from harness.history.identity import series_fingerprint

PARTS = ("squeezenet-fp16-static", 1, "e" * 64, "latency_host", "batch4")


@pytest.mark.parametrize("place", range(5), ids=["case", "case version", "environment", "metric", "point"])
def test_each_part_tells_series_apart(place: int) -> None:
    """A series is another one as soon as one of its parts is."""
    other = list(PARTS)
    other[place] = 2 if place == 1 else "other"
    assert series_fingerprint(*PARTS) != series_fingerprint(*other)


def test_fingerprint_is_stable() -> None:
    """The fingerprint is stored, so it must be the same in every process and version."""
    expected = "de429f1ece493706e8f433c2b8db254816dd1a4d6fb7c3eb888d6bf50e6f8b35"
    assert series_fingerprint(*PARTS) == expected


def test_parts_do_not_run_into_each_other() -> None:
    """Where one part ends and the next begins matters."""
    assert series_fingerprint("a", 1, "b", "cd", "") != series_fingerprint("a", 1, "b", "c", "d")


def test_subject_is_no_part_of_a_series() -> None:
    """There is no way to make two versions of a runtime different series."""
    assert not any("subject" in name for name in inspect.signature(series_fingerprint).parameters)
