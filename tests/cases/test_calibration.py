from __future__ import annotations

import pytest

from harness.cases import Calibration
from harness.cases.calibration import parse_method
from harness.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("minmax", "minmax"),
        ("entropy", "entropy"),
        ("mse", "mse"),
        ("percentile", ("percentile", 99.99)),
        ("percentile-99.999", ("percentile", 99.999)),
        ("percentile-100", ("percentile", 100.0)),
    ],
)
def test_a_method_is_a_name_and_for_percentiles_a_number(text: str, parsed: str | tuple[str, float]) -> None:
    """What follows the dash is a percentage; without one it is 99.99."""
    found = parse_method(text)
    assert (found if isinstance(parsed, tuple) else found[0]) == parsed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("entrpoy", "Did you mean 'entropy'.*minmax, mse", id="an unknown name"),
        pytest.param("mse-5", "'mse-5' is no calibration method", id="a number where none belongs"),
        pytest.param("percentile-", "needs a percentage above 0 and up to 100", id="a dash and no number"),
        pytest.param("percentile-101", "needs a percentage above 0 and up to 100", id="more than everything"),
        pytest.param("percentile-nan", "needs a percentage above 0 and up to 100", id="not a number"),
    ],
)
def test_what_is_no_method_is_refused_when_it_is_written(text: str, message: str) -> None:
    """A calibration checks its method in its constructor, and the error says what there is."""
    with pytest.raises(ConfigurationError, match=message):
        Calibration(method=text)


def test_the_default_method_leaves_no_trace() -> None:
    """A calibration by MinMax is written as it was before there were others, so that caches still know it."""
    assert Calibration().to_json() == {"samples": 16, "source": None}
    other = Calibration(samples=4, source="a:b", method="mse")
    assert Calibration(**other.to_json()) == other
