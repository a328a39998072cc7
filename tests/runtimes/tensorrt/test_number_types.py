from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.cases import Precision
from harness.runtimes.tensorrt.number_types import TypePlan, plan_types, unsupported
from tests.runtimes.tensorrt.fake_tensorrt import FEATURES

if TYPE_CHECKING:
    from harness.runtimes.tensorrt.features import Features

TEN = replace(
    FEATURES,
    version="10.16",
    strong_typing="opt_in",
    precision_flags=("FP16", "INT8", "BF16"),
    number_types=(*FEATURES.number_types, "BF16"),
)
ELEVEN = replace(
    TEN, version="11.4", strong_typing="always", precision_flags=(), calibrators=False, layer_precisions=False
)


@pytest.mark.parametrize(
    ("features", "recipe", "plan"),
    [
        pytest.param(FEATURES, "fp32", TypePlan(strongly_typed=False), id="fp32 on 8"),
        pytest.param(ELEVEN, "fp32", TypePlan(strongly_typed=True), id="fp32 on 11"),
        pytest.param(FEATURES, "tf32", TypePlan(strongly_typed=False, tf32=True), id="tf32"),
        pytest.param(
            FEATURES, "fp16", TypePlan(strongly_typed=False, flags=("FP16",), constrained=True), id="fp16 on 8"
        ),
        pytest.param(TEN, "fp16", TypePlan(strongly_typed=True), id="fp16 on 10"),
        pytest.param(FEATURES, "int8", TypePlan(strongly_typed=False, flags=("INT8",)), id="int8 on 8"),
        pytest.param(ELEVEN, "int8", TypePlan(strongly_typed=True), id="int8 on 11"),
        pytest.param(TEN, "bf16", TypePlan(strongly_typed=False, flags=("BF16",)), id="bf16 on 10"),
        pytest.param(TEN, "fp16-flags", TypePlan(strongly_typed=False, flags=("FP16",)), id="flags on 10"),
        pytest.param(
            FEATURES,
            "int8-calibrator",
            TypePlan(strongly_typed=False, flags=("INT8",), calibrated=True),
            id="calibrator on 8",
        ),
    ],
)
def test_each_recipe_is_put_to_the_builder_of_each_version(features: Features, recipe: str, plan: TypePlan) -> None:
    """Strong typing where it exists, else the flags that honour the graph's types; nothing is allowed beyond them."""
    precision = Precision(recipe)  # type: ignore[arg-type]
    assert unsupported(precision, features) is None
    assert plan_types(precision, features) == plan


def test_layers_kept_in_fp32_by_flags_are_constrained() -> None:
    """A mixed precision by flags tells the kept layers to stay."""
    mixed = Precision("fp16-flags", keep_fp32=("head",), name="mixed")
    assert plan_types(mixed, FEATURES).constrained
    assert not plan_types(Precision("fp16-flags"), FEATURES).constrained


@pytest.mark.parametrize(
    ("features", "recipe", "reason"),
    [
        pytest.param(FEATURES, "bf16", "TensorRT 8.6.0 has no bfloat16", id="bf16 on 8"),
        pytest.param(ELEVEN, "bf16", "between layers in float32", id="bf16 on 11"),
        pytest.param(ELEVEN, "fp16-flags", "no builder flags for number types.*use fp16", id="flags on 11"),
        pytest.param(ELEVEN, "int8-calibrator", "no calibrators.*use int8", id="calibrator on 11"),
        pytest.param(replace(TEN, calibrators=False), "int8-calibrator", "has no calibrators", id="calibrators gone"),
    ],
)
def test_what_a_version_cannot_build_has_its_reason(features: Features, recipe: str, reason: str) -> None:
    """A skip says which TensorRT lacks what, and what to ask for instead."""
    answer = unsupported(Precision(recipe), features)  # type: ignore[arg-type]
    assert answer is not None
    assert re.search(reason, answer)
