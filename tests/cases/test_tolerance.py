from __future__ import annotations

import json
from typing import Any

import pytest

from harness.cases import RECIPES, Tolerance, tolerance_for
from harness.cases.tolerance import DEFAULTS, LOWER_LIMITS, UPPER_LIMITS
from harness.errors import ConfigurationError

NAN = float("nan")
ANY = Tolerance(max_abs=1.0)
BOXES = Tolerance(tensors="box*", max_abs=2.0)
BOX_1 = Tolerance(tensors="box1", max_abs=3.0)
LAYERS = Tolerance(scope="layers", sqnr_db=20.0)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        pytest.param({}, "limits nothing; give at least one of max_abs, mean_abs", id="no limit"),
        pytest.param({"max_abs": -0.1}, "max_abs = -0.1", id="an error below zero"),
        pytest.param({"cosine": 1.1}, "cosine = 1.1", id="a cosine above 1"),
        pytest.param({"sqnr_db": NAN}, "sqnr_db = nan", id="NaN, which nothing keeps"),
        pytest.param({"max_abs": 1.0, "scope": "output"}, "'output' is no scope.*Did you mean 'outputs'",
                     id="a scope that does not exist"),
    ],
)  # fmt: skip
def test_a_tolerance_that_means_nothing_is_an_error(limits: dict[str, Any], message: str) -> None:
    """It would never fail, or never pass, without anybody noticing."""
    with pytest.raises(ConfigurationError, match=message):
        Tolerance(**limits)


@pytest.mark.parametrize("measure", UPPER_LIMITS + LOWER_LIMITS)
def test_a_limit_of_zero_is_a_limit(measure: str) -> None:
    """Zero is not the same as none."""
    assert Tolerance(**{measure: 0.0}).limits == {measure: 0.0}  # type: ignore[arg-type]


@pytest.mark.parametrize("tolerance", [ANY, BOXES, LAYERS, Tolerance(cosine=0.9, rmse=0.0)], ids=str)
def test_a_tolerance_survives_json(tolerance: Tolerance) -> None:
    """What a worker reads is what the session wrote."""
    assert Tolerance(**json.loads(json.dumps(tolerance.to_json()))) == tolerance


@pytest.mark.parametrize(
    ("tensor", "scope", "tolerances", "expected"),
    [
        pytest.param("box1", "outputs", [ANY, BOXES, BOX_1], BOX_1, id="an exact name beats patterns before it"),
        pytest.param("box2", "outputs", [BOXES, ANY], BOXES, id="the first of two patterns"),
        pytest.param("box2", "outputs", [ANY, BOXES], ANY, id="the first of two patterns, however wide"),
        pytest.param("box2", "outputs", [BOX_1], None, id="none applies"),
        pytest.param("box1", "layers", [BOX_1, LAYERS], LAYERS, id="an exact name of the other scope does not count"),
        pytest.param("Box1", "outputs", [BOXES], None, id="case matters"),
        pytest.param("out[0]", "outputs", [ANY, Tolerance(tensors="out[0]", rmse=1.0)],
                     Tolerance(tensors="out[0]", rmse=1.0), id="a name with brackets is itself"),
    ],
)  # fmt: skip
def test_the_tolerance_of_a_tensor_is_found_by_name(
    tensor: str, scope: Any, tolerances: list[Tolerance], expected: Tolerance | None
) -> None:
    """An exact name goes before patterns, and patterns apply in the order in which they are listed."""
    assert tolerance_for(tensor, scope, tolerances) == expected


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_has_a_default_for_outputs_and_layers(recipe: str) -> None:
    """No tensor of any precision is without a limit."""
    assert tolerance_for("anything", "outputs", DEFAULTS[recipe])
    assert tolerance_for("anything", "layers", DEFAULTS[recipe])
