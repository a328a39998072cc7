from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from reports.layer_origins import misfits_text, origins_view, ratio_of
from reports.points import PointData
from tests.reports.parsed_page import ParsedPage


@dataclass(frozen=True)
class LookedInto:
    """A layer's error with where it comes from, as the history keeps it."""

    tensor: str
    operator: str = "Conv"
    analysis: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("relative", "ratio"),
    [
        pytest.param(0.01, 40.0, id="a hundredth is 40 dB"),
        pytest.param(0.0, math.inf, id="no error is exact"),
        pytest.param("inf", -math.inf, id="NaN or Inf on one side only"),
        pytest.param(None, None, id="not run alone"),
    ],
)
def test_a_relative_error_is_a_ratio_of_signal_to_error(relative: Any, ratio: float | None) -> None:
    """It is told in dB like the errors beside it, larger where there is less."""
    assert ratio_of(relative) == (None if ratio is None else pytest.approx(ratio))


def test_counts_of_misfits_are_written_out() -> None:
    """Those of the output come first, then those of what is quantised for it."""
    counts = {"overflow": 1200, "subnormal": 3, "inputs": {"image": {"saturated": 7}}}
    assert misfits_text(counts) == "overflow 1,200; subnormal 3; in image: saturated 7"
    assert misfits_text({}) == ""


def test_what_adds_most_is_named() -> None:
    """The sentence names the layer and why; a layer that the engine computes otherwise is a cross."""
    errors: Any = [
        LookedInto("a", analysis={"made": 0.001, "by_engine": False}),
        LookedInto("b", analysis={"made": 0.1, "by_engine": True, "reason": "values overflow float16"}),
        LookedInto("c"),
    ]
    data = PointData({})
    view = origins_view(errors, "a1", data)
    assert view is not None
    assert "b adds most" in view.sentence
    assert "20.0\u00a0dB" in view.sentence
    assert "Why: values overflow float16." in view.sentence
    assert "1 layer is computed otherwise than in the graph." in view.sentence
    assert len(ParsedPage(view.chart).with_class("outside")) == 1
    assert data.layers["a1"][1] == [60.0, 20.0]


def test_layers_that_add_nothing_are_said_to() -> None:
    """Where each layer alone is exact, none is named."""
    errors: Any = [LookedInto("a", analysis={"made": 0.0})]
    view = origins_view(errors, "a1", PointData({}))
    assert view is not None
    assert "none adds an error of its own" in view.sentence


def test_an_older_history_has_no_origins() -> None:
    """Errors that nobody looked into, or of before that was kept, have no drawing."""
    errors: Any = [LookedInto("a")]
    assert origins_view(errors, "a1", PointData({})) is None
