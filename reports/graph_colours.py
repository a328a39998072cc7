"""What the boxes of a graph are coloured by: from values to classes of the style sheet, and what these mean.

The steps are round numbers, the same on every page, so that pages can be held against each other. Error and time have
one hue each, like those of the heat map of versions, deeper from step to step; and each box says its value in words, so
that nothing hangs on colour alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from reports import text
from reports.trials import measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Ratios of signal to error in dB below which a box is a step deeper, and shares of the time from which on.
_RATIOS = (80.0, 60.0, 40.0, 20.0)
_SHARES = (0.10, 0.05, 0.02, 0.01)
_TYPES = ("float32", "tf32", "float16", "bfloat16", "int8", "uint8", "float8_e4m3fn")


@dataclass(frozen=True)
class Shade:
    """How a box looks by one quantity: a class of the style sheet, empty where there is no value, and the value."""

    style: str = ""
    shown: str = ""


@dataclass(frozen=True)
class Colouring:
    """One quantity that boxes are coloured by: its key, its name, and (class, meaning) of each colour in use."""

    key: str
    label: str
    legend: tuple[tuple[str, str], ...]


def error_shade(ratio: float | None) -> Shade:
    """Return the shade of a ratio of signal to error in dB; +inf is exact, None not known."""
    if ratio is None:
        return Shade()
    step = 0 if ratio == math.inf else 1 + sum(ratio < limit for limit in _RATIOS)
    return Shade(f"e{step}", measured("sqnr_db", ratio))


def time_shade(share: float | None, *, joint: bool) -> Shade:
    """Return the shade of a share of the engine's time; ``joint`` if it is that of several nodes together."""
    if share is None:
        return Shade()
    step = 1 + sum(share >= limit for limit in _SHARES)
    return Shade(f"t{step}", f"{text.percent(share)}{' joint' if joint else ''}")


def type_shade(types: Iterable[str]) -> Shade:
    """Return the shade of the number types that a node is computed in."""
    names = sorted(set(types))
    if not names:
        return Shade()
    place = _TYPES.index(names[0]) if len(names) == 1 and names[0] in _TYPES else len(_TYPES)
    return Shade(f"n{place}", text.plain(", ".join(names), 24))


def colourings(boxes: Sequence[tuple[Shade, Shade, Shade]]) -> tuple[Colouring, ...]:
    """Return the quantities of which at least one box has a value, with the colours that are in use.

    Args:
        boxes: of each box the shades by error, time and number type.
    """
    errors = [("e0", "exact"), ("e1", f"{_RATIOS[0]:g} dB and more")]
    errors += [(f"e{step}", f"{low:g} to {high:g} dB") for step, (high, low) in enumerate(pairwise(_RATIOS), 2)]
    errors += [(f"e{len(_RATIOS) + 1}", f"below {_RATIOS[-1]:g} dB")]
    shares = [f"{100 * share:g}" for share in reversed(_SHARES)]
    times = [("t1", f"below {shares[0]} % of the engine's time")]
    times += [(f"t{step}", f"{low} to {high} %") for step, (low, high) in enumerate(pairwise(shares), 2)]
    times += [(f"t{len(_SHARES) + 1}", f"{shares[-1]} % and more")]
    types = sorted({(shades[2].style, shades[2].shown) for shades in boxes if shades[2].style})
    used = {shade.style for shades in boxes for shade in shades}
    found = [("error", "error", errors), ("time", "time", times), ("type", "number type", types)]
    in_use = [Colouring(key, label, tuple(each for each in own if each[0] in used)) for key, label, own in found]
    return tuple(colouring for colouring in in_use if colouring.legend)
