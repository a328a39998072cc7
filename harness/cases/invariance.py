"""Invariances: what must not change an engine's answer, and inputs whose answer must at least make sense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.cases.feed import make_inputs
from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.cases.feed import Feed
    from harness.cases.profile import Point, TensorSpec

# With what every float input is filled, by kind. ``huge`` is a tenth of what float16 holds, and ten thousand times what
# a model is fed: each recipe can take it in, and what becomes of it inside is what is asked. ``denormal`` is a fraction
# of the smallest normal number of the input's own type.
_HUGE = 6e3
_DENORMAL = 2.0**-3
UNUSUAL = ("zero", "constant", "denormal", "huge", "nan", "infinite")
# In the order in which they are looked at.
INVARIANCES = ("rows", "padding", "profiles", "repeats", "contexts", *UNUSUAL)
_RUNTIMES = ("onnxruntime", "onnxruntime-cuda", "tensorrt")


@dataclass(frozen=True, kw_only=True)
class Padding:
    """How sequences of a model are padded to a common length.

    Attributes:
        axis: the symbol of the free dimension that is padded.
        mask: the input that tells places that are meant from those that are padding; it has ``axis``.
        meant: what it says of the former.
        padded: what it says of the latter.
    """

    axis: str
    mask: str
    meant: int = 1
    padded: int = 0

    def __post_init__(self) -> None:
        if self.meant == self.padded:
            raise ConfigurationError(
                f"the mask {self.mask!r} says {self.meant} of what is meant and of padding, so it tells nothing apart"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the padding as plain data."""
        return dict(vars(self))


def check_exempt(model: str, exempt: Iterable[str]) -> None:
    """Raise ConfigurationError unless all that ``model`` is exempt from are invariances, perhaps of a runtime."""
    for entry in exempt:
        runtime, _, name = entry.rpartition(":")
        if name not in INVARIANCES:
            raise ConfigurationError(f"model {model!r}: {unknown_value('invariance', name, INVARIANCES)}")
        if ":" in entry and runtime not in _RUNTIMES:
            raise ConfigurationError(f"model {model!r}, {entry!r}: {unknown_value('runtime', runtime, _RUNTIMES)}")


def exempt_under(runtime: str, exempt: Mapping[str, str]) -> dict[str, str]:
    """Return what is not asked of a model under a runtime, with the reasons; what names no runtime is of all."""
    named = ((*entry.rpartition(":")[::2], reason) for entry, reason in exempt.items())
    return {name: reason for only, name, reason in named if only in ("", runtime)}


def make_unusual_inputs(
    kind: str, specs: Sequence[TensorSpec], feeds: Mapping[str, Feed], point: Point, *, seed: str = ""
) -> dict[str, np.ndarray]:
    """Make one batch of inputs at ``point`` whose floats are all one unusual number; others are as ``make_inputs`` has.

    Args:
        kind: one of ``UNUSUAL``: 0, 1, a subnormal number, 6000, NaN, or infinity.
        specs: the graph's inputs.
        feeds: how those that hold no floats are filled.
        point: a size for each free dimension.
        seed: see ``make_inputs``.

    Raises:
        ConfigurationError: there is no such kind.
        ProfileError: ``point`` has no size for a free dimension.
        ModelError: an input is of a type that cannot be invented.
    """
    if kind not in UNUSUAL:
        raise ConfigurationError(unknown_value("kind of unusual input", kind, UNUSUAL))
    ordinary = make_inputs(specs, feeds, point, seed=seed)
    return {
        name: np.full_like(array, _number(kind, array.dtype)) if array.dtype.kind == "f" else array
        for name, array in ordinary.items()
    }


def _number(kind: str, dtype: np.dtype) -> float:
    if kind == "denormal":
        return float(np.finfo(dtype).tiny) * _DENORMAL
    return {"zero": 0.0, "constant": 1.0, "huge": _HUGE, "nan": np.nan, "infinite": np.inf}[kind]
