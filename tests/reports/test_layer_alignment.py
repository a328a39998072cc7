from __future__ import annotations

import pytest

from harness.history.records import LayerRecord
from reports.layer_alignment import align, is_helper, nodes_of


def layer(name: str, *outputs: str) -> LayerRecord:
    """Make a layer of a name."""
    return LayerRecord(position=0, name=name, operator="Conv", compute_type="float16", outputs=outputs)


def sides(here: list[LayerRecord], there: list[LayerRecord]) -> list[tuple[list[str], list[str]]]:
    """Align two engines, and return the names of what stands beside each other."""
    return [([each.name for each in part.here], [each.name for each in part.there]) for part in align(here, there)]


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        pytest.param("Conv_0", ("Conv_0",), id="one node"),
        pytest.param("Conv_0 + Relu_1", ("Conv_0", "Relu_1"), id="a fusion"),
        pytest.param("Conv_0 || Conv_3", ("Conv_0", "Conv_3"), id="two side by side"),
        pytest.param("head + PWN(relu0)", ("head", "relu0"), id="a pointwise network"),
        pytest.param("{ForeignNode[first...last]}", ("first", "last"), id="a range of nodes"),
        pytest.param("Reformatting CopyNode for Input Tensor 0 to Conv_0 + R_1", ("Conv_0", "R_1"), id="a helper"),
        pytest.param("copied_squeeze_after_(Unnamed Layer* 49) [ElementWise]", (), id="made up by the builder"),
    ],
)  # fmt: skip
def test_a_layer_is_made_from_nodes(name: str, nodes: tuple[str, ...]) -> None:
    """The names of the graph's nodes are read from the engine's own names."""
    assert nodes_of(layer(name)) == nodes


def test_a_fused_layer_stands_beside_its_parts() -> None:
    """What one engine fused and the other did not is one row, though the parts make a tensor more."""
    here = [layer("Conv_0 + Relu_1", "r1"), layer("Pool_2", "r2")]
    there = [layer("Conv_0", "r0"), layer("Relu_1", "r1"), layer("Pool_2", "r2")]
    assert sides(here, there) == [(["Conv_0 + Relu_1"], ["Conv_0", "Relu_1"]), (["Pool_2"], ["Pool_2"])]


def test_a_change_of_format_belongs_to_what_it_serves() -> None:
    """A reformatting layer that only one engine needs is in the row of its layer, and known for a helper."""
    helper = layer("Reformatting CopyNode for Output Tensor 0 to Conv_0", "r0")
    assert sides([layer("Conv_0")], [layer("Conv_0"), helper]) == [(["Conv_0"], ["Conv_0", helper.name])]
    assert is_helper(helper)
    assert not is_helper(layer("Conv_0"))


def test_without_common_names_the_tensors_tell() -> None:
    """Layers whose names have nothing in common stand beside each other if they make the same tensor."""
    assert sides([layer("fused_17", "logits")], [layer("Gemm_4", "logits")]) == [(["fused_17"], ["Gemm_4"])]


def test_branches_of_a_concatenation_stay_apart() -> None:
    """Two layers that write parts of one tensor are two rows, since their nodes have names."""
    here = [layer("Conv_5", "r9"), layer("Conv_7", "r9")]
    assert sides(here, here) == [(["Conv_5"], ["Conv_5"]), (["Conv_7"], ["Conv_7"])]


def test_what_one_side_has_is_shown() -> None:
    """A layer without a counterpart has an empty side, and stands where it stands in its own engine."""
    here = [layer("a"), layer("only here"), layer("z")]
    there = [layer("a"), layer("only there"), layer("z")]
    assert sides(here, there) == [
        (["a"], ["a"]), ([], ["only there"]), (["only here"], []), (["z"], ["z"]),
    ]  # fmt: skip


def test_an_engine_beside_itself_is_the_same() -> None:
    """Every layer meets itself, in its order, even among hundreds."""
    engine = [layer(f"node_{i}", f"t{i}") for i in range(500)]
    assert all(part.here == part.there for part in align(engine, engine))
    assert len(align(engine, engine)) == 500
