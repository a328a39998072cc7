"""Otava, which is not installed beside this project."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks.detection.rivals import otava
from harness.errors import ConfigurationError


@pytest.mark.parametrize(
    ("python", "message"),
    [
        pytest.param(sys.executable, "No module named 'otava'; install it there", id="no Otava there"),
        pytest.param(
            "/no/such/python", "No such file or directory: '/no/such/python'; install it", id="no interpreter"
        ),
    ],
)
def test_interpreter_without_otava_is_named(python: str, message: str) -> None:
    """Asking for Otava where it cannot run ends in a sentence that says where, why and what to do."""
    with pytest.raises(ConfigurationError, match=message):
        otava.change_points(python, np.ones((1, 5)))
