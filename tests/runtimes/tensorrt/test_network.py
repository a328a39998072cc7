# ruff: noqa: D102 - the fakes' methods are TensorRT's, documented there

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import onnx
import pytest

from harness.cases import Precision, Profile, TensorSpec
from harness.errors import BuildFailed
from harness.runtimes.base import BuildRequest
from harness.runtimes.tensorrt.network import constrain_layers, make_builder, parse_network
from harness.runtimes.tensorrt.number_types import TypePlan, plan_types
from tests.graphs.small_graphs import classifier
from tests.runtimes.tensorrt.fake_tensorrt import FEATURES, DataType
from tests.tiny import convnet_of_unknown_operator

if TYPE_CHECKING:
    from pathlib import Path

    from harness.runtimes.tensorrt.features import Features


class CreationFlag(enum.IntEnum):
    """Bits as TensorRT 10 numbers them."""

    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1


@dataclass
class FakeError:
    """An error of the parser."""

    position: int = -1
    operator: str = ""
    name: str = ""

    def desc(self) -> str:
        return "No importer registered for op"

    def code(self) -> Any:
        return SimpleNamespace(name="UNSUPPORTED_NODE")

    def node(self) -> int:
        return self.position

    def node_operator(self) -> str:
        return self.operator

    def node_name(self) -> str:
        return self.name


@dataclass
class FakeParser:
    """Takes everything, or fails with ``errors``; remembers what it was given."""

    errors: list[FakeError] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    models: list[onnx.ModelProto] = field(default_factory=list)

    def parse_from_file(self, path: str) -> bool:
        self.files.append(path)
        return not self.errors

    def parse(self, content: bytes) -> bool:
        self.models.append(onnx.ModelProto.FromString(content))
        return not self.errors

    @property
    def num_errors(self) -> int:
        return len(self.errors)

    def get_error(self, index: int) -> FakeError:
        return self.errors[index]


@dataclass
class FakeBuilder:
    """Remembers the flags of its networks."""

    flags: list[int] = field(default_factory=list)

    def create_network(self, flags: int) -> str:
        self.flags.append(flags)
        return "the network"


def tools(parser: FakeParser, features: Features = FEATURES) -> Any:
    """Return tools whose parser is ``parser``."""
    trt = SimpleNamespace(
        NetworkDefinitionCreationFlag=CreationFlag, OnnxParser=lambda _network, _logger: parser, DataType=DataType
    )
    return SimpleNamespace(trt=trt, features=features, logger=None)


def request(folder: Path, recipe: str = "fp32") -> BuildRequest:
    """Return a request for the classifier."""
    graph = folder / "classifier.onnx"
    onnx.save(classifier(), graph)
    return BuildRequest(
        graph=graph,
        precision=Precision(recipe),  # type: ignore[arg-type]
        profile=Profile({"batch": 1}),
        inputs=(TensorSpec("image", "float32", ("batch", 3, 8, 8)),),
        destination=folder / "plan",
    )


@pytest.mark.parametrize(
    ("features", "strongly_typed", "flags"),
    [
        pytest.param(FEATURES, False, 1, id="explicit batch on 8"),
        pytest.param(replace(FEATURES, strong_typing="opt_in"), True, 3, id="both on 10"),
        pytest.param(
            replace(FEATURES, strong_typing="always", explicit_batch_flag=False), True, 2, id="strong typing on 11"
        ),
    ],
)
def test_the_network_is_created_as_each_version_wants_it(
    tmp_path: Path, features: Features, strongly_typed: bool, flags: int
) -> None:
    """Flags go by the bits that the version itself gives them, and only where it has them."""
    builder, parser = FakeBuilder(), FakeParser()
    parse_network(tools(parser, features), builder, request(tmp_path), TypePlan(strongly_typed=strongly_typed))
    assert builder.flags == [flags]
    assert parser.files == [str(tmp_path / "classifier.onnx")]


def test_int8_weights_are_rewritten_for_old_parsers_only(tmp_path: Path) -> None:
    """TensorRT 8 is given the graph from memory, later ones the file as it is."""
    parser = FakeParser()
    int8 = request(tmp_path, "int8")
    parse_network(tools(parser), FakeBuilder(), int8, plan_types(int8.precision, FEATURES))
    assert [len(model.graph.node) for model in parser.models] == [6]
    assert parser.files == []
    ten = replace(FEATURES, strong_typing="opt_in")
    parse_network(tools(parser, ten), FakeBuilder(), int8, plan_types(int8.precision, ten))
    assert parser.files == [str(int8.graph)]


@pytest.mark.parametrize(
    ("features", "error", "place"),
    [
        pytest.param(FEATURES, FakeError(position=2), "operator 'Relu' in node 'relu': No importer", id="by position"),
        pytest.param(
            replace(FEATURES, parser_names_nodes=True),
            FakeError(operator="GridWarp", name="warp"),
            "operator 'GridWarp' in node 'warp': No importer",
            id="by name",
        ),
        pytest.param(
            FEATURES, FakeError(position=-1), r"cannot read the graph: No importer.*\(UNSUPPORTED", id="no node"
        ),
    ],
)
def test_a_refused_graph_names_operator_and_node(
    tmp_path: Path, features: Features, error: FakeError, place: str
) -> None:
    """TensorRT 10 says the node's name, 8 its position only, which is looked up in the graph."""
    with pytest.raises(BuildFailed, match=place):
        parse_network(
            tools(FakeParser([error]), features), FakeBuilder(), request(tmp_path), TypePlan(strongly_typed=False)
        )


def test_a_custom_operator_is_named_as_its_graph_has_it(tmp_path: Path) -> None:
    """The position that TensorRT 8 gives counts the nodes of the very file that it was given."""
    unknown = request(tmp_path)
    onnx.save(convnet_of_unknown_operator(), unknown.graph)
    parser = FakeParser([FakeError(position=2)])
    with pytest.raises(BuildFailed, match="cannot read the graph: operator 'Nope' in node 'nope_1': No importer"):
        parse_network(tools(parser), FakeBuilder(), unknown, TypePlan(strongly_typed=False))


class FakeLayer:
    """A layer of a network, which remembers the precision that it is told."""

    def __init__(self, name: str, kind: str, dtype: DataType) -> None:
        self.name, self.type = name, SimpleNamespace(name=kind)
        self.told: DataType | None = None
        self._dtype = dtype

    def get_input(self, _: int) -> Any:
        """Return the first operand."""
        return SimpleNamespace(dtype=self._dtype)

    @property
    def precision(self) -> DataType | None:
        """What it was told."""
        return self.told

    @precision.setter
    def precision(self, value: DataType) -> None:
        self.told = value


def network() -> Any:
    """Return a network of two convolutions in FP16, one in FP32, and an activation."""
    layers = [
        FakeLayer("conv1", "CONVOLUTION", DataType.HALF),
        FakeLayer("relu1", "ACTIVATION", DataType.HALF),
        FakeLayer("conv2", "CONVOLUTION", DataType.FLOAT),
        FakeLayer("head", "MATRIX_MULTIPLY", DataType.HALF),
    ]
    return SimpleNamespace(layers=layers, num_layers=len(layers), get_layer=layers.__getitem__)


@pytest.mark.parametrize(
    ("precision", "told"),
    [
        pytest.param(Precision("fp16"), [DataType.HALF, None, DataType.HALF, DataType.HALF], id="every one, by fp16"),
        pytest.param(
            Precision("fp16", ("conv2",), "mixed"),
            [DataType.HALF, None, DataType.FLOAT, DataType.HALF],
            id="all but the kept ones, by a mixed fp16",
        ),
        pytest.param(
            Precision("fp16-flags", ("conv*",), "mixed"),
            [DataType.FLOAT, None, DataType.FLOAT, None],
            id="the kept layers, by flags",
        ),
    ],
)
def test_computing_layers_are_told_their_type(precision: Precision, told: list[DataType | None]) -> None:
    """A builder that is only allowed FP16 may still compute in FP32; one that is told does not."""
    layers = network()
    count = constrain_layers(SimpleNamespace(DataType=DataType), layers, precision)
    assert [layer.told for layer in layers.layers] == told
    assert count == sum(one is not None for one in told)


def test_a_builder_that_cannot_start_is_a_failed_build() -> None:
    """Of a null pointer the bindings make a TypeError; the log has the reason."""

    def fail(_: object) -> None:
        raise TypeError("factory function returned nullptr")

    log = SimpleNamespace(lines=[], first_error=lambda _: "CUDA initialization failure with error: 2")
    broken = SimpleNamespace(trt=SimpleNamespace(Builder=fail), features=FEATURES, logger=None, log=log)
    with pytest.raises(BuildFailed, match="cannot start: CUDA initialization failure"):
        make_builder(broken)  # type: ignore[arg-type]
