from __future__ import annotations

import pytest

from harness.accuracy.audit import ASKED, Audit, audit_precision
from harness.cases import RECIPES

EMULATED = frozenset({"float16", "bfloat16"})
HALF = {"float16": 1.0}
SINGLE = {"float32": 1.0}


def audit(
    recipe: str, engine: dict[str, float], graph: dict[str, float] | None = None, required: float | None = None
) -> Audit:
    """Audit an engine of a runtime that emulates no type, unless a graph is given."""
    return audit_precision(
        recipe, graph=graph or {}, engine=engine, emulated=EMULATED if graph is not None else (), required=required
    )


def test_every_recipe_asks_for_a_type() -> None:
    """No precision goes unaudited."""
    assert set(ASKED) == set(RECIPES)


@pytest.mark.parametrize(
    ("recipe", "engine", "passed"),
    [
        pytest.param("fp32", SINGLE, True, id="fp32 that is FP32"),
        pytest.param("fp32", {"float32": 0.9, "float16": 0.1}, False, id="fp32 with a layer in FP16"),
        pytest.param("fp16", HALF, True, id="fp16 that is FP16"),
        pytest.param("fp16", {"float16": 0.5, "float32": 0.5}, True, id="fp16 with as many layers kept as may be"),
        pytest.param("fp16", {"float16": 0.4, "float32": 0.6}, False, id="fp16 that is mostly FP32"),
        pytest.param("fp16", SINGLE, False, id="fp16 that fell back silently"),
        pytest.param("fp16", {}, False, id="nothing that computes is never a pass"),
        pytest.param("bf16", HALF, False, id="bf16 that is FP16"),
        pytest.param("int8", {"int8": 0.98, "float32": 0.02}, True, id="int8 that is INT8"),
        pytest.param("int8", SINGLE, False, id="int8 that is FP32"),
        pytest.param("tf32", SINGLE, True, id="tf32 stores FP32"),
    ],
)
def test_an_engine_must_be_in_its_precision(recipe: str, engine: dict[str, float], passed: bool) -> None:
    """Enough of its computing layers are of the type that the recipe asks for."""
    assert audit(recipe, engine).passed is passed


def test_the_share_that_is_required_can_be_set() -> None:
    """A model whose layers cannot all follow says how many must."""
    shares = {"int8": 0.3, "float32": 0.7}
    assert not audit("int8", shares).passed
    assert audit("int8", shares, required=0.3).passed
    assert not audit("int8", {}, required=0.0).passed


@pytest.mark.parametrize(
    ("recipe", "graph", "engine", "passed", "audited"),
    [
        pytest.param("fp16", HALF, SINGLE, True, "graph", id="an emulated type is looked for in the graph"),
        pytest.param("fp16", SINGLE, HALF, False, "graph", id="a graph that is FP32 is caught there"),
        pytest.param("int8", {"int8": 1.0}, SINGLE, False, "engine", id="other types are looked for in the engine"),
    ],
)
def test_an_emulated_type_is_audited_in_the_graph(
    recipe: str,
    graph: dict[str, float],
    engine: dict[str, float],
    passed: bool,
    audited: str,
) -> None:
    """Where a runtime computes in another type by design, its engine says nothing about the recipe."""
    result = audit(recipe, engine, graph)
    assert (result.passed, result.audited) == (passed, audited)


def test_the_sentence_tells_share_demand_and_distribution() -> None:
    """What was found stands beside what was required, the commonest type first."""
    assert audit("fp16", {"float16": 0.25, "float32": 0.75}).sentence == (
        "25% of the computing layers of the engine are float16 (50% required): 75% float32, 25% float16"
    )
    assert audit("fp16", {}).sentence == "no layer of the engine computes anything that has a precision to tell"


def test_an_engine_that_keeps_its_types_to_itself_is_neither_right_nor_wrong() -> None:
    """Layers of unknown type may be the ones that are asked for; where even they would not do, it has failed."""
    one_region = audit_precision("fp16", graph={}, engine={"unknown": 1.0}, emulated=())
    assert (one_region.passed, one_region.undecided) == (False, True)
    mostly_fp32 = audit_precision("fp16", graph={}, engine={"unknown": 0.2, "float32": 0.8}, emulated=())
    assert (mostly_fp32.passed, mostly_fp32.undecided) == (False, False)


def test_a_graph_without_anything_that_computes_has_no_precision() -> None:
    """Its engine cannot be judged; one that has lost the layers of a graph that computes is wrong."""
    rectifier = audit_precision("fp16", graph={}, engine={}, emulated=())
    assert (rectifier.passed, rectifier.undecided) == (False, True)
    lost = audit_precision("fp16", graph=HALF, engine={}, emulated=())
    assert (lost.passed, lost.undecided) == (False, False)
    assert lost.sentence == "no layer of the engine computes anything, though its graph does"
