"""numpy's dtypes by name, those included that numpy alone does not have."""

from __future__ import annotations

import numpy as np


def dtype_named(name: str) -> np.dtype:
    """Return the dtype called ``name``, ml_dtypes' included.

    Raises:
        AttributeError: neither numpy nor ml_dtypes has it.
    """
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # onnx depends on it; numpy alone knows no bfloat16

        dtype: np.dtype = np.dtype(getattr(ml_dtypes, name))
        return dtype
