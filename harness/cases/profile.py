"""Shapes: what the inputs declare, the ranges an engine is built for, and the points it is run at."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import ProfileError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class TensorSpec:
    """An input or output as a graph declares it.

    Attributes:
        name: the tensor's name.
        dtype: numpy's name of its element type, e.g. ``float32``.
        shape: one entry per dimension: a size, or the symbol of a free dimension, e.g. ``("batch", 3, 224, 224)``.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The free dimensions' symbols, in order and without repeats."""
        return tuple(dict.fromkeys(d for d in self.shape if isinstance(d, str)))

    def at(self, point: Point) -> tuple[int, ...]:
        """Return the shape with every free dimension filled in from ``point``.

        Raises:
            ProfileError: a free dimension has no value in ``point``.
        """
        sizes = dict(point.sizes)
        missing = [symbol for symbol in self.symbols if symbol not in sizes]
        if missing:
            raise ProfileError(
                f"input {self.name!r} has the free dimension {missing[0]!r}, for which the point {point.label!r} gives "
                f"no size. Give one: --shape {self.name}:{'x'.join(str(d) for d in self.shape)} with numbers in place "
                f"of names, or an axis {missing[0]!r} in the model's profile."
            )
        return tuple(sizes[d] if isinstance(d, str) else d for d in self.shape)


def specs_to_json(specs: Sequence[TensorSpec]) -> list[list[Any]]:
    """Return specs as plain data."""
    return [[spec.name, spec.dtype, list(spec.shape)] for spec in specs]


def specs_from_json(data: Sequence[Sequence[Any]]) -> tuple[TensorSpec, ...]:
    """Make specs from what ``specs_to_json`` returned."""
    return tuple(TensorSpec(name, dtype, tuple(shape)) for name, dtype, shape in data)


@dataclass(frozen=True)
class AxisRange:
    """The sizes of one free dimension that an engine is built for: smallest, the one it is tuned for, largest."""

    min: int
    opt: int
    max: int

    def __post_init__(self) -> None:
        if not 1 <= self.min <= self.opt <= self.max:
            raise ProfileError(
                f"an axis needs 1 <= min <= opt <= max, but this one has min={self.min} opt={self.opt} max={self.max}"
            )

    @property
    def label(self) -> str:
        """``1x4x16``, or ``4`` where all three are the same."""
        return str(self.opt) if self.min == self.max else f"{self.min}x{self.opt}x{self.max}"


@dataclass(frozen=True)
class Point:
    """One size for each free dimension: a shape at which an engine is run."""

    sizes: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, sizes: Mapping[str, int]) -> Point:
        """Make a point from ``{symbol: size}``."""
        return cls(tuple(sizes.items()))

    @property
    def label(self) -> str:
        """``batch=4,sequence=128``, or ``static`` where nothing is free."""
        return ",".join(f"{symbol}={size}" for symbol, size in self.sizes) or "static"

    @property
    def volume(self) -> int:
        """The product of its sizes: the order in which points are called small or large."""
        product = 1
        for _, size in self.sizes:
            product *= size
        return product

    def size(self, symbol: str, default: int = 1) -> int:
        """Return the size of ``symbol``, or ``default`` where this point does not have it."""
        return dict(self.sizes).get(symbol, default)


@dataclass(frozen=True)
class Profile:
    """Named ranges of the free dimensions, and the points at which the engine is run.

    Args:
        axes: range of each free dimension; a triple ``(min, opt, max)`` or a single size will do.
        points: ``{symbol: size}`` for each point; by default the three corners min, opt and max.
        name: by default made from the axes, e.g. ``batch1x4x16``; ``static`` without axes.

    Raises:
        ProfileError: a range is out of order, or a point is outside its range or names other axes.
    """

    axes: Mapping[str, AxisRange] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    name: str = ""

    def __init__(
        self,
        axes: Mapping[str, AxisRange | tuple[int, int, int] | int] | None = None,
        points: Sequence[Point | Mapping[str, int]] = (),
        name: str = "",
    ) -> None:
        ranges = {symbol: _axis_range(symbol, value) for symbol, value in (axes or {}).items()}
        chosen = [point if isinstance(point, Point) else Point.of(point) for point in points]
        object.__setattr__(self, "axes", ranges)
        object.__setattr__(self, "name", name or "-".join(f"{s}{r.label}" for s, r in ranges.items()) or "static")
        checked = dict.fromkeys(self._checked(point) for point in chosen)
        object.__setattr__(self, "points", tuple(checked) or _corners(ranges))

    def _checked(self, point: Point) -> Point:
        """Return ``point`` with its sizes in the order of the axes, so that one place has one label."""
        for symbol in self.axes:
            if symbol not in dict(point.sizes):
                raise ProfileError(f"profile {self.name!r}: the point {point.label!r} gives no size for {symbol!r}")
        for symbol, size in point.sizes:
            if symbol not in self.axes:
                raise ProfileError(f"profile {self.name!r}: {unknown_value('axis of it', symbol, self.axes)}")
            allowed = self.axes[symbol]
            if not allowed.min <= size <= allowed.max:
                raise ProfileError(
                    f"profile {self.name!r}: the point {point.label!r} is outside {symbol}={allowed.label} "
                    f"(min {allowed.min}, max {allowed.max})"
                )
        return Point(tuple((symbol, point.size(symbol)) for symbol in self.axes))

    @property
    def smallest(self) -> Point:
        """The point with the fewest elements: where every layer is compared."""
        return min(self.points, key=lambda point: point.volume)

    def corner(self, which: str) -> Point:
        """Return the ``min``, ``opt`` or ``max`` of every axis as one point."""
        return Point(tuple((symbol, getattr(r, which)) for symbol, r in self.axes.items()))

    def nearest_to_opt(self, points: Sequence[Point]) -> Point:
        """Return that of ``points`` which is nearest to what the engine is tuned for, by the ratio of their volumes."""
        tuned = math.log(self.corner("opt").volume)
        return min(points, key=lambda point: abs(math.log(point.volume) - tuned))

    def check_against(self, inputs: Sequence[TensorSpec]) -> None:
        """Raise ProfileError unless the axes are exactly the free dimensions of ``inputs``."""
        free = {symbol: spec for spec in inputs for symbol in spec.symbols}
        for symbol in self.axes:
            if symbol not in free:
                raise ProfileError(
                    f"profile {self.name!r}: {unknown_value('free dimension of the graph', symbol, free)}"
                )
        for symbol, spec in free.items():
            if symbol not in self.axes:
                shape = "x".join(str(d) for d in spec.shape)
                raise ProfileError(
                    f"input {spec.name!r} has shape {shape}, and profile {self.name!r} gives no range for its free "
                    f"dimension {symbol!r}. Give one: --shape {spec.name}:{shape} with numbers in place of names, or "
                    f"an axis {symbol!r} in the model's profile."
                )

    def to_json(self) -> dict[str, Any]:
        """Return the profile as plain data."""
        return {
            "name": self.name,
            "axes": {symbol: [r.min, r.opt, r.max] for symbol, r in self.axes.items()},
            "points": [dict(point.sizes) for point in self.points],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Profile:
        """Make a profile from what ``to_json`` returned."""
        return cls({symbol: tuple(r) for symbol, r in data["axes"].items()}, data["points"], data["name"])

    def __hash__(self) -> int:
        return hash((tuple(self.axes.items()), self.points, self.name))


def _axis_range(symbol: str, value: AxisRange | tuple[int, int, int] | int) -> AxisRange:
    if isinstance(value, AxisRange):
        return value
    try:
        return AxisRange(value, value, value) if isinstance(value, int) else AxisRange(*value)
    except ProfileError as error:
        raise ProfileError(f"axis {symbol!r}: {error}") from None
    except TypeError:
        raise ProfileError(f"axis {symbol!r} needs (min, opt, max) or one size, not {value!r}") from None


def _corners(axes: Mapping[str, AxisRange]) -> tuple[Point, ...]:
    corners = (Point(tuple((s, getattr(r, which)) for s, r in axes.items())) for which in ("min", "opt", "max"))
    return tuple(dict.fromkeys(corners))
