from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.errors import ReferenceDisagrees
from harness.workers.reference import compare_references
from harness.workers.tensors import save_stacked, save_tensors

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.random.default_rng(6).normal(size=(2, 4)).astype(np.float32)


def reference(folder: Path, *, layers: np.ndarray | None = None, rows: np.ndarray | None = None) -> Path:
    """Leave a point with an output, and with layers kept whole, by row, or both."""
    save_tensors(folder / "outputs", {"y": ROWS})
    if layers is not None:
        save_tensors(folder / "layers", {"x": layers})
    if rows is not None:
        save_stacked(folder / "layer_rows", ([("x", row[None])] for row in rows))
    return folder


@pytest.mark.parametrize("kept", ["layers", "rows"])
def test_layers_are_compared_as_both_sides_have_them(tmp_path: Path, kept: str) -> None:
    """A side that has its layers both whole and by row is compared in the way that the other has, too."""
    actual = reference(tmp_path / "gpu" / "point", **{kept: ROWS})
    expected = reference(tmp_path / "cpu" / "point", rows=ROWS, layers=ROWS)
    assert compare_references(actual, expected)["tensors"] == 2


def test_a_row_that_differs_is_a_disagreement(tmp_path: Path) -> None:
    """One wrong row of one layer is enough for a reference to be refused."""
    actual = reference(tmp_path / "gpu" / "point", rows=ROWS * np.array([[1.0], [1.01]], np.float32))
    expected = reference(tmp_path / "cpu" / "point", rows=ROWS)
    with pytest.raises(ReferenceDisagrees, match="'x' is not what the CPU makes of it"):
        compare_references(actual, expected)
