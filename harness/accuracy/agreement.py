"""Whether a second computation of the same FP32 graph may stand for the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.accuracy.chunks import holds_real_numbers
from harness.accuracy.metrics import compare_tensors
from harness.errors import ReferenceDisagrees

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

# FP32 rounds to u = 2⁻²⁴, which is 144 dB. A sum of n products in another order differs by about √n·u (Higham and Mary,
# "A new approach to probabilistic rounding error analysis", SIAM J. Sci. Comput. 41, 2019): 108 dB for the 4608
# products of a 3×3 convolution over 512 channels, 88 dB behind a hundred of those. TF32, whose u is 2⁻¹¹, allows 66 dB
# at best.
LEAST_SQNR_DB = 80.0


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How near two computations are.

    Attributes:
        tensors: how many were compared.
        worst: the one with the smallest ratio of signal to difference; empty where none was compared.
        sqnr_db: that ratio in dB; infinite where nothing differs.
    """

    tensors: int
    worst: str
    sqnr_db: float


def agreement_of(actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> Agreement:
    """Compare every tensor of numbers that ``expected`` has.

    Raises:
        ReferenceDisagrees: ``actual`` lacks one, or has it in another shape, or one is below ``LEAST_SQNR_DB``, or is
            not a number where the other is.
    """
    worst, least, count = "", float("inf"), 0
    for name, array in expected.items():
        if not holds_real_numbers(array.dtype):
            continue
        if name not in actual or actual[name].shape != array.shape:
            found = f"has shape {list(actual[name].shape)}" if name in actual else "is not there"
            raise ReferenceDisagrees(f"the tensor {name!r} {found}, and has shape {list(array.shape)} on the CPU")
        error = compare_tensors(actual[name], array)
        count += 1
        if error.sqnr_db < LEAST_SQNR_DB or error.mismatched_nonfinite:
            raise ReferenceDisagrees(
                f"the tensor {name!r} is not what the CPU makes of it: {error}; FP32 in another order of summation "
                f"stays above {LEAST_SQNR_DB:g} dB"
            )
        if error.sqnr_db <= least:
            worst, least = name, error.sqnr_db
    return Agreement(tensors=count, worst=worst, sqnr_db=least)
