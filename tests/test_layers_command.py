from __future__ import annotations

from pathlib import Path

from harness.cases import FP16, Case, Model, Profile, TensorSpec, specs_to_json
from harness.layers_command import layers_command

INPUTS = specs_to_json([TensorSpec("image", "float32", ("batch", 3, 8, 8)), TensorSpec("scale", "float32", (1,))])


def test_a_case_of_the_catalogue_goes_by_its_id() -> None:
    """The id says model, precision and profile."""
    model = Model(name="net", source="tests.tiny:convnet", profiles=(Profile({"batch": 2}),))
    assert layers_command(Case(model, FP16, model.profiles[0]), INPUTS) == "trt-harness layers net-fp16-batch2"


def test_a_file_is_named_with_its_precision_and_its_smallest_shapes() -> None:
    """Inputs without free dimensions need no shape."""
    model = Model.from_onnx(Path("my net.onnx"), profiles=[Profile({"batch": (2, 4, 8)})])
    case = Case(model, FP16, model.profiles[0])
    expected = "trt-harness layers 'my net.onnx' --precision fp16 --shape image:2x3x8x8"
    assert layers_command(case, INPUTS) == expected
