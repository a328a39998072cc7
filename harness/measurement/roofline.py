"""The roofline: the least time that a board needs for a given amount of work.

S. Williams, A. Waterman, D. Patterson, "Roofline: An Insightful Visual Performance Model for Multicore Architectures",
Communications of the ACM 52 (4), 2009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.cases.boards import TYPE_BYTES
from harness.errors import Unsupported, unknown_value

if TYPE_CHECKING:
    from harness.cases.boards import Board, NumberType


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """The least time of one run on one board.

    Attributes:
        compute_ms: multiply-adds at the board's peak rate.
        memory_ms: bytes at the board's bandwidth.
    """

    compute_ms: float
    memory_ms: float

    @property
    def milliseconds(self) -> float:
        """The longer of the two, since they can overlap."""
        return max(self.compute_ms, self.memory_ms)

    @property
    def bound(self) -> Literal["compute", "memory"]:
        """What keeps the run from being shorter."""
        return "compute" if self.compute_ms >= self.memory_ms else "memory"


def bytes_moved(*, weights: int, input_bytes: int, output_bytes: int, number_type: NumberType) -> int:
    """Return the bytes that one run moves at least: each weight, input and output once, inner tensors never.

    Args:
        weights: how many numbers; each is taken to be stored in ``number_type``.
        input_bytes: of the inputs, as they are fed.
        output_bytes: of the outputs, as they are given back.
        number_type: what the engine computes in.
    """
    return weights * TYPE_BYTES[number_type] + input_bytes + output_bytes


def roofline(board: Board, number_type: NumberType, *, multiply_adds: int, moved: int) -> Roofline:
    """Return the least time of one run.

    It is a bound for engines that read their weights from memory, at the clocks of the data sheet. One whose weights
    stay in the cache from run to run can be faster than ``memory_ms``, a board that boosts higher than ``compute_ms``.

    Args:
        board: what it runs on.
        number_type: what the engine computes in; an engine in several types is bounded by the fastest.
        multiply_adds: of one run, each two operations.
        moved: bytes of one run.

    Raises:
        Unsupported: the board does not compute in ``number_type``.
    """
    peak = board.peaks.get(number_type)
    if peak is None:
        raise Unsupported(f"{board.title}: {unknown_value('number type of its arithmetic', number_type, board.peaks)}")
    return Roofline(compute_ms=2e3 * multiply_adds / (peak * 1e12), memory_ms=1e3 * moved / (board.bandwidth * 1e9))


def distance(latency_ms: float, roofline_ms: float) -> float:
    """Return how many times as long as the roofline a run took: 1.0 is perfect, 10 leaves nine tenths unused.

    Args:
        latency_ms: measured, of the GPU's work alone; copies from and to the host are no part of the roofline.
        roofline_ms: ``Roofline.milliseconds``; a graph that costs nothing has no roofline, and no distance from it.

    Raises:
        ValueError: ``roofline_ms`` is not above 0.
    """
    if not roofline_ms > 0:
        raise ValueError(f"a roofline is a time above 0 ms, not {roofline_ms!r}")
    return latency_ms / roofline_ms
