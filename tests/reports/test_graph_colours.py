"""From values to colours."""

from __future__ import annotations

import math

import pytest

from reports.graph_colours import Shade, colourings, error_shade, time_shade, type_shade


@pytest.mark.parametrize(
    ("ratio", "style"),
    [(None, ""), (math.inf, "e0"), (80.0, "e1"), (79.9, "e2"), (60.0, "e2"), (40.0, "e3"), (20.0, "e4"), (19.9, "e5"),
     (-math.inf, "e5")],
)  # fmt: skip
def test_errors_have_steps(ratio: float | None, style: str) -> None:
    """The larger the error the deeper the step; exact has a colour of its own."""
    assert error_shade(ratio).style == style


@pytest.mark.parametrize(
    ("share", "style"),
    [(None, ""), (0.0, "t1"), (0.0099, "t1"), (0.01, "t2"), (0.02, "t3"), (0.05, "t4"), (0.1, "t5"), (1.0, "t5")],
)
def test_shares_have_steps(share: float | None, style: str) -> None:
    """The larger the share of the time the deeper the step."""
    assert time_shade(share, joint=False).style == style


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        pytest.param([], Shade(), id="a layer that moves data"),
        pytest.param(["float16", "float16"], Shade("n2", "float16"), id="one type"),
        pytest.param(["int8", "float32"], Shade("n7", "float32, int8"), id="several layers of different types"),
        pytest.param(["float6"], Shade("n7", "float6"), id="a type of tomorrow"),
    ],
)
def test_types_have_colours(types: list[str], expected: Shade) -> None:
    """Each known type has a colour of its own, all else the last one with its name."""
    assert type_shade(types) == expected


def test_times_of_fused_layers_say_so() -> None:
    """A share that is that of several nodes together has a word to it."""
    assert time_shade(0.125, joint=True).shown == "12.5\u00a0% joint"
    assert time_shade(0.125, joint=False).shown == "12.5\u00a0%"


def test_a_legend_has_what_is_in_use() -> None:
    """Colours that no box has, and quantities of which nothing is known, are left out."""
    boxes = [
        (error_shade(50.0), time_shade(None, joint=False), type_shade(["int8"])),
        (error_shade(math.inf), time_shade(None, joint=False), type_shade(["float8"])),
        (error_shade(None), time_shade(None, joint=False), type_shade(["bfloat16", "int8"])),
    ]
    found = {colouring.key: colouring.legend for colouring in colourings(boxes)}
    assert found == {
        "error": (("e0", "exact"), ("e3", "40 to 60 dB")),
        "type": (("n4", "int8"), ("n7", "bfloat16, int8"), ("n7", "float8")),
    }


def test_every_step_has_a_meaning() -> None:
    """The legend covers the whole range without a gap."""
    ratios = (math.inf, 90.0, 70.0, 50.0, 30.0, 10.0)
    shares = (0.001, 0.015, 0.03, 0.07, 0.5)
    boxes = [(error_shade(ratio), Shade(), Shade()) for ratio in ratios]
    boxes += [(Shade(), time_shade(share, joint=False), Shade()) for share in shares]
    errors, times = colourings(boxes)
    assert [meaning for _, meaning in errors.legend] == [
        "exact", "80 dB and more", "60 to 80 dB", "40 to 60 dB", "20 to 40 dB", "below 20 dB"
    ]  # fmt: skip
    assert [meaning for _, meaning in times.legend] == [
        "below 1 % of the engine's time", "1 to 2 %", "2 to 5 %", "5 to 10 %", "10 % and more"
    ]  # fmt: skip
