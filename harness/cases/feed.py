"""Feeds: what goes into a model's inputs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import ConfigurationError, ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cases.profile import Point, TensorSpec


@dataclass(frozen=True)
class Normal:
    """Independent Gaussian elements."""

    mean: float = 0.0
    deviation: float = 1.0

    def __post_init__(self) -> None:
        if not self.deviation >= 0:
            raise ConfigurationError(f"a deviation is 0 or more, not {self.deviation!r}")


@dataclass(frozen=True)
class Uniform:
    """Independent elements, uniform in [low, high)."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)


@dataclass(frozen=True)
class Integers:
    """Independent whole numbers, uniform in [low, high)."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)


Feed = Normal | Uniform | Integers


def feed_to_json(feed: Feed) -> dict[str, Any]:
    """Return a feed as plain data."""
    return {"kind": type(feed).__name__, **vars(feed)}


def feed_from_json(data: Mapping[str, Any]) -> Feed:
    """Make a feed from what ``feed_to_json`` returned."""
    kinds: dict[str, type[Feed]] = {kind.__name__: kind for kind in (Normal, Uniform, Integers)}
    return kinds[data["kind"]](**{name: value for name, value in data.items() if name != "kind"})


def make_inputs(
    specs: Sequence[TensorSpec], feeds: Mapping[str, Feed], point: Point, *, seed: str = ""
) -> dict[str, np.ndarray]:
    """Make one batch of inputs for ``specs`` at ``point``, the same bytes each time for the same arguments.

    Args:
        specs: the graph's inputs.
        feeds: how to fill each of them, by name; where one is missing, floats are Gaussian, whole numbers are 0 or 1.
        point: a size for each free dimension.
        seed: any text; another text gives other numbers.

    Returns:
        Arrays by input name, each with the dtype and the shape (at ``point``) of its spec.

    Raises:
        ProfileError: ``point`` has no size for a free dimension.
        ModelError: an input is of a type that cannot be invented.
    """
    return {spec.name: _fill(spec, feeds.get(spec.name), point, seed) for spec in specs}


def _fill(spec: TensorSpec, feed: Feed | None, point: Point, seed: str) -> np.ndarray:
    shape = spec.at(point)
    digest = hashlib.sha256(f"{seed}|{spec.name}|{point.label}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    try:
        dtype = np.dtype(spec.dtype)
    except TypeError:
        raise ModelError(f"input {spec.name!r} is of type {spec.dtype}, which numpy cannot hold") from None
    if feed is None:
        feed = Normal() if dtype.kind == "f" else Integers(0, 2)
    if dtype.kind not in "fiub":
        raise ModelError(f"input {spec.name!r} is of type {spec.dtype}; only numbers and booleans can be invented")
    values: np.ndarray
    if isinstance(feed, Normal):
        values = generator.normal(feed.mean, feed.deviation, shape)
    elif isinstance(feed, Uniform):
        values = generator.uniform(feed.low, feed.high, shape)
    else:
        values = generator.integers(feed.low, feed.high, shape)
    return values.astype(dtype)


def _check_range(low: float, high: float) -> None:
    if not low < high:
        raise ConfigurationError(f"a feed draws from [low, high), so low < high: not low={low!r} high={high!r}")
