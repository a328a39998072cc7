from __future__ import annotations

import json
from typing import Any

import pytest

from harness.runtimes.base import EngineLayer
from harness.runtimes.tensorrt.inspector import onnx_outputs, parse_layers


def tensor(name: str, text: str, key: str = "Format/Datatype") -> dict[str, Any]:
    """Return a tensor as the inspector tells it."""
    return {"Name": name, "Location": "Device", "Dimensions": [1, 16, 8, 8], key: text}


def layer(kind: str, inputs: list[str], **more: Any) -> dict[str, Any]:
    """Return a layer in the dialect of TensorRT 8, its inputs given by their format."""
    return {
        "Name": "conv1 + relu1",
        "LayerType": kind,
        "Inputs": [tensor("image", text) for text in inputs],
        "Outputs": [tensor("relu1", inputs[0] if inputs else "Row major linear FP32")],
        **more,
    }


LINEAR, HALF, VECTOR = (
    "Row major linear FP32",
    "Channel major FP16 format where channel % 8 == 0",
    "Thirty-two wide channel vectorized row major Int8 format",
)


@pytest.mark.parametrize(
    ("described", "compute_type"),
    [
        pytest.param(layer("CaskConvolution", [LINEAR], Weights={"Type": "Float", "Count": 432}), "float32",
                     id="a convolution in FP32"),
        pytest.param(layer("CaskConvolution", [HALF], Weights={"Type": "Half", "Count": 432}), "float16",
                     id="a convolution in FP16"),
        pytest.param(layer("CaskConvolution", [VECTOR], Weights={"Type": "Int8", "Count": 432}), "int8",
                     id="a convolution in INT8"),
        pytest.param(layer("CaskGemmConvolution", [HALF], TacticName="sm80_xmma_fprop_f16f16_f16f16_f16_nhwc"),
                     "float16", id="by the kernel's name"),
        pytest.param(layer("gemm", ["Row major linear FP16"], TacticName="sm80_xmma_gemm_bf16bf16_bf16f32_f32_tn"),
                     "bfloat16", id="by the name of a kernel of bfloat16"),
        pytest.param(layer("gemm", ["Float"], TacticName="sm80_xmma_gemm_f32f32_tf32f32_f32_nn_n_tilesize32x32x64"),
                     "float32", id="TF32 counts as FP32"),
        pytest.param(layer("CaskConvolution", [VECTOR], TacticName="sm80_xmma_fprop_interleaved_i8i8_i8i32_f32_nchw"),
                     "int8", id="by the name of an INT8 kernel"),
        pytest.param(layer("MatrixMultiply", ["Row major linear FP16 format", LINEAR]), "float16",
                     id="by the first operand"),
        pytest.param(layer("Myelin", [HALF], Name="{ForeignNode[a...b]}"), "float16",
                     id="a fused region of one type"),
        pytest.param(layer("Myelin", [HALF, LINEAR], Name="{ForeignNode[a...b]}"), "unknown",
                     id="a fused region of mixed types"),
        pytest.param(layer("kgen", [HALF], Name="__myl_AddResMulSum_myl0_3"), "", id="a generated kernel of sums"),
        pytest.param(layer("kgen", [HALF], Name="__myl_FcAddCast_myl0_3"), "float16",
                     id="a generated kernel with a product"),
        pytest.param(layer("Reformat", [LINEAR], Name="Reformatting CopyNode for Input Tensor 0 to conv1"), "",
                     id="a reformat moves data"),
        pytest.param(layer("PointWiseV2", [LINEAR], ParameterType="PointWise"), "", id="element by element"),
        pytest.param(layer("Reformat", [HALF], ParameterType="ReformatConvert"), "",
                     id="a conversion is no convolution"),
        pytest.param(layer("CaskPooling", [HALF], ParameterType="Pooling"), "", id="pooling"),
        pytest.param(layer("Convolution", [], ParameterType="Convolution"), "unknown", id="nothing told"),
    ],
)  # fmt: skip
def test_the_type_that_a_layer_computes_in_is_told(described: dict[str, Any], compute_type: str) -> None:
    """Weights tell it best, then the kernel's name, then the operands; layers that move data have none."""
    (parsed,) = parse_layers({"Layers": [described]})
    assert parsed.compute_type == compute_type


def test_both_dialects_give_the_same_layer() -> None:
    """TensorRT 11 has a key for the number type, older ones hide it in that of the format."""
    old = layer("gemm", ["Row major linear FP16 format"], TacticName="k")
    new = {
        **old,
        "Inputs": [{**tensor("image", "Half", "Datatype"), "Format": "Row major linear"}],
        "Outputs": [{**tensor("relu1", "Half", "Datatype"), "Format": "Row major linear"}],
    }
    assert parse_layers({"Layers": [old]}) == parse_layers({"Layers": [new]})


def test_the_whole_layer_is_read_from_json() -> None:
    """Name, operator, outputs and tactic come from the inspector's text; the engine's own tensors are left out."""
    described = layer("CaskConvolution", [HALF], TacticName="sm80_fprop_f16f16_f16", TacticValue="0x1f")
    described["Outputs"].append(tensor("Reformatted Output Tensor 0 to conv1", HALF))
    (parsed,) = parse_layers(json.dumps({"Layers": [described], "Bindings": ["image", "relu1"]}))
    assert parsed == EngineLayer(
        name="conv1 + relu1",
        operator="CaskConvolution",
        compute_type="float16",
        outputs=("relu1",),
        tactic="sm80_fprop_f16f16_f16 0x1f",
    )


def test_a_layer_that_is_a_mere_name_is_of_unknown_type() -> None:
    """An engine built without detailed verbosity cannot pass an audit for want of facts."""
    assert parse_layers('{"Layers": ["conv1 + relu1"]}') == (
        EngineLayer(name="conv1 + relu1", operator="", compute_type="unknown", outputs=()),
    )


def test_a_fused_layer_ends_in_tensors_of_the_graph() -> None:
    """Of its outputs those count that the graph knows."""
    fused = EngineLayer(name="a + b", operator="Conv", compute_type="float16", outputs=("b_out", "internal"))
    assert onnx_outputs(fused, ["a_out", "b_out"]) == ("b_out",)
