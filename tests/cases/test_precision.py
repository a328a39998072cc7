from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.cases import BF16, FP16, FP32, INT8, RECIPES, TF32, Precision
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from harness.cases.precision import Recipe

MIXED = Precision("int8", keep_fp32=("head*", "stem"), name="int8-mixed")


def test_a_plain_precision_is_named_after_its_recipe() -> None:
    """The five of every catalogue have the names that the command line takes."""
    assert [p.name for p in (FP32, TF32, FP16, BF16, INT8)] == ["fp32", "tf32", "fp16", "bf16", "int8"]


@pytest.mark.parametrize("precision", [*(Precision(recipe) for recipe in RECIPES), MIXED], ids=lambda p: p.name)
def test_a_precision_survives_json(precision: Precision) -> None:
    """What a worker reads is what the session wrote."""
    assert Precision.from_json(json.loads(json.dumps(precision.to_json()))) == precision


def test_an_unknown_recipe_is_an_error_that_suggests_one() -> None:
    """A misspelt recipe names the nearest one and lists them all."""
    with pytest.raises(ConfigurationError, match=r"'fp61' is no precision\. Did you mean 'fp16'\? Known: bf16, fp16"):
        Precision("fp61")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("recipe", "keep_fp32", "name"),
    [
        pytest.param("fp16", ("head",), "", id="mixed and without a name"),
        pytest.param("fp16", ("head",), "fp16", id="mixed and named after its plain recipe"),
        pytest.param("fp16", ("head",), "int8", id="mixed and named after another recipe"),
        pytest.param("fp16", (), "int8", id="plain and named after another recipe"),
    ],
)
def test_a_name_that_misleads_is_an_error(recipe: Recipe, keep_fp32: tuple[str, ...], name: str) -> None:
    """The name of a recipe stands for that recipe alone, since results are compared by it."""
    with pytest.raises(ConfigurationError, match="name"):
        Precision(recipe, keep_fp32, name)


def test_a_plain_precision_may_have_a_name_of_its_own() -> None:
    """Two precisions of one recipe can stand side by side, e.g. with different build options."""
    assert Precision("fp16", name="fp16-slow").name == "fp16-slow"
