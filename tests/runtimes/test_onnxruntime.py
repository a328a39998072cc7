from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from harness.cases import BF16, FP16, FP32, INT8, RECIPES, Precision, Profile, TensorSpec
from harness.errors import BuildFailed, ConfigurationError, ModelError, RunFailed
from harness.measurement.environment import processor_name
from harness.runtimes.base import BuildRequest
from harness.runtimes.onnxruntime import OnnxRuntime
from tests.graphs.small_graphs import IR_VERSION, OPSET, classifier, images, model_of, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNTIME = OnnxRuntime()


def product(*, opset: int = OPSET, ir_version: int = IR_VERSION) -> onnx.ModelProto:
    """Return a matrix product: ``x`` [batch, 8] to ``y`` [batch, 8]."""
    return model_of(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "product")],
        {"x": ["batch", 8]},
        {"y": ["batch", 8]},
        {"w": np.random.default_rng(1).normal(size=(8, 8)).astype(np.float32)},
        opset=opset,
        ir_version=ir_version,
    )


def quantised_product() -> onnx.ModelProto:
    """Return the product between pairs of QuantizeLinear and DequantizeLinear, its weights stored as int8."""
    pairs = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "zero"], ["x_quantised"]),
        helper.make_node("DequantizeLinear", ["x_quantised", "x_scale", "zero"], ["x_back"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "zero"], ["w_back"]),
        helper.make_node("MatMul", ["x_back", "w_back"], ["y_plain"], "product"),
        helper.make_node("QuantizeLinear", ["y_plain", "y_scale", "zero"], ["y_quantised"]),
        helper.make_node("DequantizeLinear", ["y_quantised", "y_scale", "zero"], ["y"]),
    ]
    weights: dict[str, np.ndarray] = {
        "w": np.random.default_rng(1).integers(-127, 128, (8, 8)).astype(np.int8),
        "zero": np.array(0, np.int8),
        **{f"{name}_scale": np.array(scale, np.float32) for name, scale in (("x", 0.02), ("w", 0.01), ("y", 0.05))},
    }
    return model_of(pairs, {"x": ["batch", 8]}, {"y": ["batch", 8]}, weights)


def half_product() -> onnx.ModelProto:
    """Return the product in FP16 between casts from and to FP32."""
    nodes = [
        helper.make_node("Cast", ["x"], ["x_half"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["x_half", "w"], ["y_half"], "product"),
        helper.make_node("Cast", ["y_half"], ["y"], to=TensorProto.FLOAT),
    ]
    weights = {"w": np.random.default_rng(1).normal(size=(8, 8)).astype(np.float16)}
    return model_of(nodes, {"x": ["batch", 8]}, {"y": ["batch", 8]}, weights)


def rows(batch: int = 2) -> dict[str, np.ndarray]:
    """Return a batch of inputs for the products."""
    return {"x": np.random.default_rng(0).uniform(-1, 1, (batch, 8)).astype(np.float32)}


@pytest.fixture
def request_of(tmp_path: Path) -> Callable[..., BuildRequest]:
    """Return a function that saves a graph and asks for an engine of it."""

    def request(model: onnx.ModelProto, precision: Precision = FP32, **options: str | int) -> BuildRequest:
        onnx.save(model, str(tmp_path / "graph.onnx"))
        return BuildRequest(
            graph=tmp_path / "graph.onnx",
            precision=precision,
            profile=Profile({"batch": (1, 2, 4)}),
            inputs=(TensorSpec(model.graph.input[0].name, "float32", ("batch", 8)),),
            destination=tmp_path / "engine",
            options=options,
        )

    return request


@pytest.mark.parametrize(
    ("model", "inputs"),
    [(classifier, images(3)), (product, rows()), (half_product, rows()), (quantised_product, rows())],
    ids=["classifier", "fp32 product", "fp16 product", "int8 product"],
)
def test_an_engine_computes_what_its_graph_computes(
    request_of: Callable[..., BuildRequest],
    model: Callable[[], onnx.ModelProto],
    inputs: dict[str, np.ndarray],
) -> None:
    """Built, saved and loaded again, it gives the graph's outputs by name."""
    request = request_of(model())
    result = RUNTIME.build(request)
    assert result.seconds > 0
    assert result.bytes == request.destination.stat().st_size > 0
    outputs = RUNTIME.load(request.destination).run(inputs)
    expected = run(model(), inputs, optimised=False)
    assert outputs.keys() == expected.keys()
    for name, array in expected.items():
        assert outputs[name].dtype == array.dtype
        np.testing.assert_allclose(outputs[name], array, rtol=1e-5, atol=1e-5)


def test_an_engine_that_is_used_again_must_load(request_of: Callable[..., BuildRequest]) -> None:
    """A copy of a sound engine is as good as built; anything else is refused."""
    request = request_of(classifier())
    RUNTIME.build(request)
    RUNTIME.adopt(request)
    request.destination.write_bytes(request.destination.read_bytes()[:-100])
    with pytest.raises(RunFailed, match="refused the graph"):
        RUNTIME.adopt(request)


@pytest.mark.parametrize(
    ("precision", "options", "level"),
    [(FP32, {}, "all"), (BF16, {}, "disabled"), (FP32, {"optimization": "basic"}, "basic")],
    ids=["everything by default", "nothing for a graph of casts", "the level that was asked for"],
)
def test_an_engine_depends_on_processor_provider_and_level(
    request_of: Callable[..., BuildRequest], precision: Precision, options: dict[str, str], level: str
) -> None:
    """An optimised graph is laid out for the processor that it was optimised on."""
    identity = RUNTIME.build_identity(request_of(product(), precision, **options))
    assert identity.device == processor_name()
    assert identity.libraries == {"provider": "CPUExecutionProvider"}
    assert identity.options == {"optimization": level}
    assert (identity.capability, identity.plugins) == ("", ())


def test_an_engine_of_unknown_options_depends_on_nothing(request_of: Callable[..., BuildRequest]) -> None:
    """A misspelt option is refused before anything is looked for under it."""
    with pytest.raises(ConfigurationError, match="Did you mean 'optimization'"):
        RUNTIME.build_identity(request_of(product(), optimisation="all"))


def test_an_engine_runs_as_it_was_built(request_of: Callable[..., BuildRequest]) -> None:
    """What is run is byte for byte what was built, not an engine optimised anew when it is loaded."""
    request = request_of(classifier())
    RUNTIME.build(request)
    first = RUNTIME.load(request.destination).run(images(2))["scores"]
    second = RUNTIME.load(request.destination).run(images(2))["scores"]
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("precision", "options", "level"),
    [
        pytest.param(FP32, {}, "all", id="by default everything is optimised"),
        pytest.param(BF16, {}, "disabled", id="a graph of casts is left as it is"),
        pytest.param(BF16, {"optimization": "basic"}, "basic", id="unless it is asked for"),
        pytest.param(FP16, {"optimization": "extended"}, "extended", id="the level that was asked for"),
    ],
)
def test_the_optimisation_level_is_told(
    request_of: Callable[..., BuildRequest], precision: Precision, options: dict[str, str], level: str
) -> None:
    """A build says which options were in force, given or not."""
    assert RUNTIME.build(request_of(product(), precision, **options)).options == {"optimization": level}


def test_the_optimisation_level_is_kept(request_of: Callable[..., BuildRequest]) -> None:
    """Optimising fuses the batch norm and the activation into the convolution, and not optimising leaves them."""
    operators = {}
    for level in ("disabled", "all"):
        request = request_of(classifier(), optimization=level)
        RUNTIME.build(request)
        operators[level] = [layer.operator for layer in RUNTIME.inspect(request.destination).layers]
    assert operators["disabled"] == ["Conv", "BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm"]
    assert "BatchNormalization" not in operators["all"]
    assert "Relu" not in operators["all"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"optimisation": "all"}, "'optimisation' is no build option of onnxruntime. Did you mean 'optim",
                     id="an unknown option"),
        pytest.param({"optimization": "most"}, "takes 'disabled', 'basic', 'extended', 'all'", id="an unknown value"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(
    request_of: Callable[..., BuildRequest], options: dict[str, str], message: str
) -> None:
    """Nothing is built, and the error lists what there is."""
    request = request_of(product(), **options)
    with pytest.raises(ConfigurationError, match=message):
        RUNTIME.build(request)
    assert not request.destination.exists()


@pytest.mark.parametrize(
    ("model", "precision", "level", "shares"),
    [
        pytest.param(classifier, FP32, "all", {"float32": 1.0}, id="an fp32 graph"),
        pytest.param(quantised_product, INT8, "all", {"int8": 1.0}, id="an int8 graph with its pairs fused"),
        pytest.param(quantised_product, INT8, "disabled", {"float32": 1.0},
                     id="an int8 graph that computes in float behind its pairs"),
        pytest.param(half_product, FP16, "all", {"float32": 1.0}, id="an fp16 graph, which a CPU computes in float"),
    ],
)  # fmt: skip
def test_an_inspection_tells_what_is_computed_in_which_type(
    request_of: Callable[..., BuildRequest],
    model: Callable[[], onnx.ModelProto],
    precision: Precision,
    level: str,
    shares: dict[str, float],
) -> None:
    """The type is the one that is computed in, not the one that weights are stored in: a silent fallback shows."""
    request = request_of(model(), precision, optimization=level)
    RUNTIME.build(request)
    inspection = RUNTIME.inspect(request.destination)
    assert inspection.type_shares == shares
    assert inspection.provider == "CPUExecutionProvider"


def test_an_inspection_lists_the_layers_in_order(request_of: Callable[..., BuildRequest]) -> None:
    """Each with its name, operator and outputs; what only moves data has no type."""
    request = request_of(classifier(), optimization="disabled")
    RUNTIME.build(request)
    layers = RUNTIME.inspect(request.destination).layers
    assert [(layer.operator, layer.compute_type) for layer in layers[:3]] == [
        ("Conv", "float32"), ("BatchNormalization", ""), ("Relu", ""),
    ]  # fmt: skip
    assert layers[0].outputs == ("convolved",)
    assert layers[0].name == "conv"


def test_types_that_a_cpu_may_compute_in_another_one_are_emulated(request_of: Callable[..., BuildRequest]) -> None:
    """A Relu before a symmetric scale keeps its layer in float, so an audit must not ask the engine for int8."""
    model = quantised_product()
    product_node = next(node for node in model.graph.node if node.op_type == "MatMul")
    product_node.output[0] = "y_signed"
    position = list(model.graph.node).index(product_node)
    model.graph.node.insert(position + 1, helper.make_node("Relu", ["y_signed"], ["y_plain"]))
    request = request_of(model, INT8)
    RUNTIME.build(request)
    assert RUNTIME.inspect(request.destination).type_shares == {"float32": 1.0}
    assert RUNTIME.emulated == {"float16", "bfloat16", "int8"}


def test_types_are_handed_on_through_what_changes_them(request_of: Callable[..., BuildRequest]) -> None:
    """A product behind Where has the type of its values, not of its condition; one behind a cast has the cast's."""
    model = model_of(
        [
            helper.make_node("Where", ["mask", "x", "w"], ["chosen"]),
            helper.make_node("MatMul", ["chosen", "chosen"], ["product"]),
            helper.make_node("Cast", ["product"], ["double"], to=TensorProto.DOUBLE),
            helper.make_node("MatMul", ["double", "double"], ["square"]),
            helper.make_node("Cast", ["square"], ["y"], to=TensorProto.FLOAT),
        ],
        {"x": [8, 8]},
        {"y": [8, 8]},
        {"w": np.zeros((8, 8), np.float32), "mask": np.ones((8, 8), bool)},
    )
    request = request_of(model, optimization="disabled")
    RUNTIME.build(request)
    types = [layer.compute_type for layer in RUNTIME.inspect(request.destination).layers if layer.compute_type]
    assert types == ["float32", "float64"]


def test_a_rebuilt_engine_has_the_same_fingerprint(request_of: Callable[..., BuildRequest]) -> None:
    """Nothing in it depends on the moment or the place of the build, and another level gives another one."""
    fingerprints = []
    for level in ("all", "all", "disabled"):
        request = request_of(classifier(), optimization=level)
        RUNTIME.build(request)
        fingerprints.append(RUNTIME.inspect(request.destination).fingerprint)
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


@pytest.mark.parametrize(
    ("version", "what", "has"),
    [
        pytest.param({"ir_version": 99}, "IR version", 99, id="its format"),
        pytest.param({"opset": 99}, "opset", 99, id="its operators"),
    ],
)
def test_a_graph_newer_than_the_runtime_is_an_error_with_both_numbers(
    request_of: Callable[..., BuildRequest], version: dict[str, int], what: str, has: int
) -> None:
    """The error tells what the graph has, what this onnxruntime reads, and three ways out."""
    request = request_of(product(**version))
    with pytest.raises(ModelError) as failure:
        RUNTIME.build(request)
    text = str(failure.value)
    reads = re.match(rf"the graph has {what} {has}, but onnxruntime (\S+) reads {what} up to (\d+)\. Export", text)
    assert reads, text
    assert reads[1] == onnxruntime.__version__
    assert 8 <= int(reads[2]) < 99
    assert "onnx.version_converter" in text


def test_a_graph_that_is_refused_is_a_failed_build(request_of: Callable[..., BuildRequest]) -> None:
    """The runtime's own reason is told, without its error codes."""
    model = product()
    model.graph.node[0].op_type = "NoSuchOperator"
    request = request_of(model)
    with pytest.raises(BuildFailed, match=r"refused the graph: .*NoSuchOperator") as failure:
        RUNTIME.build(request)
    assert "ONNXRuntimeError" not in str(failure.value)
    assert not request.destination.exists()


def test_a_file_that_is_no_engine_does_not_load(tmp_path: Path) -> None:
    """Neither does one that is missing."""
    (tmp_path / "engine").write_bytes(b"no engine")
    for file in (tmp_path / "engine", tmp_path / "missing"):
        with pytest.raises(RunFailed, match="refused the graph"):
            RUNTIME.load(file)


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param({"x": np.zeros((2, 9), np.float32)}, id="a wrong shape"),
        pytest.param({"x": np.zeros((2, 8), np.float64)}, id="a wrong type"),
        pytest.param({"z": np.zeros((2, 8), np.float32)}, id="a wrong name"),
    ],
)
def test_inputs_that_do_not_fit_fail_the_run(
    request_of: Callable[..., BuildRequest], inputs: dict[str, np.ndarray]
) -> None:
    """Running and timing both say so, before any clock is read."""
    request = request_of(product())
    RUNTIME.build(request)
    engine = RUNTIME.load(request.destination)
    for use in (engine.run, engine.timers):
        with pytest.raises(RunFailed, match=r"could not run the graph: \S") as failure:
            use(inputs)
        assert "ONNXRuntimeError" not in str(failure.value)


def test_timers_return_the_milliseconds_of_one_run(request_of: Callable[..., BuildRequest]) -> None:
    """Each call is a run of its own, of a plausible length."""
    request = request_of(product())
    RUNTIME.build(request)
    engine = RUNTIME.load(request.destination)
    timers = engine.timers(rows())
    assert set(timers) == {"host"}
    samples = [timers["host"]() for _ in range(20)]
    assert all(0 < sample < 1000 for sample in samples)
    assert len(set(samples)) > 1
    engine.close()


def test_layers_come_in_graph_order_with_their_operators(request_of: Callable[..., BuildRequest]) -> None:
    """Every inner tensor is what the FP32 graph computes there; final outputs are told apart."""
    finals, layers = RUNTIME.run_layers(request_of(classifier()), images(2))
    listed = list(layers)
    assert [(name, operator) for name, operator, _ in listed] == [
        ("convolved", "Conv"),
        ("normal", "BatchNormalization"),
        ("activated", "Relu"),
        ("pooled", "GlobalAveragePool"),
        ("features", "Flatten"),
    ]
    arrays = {name: array for name, _, array in listed}
    np.testing.assert_array_equal(arrays["activated"], np.maximum(arrays["normal"], 0))
    np.testing.assert_allclose(finals["scores"], run(classifier(), images(2))["scores"], rtol=1e-5, atol=1e-5)
    assert set(finals) == {"scores"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_a_cpu_cannot_run_has_a_reason(recipe: str) -> None:
    """Precisions of GPUs and of TensorRT's builder are refused with a sentence, all others are accepted."""
    reason = RUNTIME.unsupported(Precision(recipe))  # type: ignore[arg-type]
    expected = {"tf32": "tensor cores", "fp16-flags": "use fp16", "int8-calibrator": "use int8"}.get(recipe)
    assert (reason is None) == (expected is None)
    assert expected is None or expected in str(reason)


def test_versions_name_the_runtime() -> None:
    """They are what results are told apart by."""
    versions = RUNTIME.versions()
    assert (versions.runtime, versions.version) == ("onnxruntime", onnxruntime.__version__)
    assert versions.libraries == {"provider": "CPUExecutionProvider"}


def test_threads_share_a_session(tmp_path: Path) -> None:
    """Every run of every thread gives what one alone gives, to the bit."""
    path = tmp_path / "graph.onnx"
    onnx.save(classifier(), path)
    engine = RUNTIME.load(path)
    alone = engine.run(images(2))
    runs = engine.run_concurrently(images(2), 3, 4)
    assert runs is not None
    assert len(runs) == 12
    assert {run["scores"].tobytes() for run in runs} == {alone["scores"].tobytes()}


def test_a_refusal_in_a_thread_reaches_the_caller(tmp_path: Path) -> None:
    """An input that the graph does not take is the same error as in a run alone."""
    path = tmp_path / "graph.onnx"
    onnx.save(classifier(), path)
    with pytest.raises(RunFailed, match="onnxruntime could not run the graph"):
        RUNTIME.load(path).run_concurrently({"image": np.zeros((1, 3, 9, 8, 1), np.float32)}, 2, 1)
