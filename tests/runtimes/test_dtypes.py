from __future__ import annotations

import numpy as np
import pytest

from harness.runtimes.dtypes import dtype_named


def test_types_beyond_numpy_are_those_of_ml_dtypes() -> None:
    """bfloat16 arrays have two bytes an element."""
    assert dtype_named("float16") == np.float16
    assert dtype_named("bfloat16").itemsize == 2


def test_a_type_that_nobody_has_is_an_error() -> None:
    """A name that is in neither package is named in the error."""
    with pytest.raises(AttributeError, match="float17"):
        dtype_named("float17")
