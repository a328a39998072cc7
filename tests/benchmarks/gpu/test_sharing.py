from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from benchmarks.gpu.sharing import NO_GPU, Window, overlaps_on_one_device, seconds_side_by_side, windows_of
from tests.history.building import NOON, trial


def window(device: str, start: float, end: float) -> Window:
    """Return a window between two times (seconds after noon)."""
    return Window(NOON + timedelta(seconds=start), NOON + timedelta(seconds=end), device, f"{device} {start}")


def test_windows_are_read_from_the_conditions_of_trials() -> None:
    """Each has its GPU's UUID; trials that were not measured have none."""
    times = [(NOON + timedelta(seconds=at)).isoformat() for at in (5, 8)]
    on_gpu = replace(trial(1), conditions={"measured": times, "gpu": {"device": "GPU-1"}})
    on_cpu = replace(trial(1), conditions={"measured": [NOON.isoformat(), times[0]]})
    first, second = windows_of([on_gpu, on_cpu, trial(2)])
    assert (first.device, second.device) == (NO_GPU, "GPU-1")
    assert (second.start, second.end) == (NOON + timedelta(seconds=5), NOON + timedelta(seconds=8))
    assert second.trial == "squeezenet-fp16-batch1x4x16@onnxruntime 0"


def test_overlaps_count_on_one_device_only() -> None:
    """Two GPUs may be busy at once; on one, a trial that begins as another ends is none, within it is."""
    apart = [window("a", 0, 10), window("b", 1, 9), window("a", 10, 12)]
    assert overlaps_on_one_device(apart) == []
    long = window("a", 0, 10)
    within, over = window("a", 2, 3), window("a", 9, 11)
    assert overlaps_on_one_device([long, window("b", 1, 2), within, over]) == [(long, within), (long, over)]


def test_time_side_by_side_is_counted_once() -> None:
    """Of two GPUs measured from 0 to 10 and from 4 to 6 and 8 to 12, four seconds are shared."""
    assert seconds_side_by_side([window("a", 0, 10), window("b", 4, 6), window("b", 8, 12)]) == 4.0
    assert seconds_side_by_side([window("a", 0, 10), window("a", 4, 6)]) == 0.0
