from __future__ import annotations

import pytest

from harness.cases.operator import chosen_precisions
from harness.errors import ConfigurationError


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        pytest.param((), ("fp32", "fp16"), id="the usual ones where none is asked for"),
        pytest.param(("int8", "fp32", "tf32"), ("fp32", "int8"), id="those that operators have, in their order"),
    ],
)
def test_operators_run_in_the_precisions_that_they_have(wanted: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    """What is asked for and cannot be made of an operator is left to the models."""
    assert chosen_precisions(wanted) == chosen


def test_nothing_to_run_is_refused() -> None:
    """A suite without a case would pass."""
    with pytest.raises(ConfigurationError, match="'tf32' is no precision of the operator suite"):
        chosen_precisions(("tf32",))
