"""The reference's layers at one point: kept and read whole, or a row of the batch at a time.

All layers of resnet50 take 150 MB for each image of a batch, and a comparison holds them twice. A row at a time, memory
stays that of one image whatever the batch. Fewer layers at a time would not do: each group of them runs the whole graph
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.accuracy.chunks import largest_magnitude
from harness.workers.tensors import (
    has_tensors,
    load_magnitudes,
    load_part,
    load_tensors,
    save_stacked,
    save_tensors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from harness.cases import TensorSpec
    from harness.runtimes.base import LayerReader


@dataclass(frozen=True)
class LayerPart:
    """Some rows of the batch.

    Attributes:
        inputs: of the model, by name.
        expected: the reference's inner tensors, by name.
    """

    inputs: Mapping[str, np.ndarray]
    expected: Mapping[str, np.ndarray]


class ReferenceLayers:
    """The layers under one point's folder, beside its ``inputs``, which must be there.

    Args:
        folder: of the point.
        specs: the model's inputs.
        rows_along: the symbol of the dimension that holds rows which do not depend on each other: with two or more of
            them each is a part of its own. None for a runtime to which every part is a build.
    """

    def __init__(self, folder: Path, specs: Sequence[TensorSpec], rows_along: str | None) -> None:
        self._inputs = load_tensors(folder / "inputs")
        self._axes = {spec.name: spec.shape.index(rows_along) for spec in specs if rows_along in spec.shape}
        sizes = {self._inputs[name].shape[axis] for name, axis in self._axes.items()}
        self._rows = sizes.pop() if len(sizes) == 1 else 1
        self._folder = folder / ("layer_rows" if self._rows > 1 else "layers")
        self._magnitudes: Mapping[str, float] | None = None

    @property
    def complete(self) -> bool:
        """Whether the layers are there."""
        return has_tensors(self._folder)

    def save(self, read: LayerReader) -> dict[str, np.ndarray] | None:
        """Run ``read`` on the inputs and keep the layers; return the final outputs where they were run whole."""
        if self._rows > 1:
            rows = range(self._rows)
            save_stacked(
                self._folder, (((name, array) for name, _, array in read(self._row(index))[1]) for index in rows)
            )
            return None
        finals, layers = read(self._inputs)
        save_tensors(self._folder, ((name, array) for name, _, array in layers))
        return finals

    def parts(self) -> Iterator[LayerPart]:
        """Yield the parts in order; what was mapped for one may be gone with it."""
        if self._rows > 1:
            for index in range(self._rows):
                yield LayerPart(self._row(index), load_part(self._folder, index))
        else:
            yield LayerPart(self._inputs, load_tensors(self._folder))

    def magnitude(self, name: str, expected: np.ndarray) -> float:
        """Return the largest finite magnitude of a tensor in all parts, of which ``expected`` is one."""
        if self._rows == 1:
            return largest_magnitude(expected)
        if self._magnitudes is None:
            self._magnitudes = load_magnitudes(self._folder)
        return self._magnitudes[name]

    def shape(self, part: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a tensor whose parts are of shape ``part``: rows first, in place of a size of 1."""
        if self._rows == 1:
            return part
        return (self._rows, *(part[1:] if part[:1] == (1,) else part))

    def _row(self, index: int) -> dict[str, np.ndarray]:
        return {
            name: array[(slice(None),) * self._axes[name] + (slice(index, index + 1),)] if name in self._axes else array
            for name, array in self._inputs.items()
        }
