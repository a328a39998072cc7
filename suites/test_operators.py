"""What is demanded of every operator: run by ``pytest suites/ -m operators``, and by nothing less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.plugin_operators import OperatorItem

pytestmark = pytest.mark.operators


def test_operators(operator_case: OperatorItem) -> None:
    """The runtime computes of one ONNX operator what its specification says."""
    operator_case.check()
