from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.operators.case_files import load_case, save_case

if TYPE_CHECKING:
    from pathlib import Path


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    """Names, order, number types and shapes are kept, for inputs and outputs apart."""
    inputs = {"x": np.float16([1, np.inf]), "a/b": np.array(True), "x:0": np.zeros((0, 2), np.int64)}
    outputs = {"y": np.uint8([[3]]), "x": np.float64(2.5)}
    save_case(tmp_path / "case.npz", inputs, outputs)
    stored = load_case(tmp_path / "case.npz")
    for before, after in zip((inputs, outputs), stored, strict=True):
        assert list(before) == list(after)
        for name, array in before.items():
            assert (after[name].dtype, after[name].shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(after[name], array)
