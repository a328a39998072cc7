"""Which layers compute which nodes."""

from __future__ import annotations

import pytest

from harness.history.records import GraphRecord, LayerRecord, NodeRecord
from reports.graph_makers import Makers, makers_of
from reports.graph_shown import shown_graph


def made(layers: dict[str, str], *, quantised: bool = False) -> dict[str, Makers]:
    """Return what makes each node of Conv → Relu → Pool, from layers given by name with the tensor that each makes."""
    between = (
        NodeRecord(name="q", operator="QuantizeLinear", inputs=("conv_out",), outputs=("q",)),
        NodeRecord(name="d", operator="DequantizeLinear", inputs=("q",), outputs=("d",)),
    )
    read = "d" if quantised else "conv_out"
    graph = shown_graph(
        GraphRecord(
            hash="g",
            size=3,
            inputs=("x",),
            outputs=("y",),
            nodes=(
                NodeRecord(name="conv", operator="Conv", inputs=("x",), outputs=("conv_out",)),
                *(between if quantised else ()),
                NodeRecord(name="relu", operator="Relu", inputs=(read,), outputs=("relu_out",)),
                NodeRecord(name="pool", operator="MaxPool", inputs=("relu_out",), outputs=("y",)),
            ),
        )
    )
    records = [
        LayerRecord(position=i, name=name, operator="", compute_type="", outputs=(output,))
        for i, (name, output) in enumerate(layers.items())
    ]
    return {
        node.name: maker for node, maker in zip(graph.nodes, makers_of(graph, records), strict=True) if node.operator
    }


def names(makers: Makers) -> list[str]:
    """Return the names of the layers."""
    return [layer.name for layer in makers.layers]


@pytest.mark.parametrize(
    "fused",
    [
        pytest.param({"conv + relu": "relu_out"}, id="by the nodes in a layer's name"),
        pytest.param({"conv + PWN(relu)": "other"}, id="by TensorRT's names around a node's"),
        pytest.param({"relu_out_nchwc": "reorder_token_0"}, id="by the name of its tensor in onnxruntime's layout"),
        pytest.param({"relu_token_7": "reorder_token_0"}, id="by a name that onnxruntime replaced a node under"),
        pytest.param({"something": "relu_out"}, id="by the tensor that a layer makes"),
    ],
)
def test_a_fused_layer_is_that_of_all_its_nodes(fused: dict[str, str]) -> None:
    """Convolution and activation are one layer, however the runtime calls it, and the pool is its own."""
    found = made({**fused, "pool": "y"})
    assert names(found["conv"]) == names(found["relu"]) == list(fused)
    assert (found["conv"].nodes, found["relu"].nodes, found["pool"].nodes) == (2, 2, 1)
    assert names(found["pool"]) == ["pool"]


def test_what_is_concluded_is_marked() -> None:
    """A node that no layer names belongs to the layer that alone reads it, and is marked as such."""
    found = made({"a": "relu_out", "b": "y"})
    assert (found["conv"].inferred, found["relu"].inferred) == (True, False)


def test_quantised_data_are_no_part_of_what_reads_them() -> None:
    """Behind a node whose result is quantised nothing is concluded: the result exists."""
    found = made({"relu": "relu_out", "pool": "y"}, quantised=True)
    assert found["conv"] == Makers()


def test_conversions_count_to_the_node_that_they_are_made_for() -> None:
    """A layer that brings a node's result into another format is one of its layers."""
    found = made({"pool_nchwc": "reorder_token_1", "ReorderOutput": "y"})
    assert names(found["pool"]) == ["pool_nchwc", "ReorderOutput"]


def test_without_layers_nothing_is_known() -> None:
    """An engine that lists no layers leaves every node without one."""
    assert set(made({}).values()) == {Makers()}
