"""The tensors of an operator case in one file: inputs and outputs by name, as numpy keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_INPUT, _OUTPUT = "input:", "output:"


def save_case(file: Path, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> None:
    """Write the tensors of a case; arrays of any shape whose number types numpy itself has."""
    named = {f"{_INPUT}{name}": array for name, array in inputs.items()}
    named |= {f"{_OUTPUT}{name}": array for name, array in outputs.items()}
    with file.open("wb") as stream:
        np.savez(stream, **named)  # type: ignore[arg-type]


def load_case(file: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the inputs and the outputs of a case, in the order in which they were written."""
    with np.load(file, allow_pickle=False) as stored:
        inputs, outputs = (
            {key.removeprefix(prefix): stored[key] for key in stored.files if key.startswith(prefix)}
            for prefix in (_INPUT, _OUTPUT)
        )
    return inputs, outputs
