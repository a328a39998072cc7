from __future__ import annotations

import pytest

from harness.cases.boards import Board, board_of_gpu
from harness.errors import Unsupported
from harness.measurement.roofline import Roofline, bytes_moved, distance, roofline

BOARD = Board(title="round", words=("round",), capability=(8, 0), memory=1, bandwidth=1000,
              peaks={"fp32": 10, "fp16": 100})  # fmt: skip


@pytest.mark.parametrize(
    ("multiply_adds", "moved", "number_type", "milliseconds", "bound"),
    [
        pytest.param(5_000_000_000, 1000, "fp32", 1.0, "compute", id="ten tera-operations a second, ten giga of them"),
        pytest.param(5_000_000_000, 1000, "fp16", 0.1, "compute", id="ten times the rate, a tenth of the time"),
        pytest.param(1000, 1_000_000_000, "fp16", 1.0, "memory", id="a terabyte a second, a gigabyte"),
        pytest.param(5_000_000_000, 1_000_000_000, "fp32", 1.0, "compute", id="both at once overlap"),
        pytest.param(0, 0, "fp32", 0.0, "compute", id="nothing takes no time"),
    ],
)
def test_the_roofline_is_the_longer_of_two_times(
    multiply_adds: int, moved: int, number_type: str, milliseconds: float, bound: str
) -> None:
    """A multiply-add is two operations; rates are in 10¹² a second, bandwidth in 10⁹ bytes a second."""
    roof = roofline(BOARD, number_type, multiply_adds=multiply_adds, moved=moved)  # type: ignore[arg-type]
    assert roof.milliseconds == pytest.approx(milliseconds, rel=1e-3)
    assert roof.bound == bound


def test_a_known_network_on_a_known_board() -> None:
    """ResNet-50 at batch 1 in FP16 on an H200: 8.2 GFLOP at 989.5 TFLOP/s, 52 MB at 4.8 TB/s."""
    board = board_of_gpu("NVIDIA H200")
    assert board is not None
    moved = bytes_moved(weights=25_600_000, input_bytes=602_112, output_bytes=4_000, number_type="fp16")
    assert moved == 51_806_112
    roof = roofline(board, "fp16", multiply_adds=4_100_000_000, moved=moved)
    assert roof.compute_ms == pytest.approx(8.2 / 989.5, rel=1e-6)
    assert roof.memory_ms == pytest.approx(0.010793, rel=1e-4)
    assert roof.bound == "memory"


def test_a_type_that_the_board_lacks_has_no_roofline() -> None:
    """There is no rate to divide by, and the reason lists those that there are."""
    with pytest.raises(Unsupported, match=r"round: 'bf16' is no number type.*fp16, fp32"):
        roofline(BOARD, "bf16", multiply_adds=1, moved=1)


def test_distance_is_a_ratio() -> None:
    """A run that takes twice its roofline is at 2."""
    assert distance(0.5, Roofline(compute_ms=0.25, memory_ms=0.1).milliseconds) == 2.0


@pytest.mark.parametrize("roof", [0.0, -1.0, float("nan")])
def test_there_is_no_distance_from_no_roofline(roof: float) -> None:
    """A graph that costs nothing is no perfect engine."""
    with pytest.raises(ValueError, match="above 0"):
        distance(1.0, roof)
