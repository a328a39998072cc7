"""Shapes as the shell gives them: from ``--shape NAME:SHAPE`` to a profile, checked against the graph's inputs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cases import AxisRange, Profile
from harness.errors import ProfileError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.cases import TensorSpec

_FORMS = "NAME:1x3x224x224, or NAME:MIN,OPT,MAX with a shape like 1x3x224x224 for each"
_CORNERS = ("min", "opt", "max")
# A profile's name becomes part of file names, which end at 255 bytes, and symbols may be any text.
_LONGEST_NAME = 60
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class ShapeOption:
    """One ``--shape``.

    Attributes:
        name: the input's name.
        shapes: its smallest shape, the one to tune for, and its largest; three times the same where one was given.
    """

    name: str
    shapes: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    @classmethod
    def parse(cls, text: str) -> ShapeOption:
        """Read ``NAME:1x3x224x224`` or ``NAME:MIN,OPT,MAX``; a name may hold colons itself.

        Raises:
            ProfileError: it is not of that form.
        """
        name, colon, given = text.rpartition(":")
        if not (name and colon and given):
            raise ProfileError(f"--shape takes {_FORMS}, not {text!r}")
        shapes = [_shape(part, text) for part in given.split(",")]
        if len(shapes) == 1:
            shapes *= 3
        if len(shapes) != 3:
            raise ProfileError(f"--shape {text}: {len(shapes)} shapes were given; it takes one, or three: {_FORMS}")
        if len({len(shape) for shape in shapes}) > 1:
            raise ProfileError(f"--shape {text}: min, opt and max must have equally many dimensions")
        return cls(name, (shapes[0], shapes[1], shapes[2]))


def profile_of(inputs: Sequence[TensorSpec], options: Iterable[ShapeOption]) -> Profile:
    """Return the profile of the axes that ``options`` give to the free dimensions of ``inputs``.

    Axes are keyed by symbol, so a symbol that several inputs share has one range.

    Raises:
        ProfileError: an input is unknown or given twice, a shape has another number of dimensions than its input or
            another size than a fixed dimension, a range is out of order, two inputs contradict each other, or a free
            dimension has no size.
    """
    given: dict[str, ShapeOption] = {}
    known = {spec.name for spec in inputs}
    for option in options:
        if option.name not in known:
            raise ProfileError(f"--shape {option.name}: {unknown_value('input of the graph', option.name, known)}")
        if option.name in given:
            raise ProfileError(f"--shape {option.name} was given twice; give min, opt and max in one: {_FORMS}")
        given[option.name] = option
    axes: dict[str, AxisRange] = {}
    sources: dict[str, str] = {}
    for spec in inputs:
        if spec.name in given:
            for symbol, axis in _axes_of(spec, given[spec.name]).items():
                if axes.setdefault(symbol, axis) != axis:
                    raise ProfileError(
                        f"the free dimension {symbol!r} is {_range_text(axes[symbol])} in input {sources[symbol]!r} "
                        f"but {_range_text(axis)} in input {spec.name!r}; it is one dimension, so give the same sizes"
                    )
                sources.setdefault(symbol, spec.name)
    _demand_all(inputs, axes)
    return Profile(axes, name=_file_name(Profile(axes).name))


def batch_axis_of(inputs: Sequence[TensorSpec]) -> str | None:
    """Return the symbol of the first input's first dimension, which by custom holds samples; None where it is fixed."""
    first = inputs[0].shape[:1] if inputs else ()
    return next((dimension for dimension in first if isinstance(dimension, str)), None)


def _shape(part: str, text: str) -> tuple[int, ...]:
    sizes = part.split("x")
    wrong = [size for size in sizes if not (size.isascii() and size.isdigit() and int(size) > 0)]
    if wrong:
        raise ProfileError(f"--shape {text}: {wrong[0]!r} is no size of 1 or more. It takes {_FORMS}")
    return tuple(int(size) for size in sizes)


def _axes_of(spec: TensorSpec, option: ShapeOption) -> dict[str, AxisRange]:
    declared = _shape_text(spec.shape)
    if len(option.shapes[0]) != len(spec.shape):
        raise ProfileError(
            f"--shape {spec.name}:{_shape_text(option.shapes[0])} has {len(option.shapes[0])} dimensions, but input "
            f"{spec.name!r} has {len(spec.shape)}: {declared or 'it is a single number'}"
        )
    axes: dict[str, AxisRange] = {}
    for position, dimension in enumerate(spec.shape):
        sizes = tuple(shape[position] for shape in option.shapes)
        if isinstance(dimension, int):
            for size in sizes:
                if size != dimension:
                    raise ProfileError(
                        f"--shape {spec.name}: dimension {position} of this input is fixed at {dimension}, and {size} "
                        f"was given; its shape is {declared}"
                    )
            continue
        axis = _axis(spec, dimension, sizes)
        if axes.setdefault(dimension, axis) != axis:
            raise ProfileError(
                f"--shape {spec.name}: {dimension!r} stands twice in {declared}, so it must be given the same sizes"
            )
    return axes


def _axis(spec: TensorSpec, symbol: str, sizes: tuple[int, ...]) -> AxisRange:
    for (low, smaller), (high, larger) in zip(
        zip(_CORNERS, sizes, strict=True), zip(_CORNERS[1:], sizes[1:], strict=True), strict=False
    ):
        if smaller > larger:
            raise ProfileError(
                f"--shape {spec.name}: the {low} of dimension {symbol!r} is {smaller}, which is more than its {high}, "
                f"{larger}; give min, opt and max in this order"
            )
    return AxisRange(*sizes)


def _demand_all(inputs: Sequence[TensorSpec], axes: Mapping[str, AxisRange]) -> None:
    for spec in inputs:
        for symbol in spec.symbols:
            if symbol not in axes:
                low, usual, high = (
                    _shape_text(s if isinstance(s, int) else size for s in spec.shape) for size in (1, 4, 8)
                )
                raise ProfileError(
                    f"input {spec.name!r} has the free dimension {symbol!r} (its shape is {_shape_text(spec.shape)}). "
                    f"Give it a size: --shape {spec.name}:{low}, or a smallest, a usual and a largest one: "
                    f"--shape {spec.name}:{low},{usual},{high}"
                )


def _range_text(axis: AxisRange) -> str:
    return str(axis.opt) if axis.min == axis.max else f"{axis.min} to {axis.max} (opt {axis.opt})"


def _shape_text(shape: Iterable[int | str]) -> str:
    return "x".join(str(size) for size in shape)


def _file_name(name: str) -> str:
    clean = _NOT_IN_FILE_NAMES.sub("_", name)
    if len(clean) <= _LONGEST_NAME:
        return clean
    return f"{clean[: _LONGEST_NAME - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
