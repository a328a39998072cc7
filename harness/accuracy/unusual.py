"""What an engine makes of inputs that no model is trained on: zeros, huge numbers, NaN.

Two answers are known. The *reference* is what the FP32 graph makes of the input on the CPU, and the *oracle* what the
graph of the engine's own recipe makes of it there, with each float16 tensor rounded to float16. The engine may round as
the recipe does, and it may lose what the recipe loses; it must not lose more.

- NaN and Inf must stay: where reference and oracle are not finite, the engine must not be either. Which of NaN and Inf
  it is depends on the order of a sum, so it is not asked. That also holds for an input that holds nothing but NaN, and
  an engine that makes numbers of it hides broken data from whoever reads them. A recipe that itself makes numbers of
  NaN, as eight bits must, excuses its engine.
- Numbers must stay numbers: where the reference is finite the engine must be. Of huge inputs, only where the oracle is
  finite, too: half precision ends at 65504, and whether a sum that passes it on the way overflows depends on the width
  in which it is added up. Of NaN and Inf nothing like it is asked: kernels that work on tiles spread them.
- Numbers must be the right ones: within a share of the largest magnitude, on this input or on ordinary ones, of the
  oracle's value, or of the reference's where the oracle has none. Of huge inputs that is not asked either: before a
  sigmoid or a softmax even FP32 rounds thousands by more than those let through unseen.

Only outputs of floats are judged: which of several equal scores comes first means nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.accuracy.chunks import holds_real_numbers, largest_magnitude

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.cases.precision import Recipe

# By how much of the largest magnitude a value may be off, by recipe: ten times what the same input may differ by in
# another batch (INVARIANCE_LIMITS), and more for eight bits. On an input without variation roundings do not average
# out, and what saturates does so a step earlier or later; what is looked for here is another number altogether.
UNUSUAL_LIMITS: Mapping[Recipe, float] = MappingProxyType(
    {
        "fp32": 1e-3,
        "tf32": 5e-2,
        "fp16": 5e-2,
        "bf16": 0.2,
        "int8": 0.25,
        "fp16-flags": 5e-2,
        "int8-calibrator": 0.25,
    }
)
_NOT_FINITE = ("nan", "infinite")


@dataclass(frozen=True, kw_only=True)
class UnusualJudgement:
    """What became of one output on one unusual input.

    Attributes:
        outcome: ``left out`` where neither answer demands anything.
        sentence: what was found, without the names of input and output.
    """

    outcome: Literal["passed", "failed", "left out"]
    sentence: str


def judge_unusual(
    kind: str,
    actual: np.ndarray,
    oracle: np.ndarray,
    reference: np.ndarray,
    *,
    ordinary: float,
    allowed: float,
) -> UnusualJudgement:
    """Hold one output on one unusual input against what is known of it.

    Args:
        kind: one of harness.cases.invariance.UNUSUAL.
        actual: what the engine makes of it; any dtype.
        oracle: what the recipe's own graph makes of it on the CPU, of the same shape.
        reference: what the FP32 graph makes of it there, of the same shape.
        ordinary: largest magnitude of the output on ordinary inputs, in its unit.
        allowed: largest difference, as a share of the largest magnitude; see ``UNUSUAL_LIMITS``.
    """
    if not _holds_floats(actual):
        return _left_out("it holds no floats")
    if not actual.shape == oracle.shape == reference.shape:
        shapes = ", ".join(f"{list(array.shape)}" for array in (actual, oracle, reference))
        return _failed(f"engine, recipe and FP32 give other shapes: {shapes}")
    ours, recipes, plain = (np.asarray(array, np.float64) for array in (actual, oracle, reference))
    hopeless = ~np.isfinite(recipes) & ~np.isfinite(plain)
    swallowed = hopeless & np.isfinite(ours)
    if swallowed.any():
        at = _first(swallowed)
        return _failed(f"{ours[at]:.7g} came out where FP32 has {plain[at]}, at {_text(at)}", swallowed)
    if kind in _NOT_FINITE:
        if hopeless.any():
            return UnusualJudgement(outcome="passed", sentence="what is no number stayed none")
        return _left_out(f"{'FP32' if np.isfinite(plain).all() else 'the recipe'} itself makes numbers of it")
    demanded = np.isfinite(plain) & (np.isfinite(recipes) | (kind != "huge"))
    expected = np.where(np.isfinite(recipes), recipes, plain)
    share = math.inf if kind == "huge" else allowed
    return _judge_numbers(ours, expected, demanded, ordinary=ordinary, allowed=share)


def _judge_numbers(
    ours: np.ndarray, expected: np.ndarray, demanded: np.ndarray, *, ordinary: float, allowed: float
) -> UnusualJudgement:
    """Hold ``ours`` against ``expected`` where it is ``demanded``."""
    if not demanded.any():
        return _left_out("FP32 or the recipe itself overflows on it")
    lost = demanded & ~np.isfinite(ours)
    if lost.any():
        at = _first(lost)
        return _failed(f"{ours[at]} came out instead of {expected[at]:.7g} at {_text(at)}", lost)
    with np.errstate(invalid="ignore"):  # of infinities, which nothing is demanded of
        difference = np.where(demanded, np.abs(ours - expected), 0.0)
    scale = max(largest_magnitude(expected[demanded]), ordinary)
    limit = allowed * scale if scale else 0.0
    worst = np.unravel_index(int(difference.argmax()), difference.shape)
    if difference[worst] > limit:
        found = f"{ours[worst]:.7g} came out instead of {expected[worst]:.7g} at {_text(worst)}"
        return _failed(f"{found}, and {limit:.3g} is how far they may be apart", difference > limit)
    return UnusualJudgement(outcome="passed", sentence=f"finite, and within {difference[worst]:.3g} of what is known")


def _holds_floats(array: np.ndarray) -> bool:
    # bfloat16 is of a kind of its own to numpy.
    return array.dtype.kind not in "iub" and holds_real_numbers(array.dtype)


def _left_out(sentence: str) -> UnusualJudgement:
    return UnusualJudgement(outcome="left out", sentence=sentence)


def _failed(sentence: str, wrong: np.ndarray | None = None) -> UnusualJudgement:
    if wrong is not None:
        sentence += f" (elements in all: {int(np.count_nonzero(wrong))} of {wrong.size})"
    return UnusualJudgement(outcome="failed", sentence=sentence)


def _first(wrong: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(wrong)[0])


def _text(index: tuple[np.intp, ...] | tuple[int, ...]) -> str:
    return str([int(i) for i in index])
