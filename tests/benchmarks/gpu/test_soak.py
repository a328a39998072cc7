from __future__ import annotations

import time

from benchmarks.gpu.memory_watch import MemoryReading
from benchmarks.gpu.soak import judgement, rounds, series

MIB = 1 << 20


def readings(*, host: int, device: int | None) -> list[MemoryReading]:
    """Return two minutes of readings that grow by so many MiB a minute."""
    return [
        MemoryReading(
            2.0 * step, 100 * MIB + host * step * MIB // 30, None if device is None else device * step * MIB // 30
        )
        for step in range(60)
    ]


def test_each_kind_of_memory_is_judged_in_each_series() -> None:
    """A leak on the device does not hide behind a host that is well, nor the other way round."""
    found = judgement(readings(host=0, device=30), readings(host=30, device=0))
    assert {what: judged["word"] for what, judged in found["growth"].items()} == {
        "host memory during": "does not grow",
        "device memory during": "grows",
        "host memory between": "grows",
        "device memory between": "does not grow",
    }
    assert len(found["sentences"]) == 4


def test_a_machine_without_a_gpu_has_host_memory_only() -> None:
    """What nothing tells is not judged."""
    found = judgement(readings(host=0, device=None), readings(host=0, device=None))
    assert list(found["growth"]) == ["host memory during", "host memory between"]


def test_series_are_rows() -> None:
    """Readings during and between rounds are kept apart, and rounds are those that were finished."""
    rows = series(readings(host=0, device=1), readings(host=0, device=None)[:2])
    assert rows["rounds"] == 2
    assert rows["between"][1] == [2.0, 100 * MIB, None]
    assert len(rows["during"]) == 60


def test_rounds_end_with_the_time_and_are_whole() -> None:
    """Everything is asked for in each round, and a round that has begun is finished."""
    asked: list[str] = []
    work = [lambda: asked.append("measure"), lambda: (asked.append("compare"), time.sleep(0.02))]
    numbers = list(rounds(work, time.monotonic() + 0.1))
    assert numbers == list(range(1, len(numbers) + 1))
    assert 1 < len(numbers) < 10
    assert asked == ["measure", "compare"] * len(numbers)
