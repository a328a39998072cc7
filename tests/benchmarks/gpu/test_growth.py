from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gpu.growth import MIB, growth, sentence

SECONDS = [2.0 * step for step in range(300)]


def readings(slope: float, noise: float = 0.0, jump: float = 0.0) -> list[float]:
    """Return bytes that grow by ``slope`` MiB a minute, with noise and one jump (MiB) in the first minute."""
    generator = np.random.default_rng(1)
    minutes = np.array(SECONDS) / 60
    return list((900 + slope * minutes + noise * generator.normal(size=300) + jump * (minutes > 0.5)) * MIB)


@pytest.mark.parametrize(
    ("sizes", "word"),
    [
        pytest.param(readings(0.0), "does not grow", id="the same each time"),
        pytest.param(readings(0.0, noise=20.0), "does not grow", id="up and down around one value"),
        pytest.param(readings(0.2), "does not grow", id="pages, surely, but less than a MiB a minute"),
        pytest.param(readings(-5.0), "does not grow", id="less and less"),
        pytest.param(readings(0.0, jump=400.0), "does not grow", id="libraries loaded in the first minute"),
        pytest.param(readings(3.0, noise=2.0), "grows", id="a leak"),
        pytest.param(readings(3.0, noise=60.0), "cannot tell", id="a leak that noise could hide"),
    ],
)
def test_a_leak_is_told_from_noise_and_from_a_start(sizes: list[float], word: str) -> None:
    """What settles, wavers or shrinks does not grow; what noise could have made is not called a pass."""
    assert growth(SECONDS, sizes).word == word


def test_a_slope_is_in_bytes_a_minute() -> None:
    """A leak of 3 MiB a minute is found as one, whatever a reading in twenty says."""
    sizes = readings(3.0)
    sizes[::20] = [0.0] * len(sizes[::20])
    found = growth(SECONDS, sizes)
    assert found.slope == pytest.approx(3 * MIB, rel=0.05)
    assert found.minutes == pytest.approx(9, abs=0.1)


def test_a_soak_that_ended_early_is_no_pass() -> None:
    """Readings of the first minute alone say nothing."""
    found = growth(SECONDS[:30], readings(0.0)[:30])
    assert (found.word, found.slope) == ("too few readings", None)
    assert sentence("host memory", found) == "host memory: too few readings (0)"


def test_a_sentence_names_slope_interval_and_length() -> None:
    """Whoever reads it can tell how sure it is."""
    said = sentence("device memory", growth(SECONDS, readings(3.0)))
    assert said.startswith("device memory grows: +3.000 MiB a minute (95 %: +3.000 to +3.000) over 9.0 minutes")
