from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cases import FP16, FP32, INT8, Calibration, Model, Precision, Profile, Tolerance
from harness.cases.tolerance import DEFAULTS
from harness.errors import ConfigurationError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"name": "my-model"}, "'my-model' cannot be the name of a model.*'my_model'",
                     id="a dash, which parts ids"),
        pytest.param({"name": ""}, "'' cannot be the name", id="no name"),
        pytest.param({"name": "a/b"}, "'a_b'", id="a slash, which parts paths"),
        pytest.param({"profiles": ()}, "at least one profile", id="no profile"),
        pytest.param({"precisions": ()}, "at least one profile and one precision", id="no precision"),
        pytest.param({"profiles": (Profile(), Profile())}, "two profiles named 'static'", id="a profile twice"),
        pytest.param({"precisions": (FP32, FP16, FP32)}, "two precisions named 'fp32'", id="a precision twice"),
        pytest.param({"tolerances": {"fp61": ()}},
                     "its tolerances name a precision that it is not built in: 'fp61' is no .*Did you mean 'fp16'",
                     id="tolerances of a precision that it lacks"),
        pytest.param({"build_options": {"onnxruntime": {"bf16": {}}}},
                     "its build_options of 'onnxruntime' name a precision that it is not built in: 'bf16'",
                     id="options of a precision that it lacks"),
        pytest.param({"type_share": {"onnxruntime": {"tf32": 0.5}}},
                     "its type_share of 'onnxruntime' names a precision that it is not built in: 'tf32'",
                     id="a type share of a precision that it lacks"),
        pytest.param({"version": 0}, "a version is 1 or more, not 0", id="a version below 1"),
    ],
)  # fmt: skip
def test_a_model_that_contradicts_itself_is_an_error(changes: dict[str, Any], message: str) -> None:
    """A record is checked when it is written, and the error says what is wrong with which model."""
    with pytest.raises(ConfigurationError, match=message):
        Model(**{"name": "model", "source": "zoo:model", **changes})


def test_a_calibration_without_samples_is_an_error() -> None:
    """Scales cannot be taken from nothing."""
    with pytest.raises(ConfigurationError, match="at least one sample, not 0"):
        Calibration(samples=0)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("nets/resnet50.onnx", "resnet50"),
        ("my-net v2.1.onnx", "my_net_v2.1"),
        ("__init__.onnx", "init"),
        ("模型.onnx", "model"),
    ],
)
def test_a_model_of_a_file_is_named_after_it(path: str, name: str) -> None:
    """What ids cannot hold becomes an underscore, and there is always a name left."""
    model = Model.from_onnx(path)
    assert model.name == name
    assert model.source == Path(path)


def test_a_model_of_a_file_takes_all_that_a_model_takes() -> None:
    """Lists become tuples, what is not given has the class's default, and the file itself is not touched."""
    model = Model.from_onnx(
        "/nowhere/x.onnx",
        name="other",
        profiles=[Profile({"batch": 2})],
        precisions=[FP32],
        tolerances={"fp32": [Tolerance(max_abs=1.0)]},
        batch_axis=None,
        slow=True,
        version=3,
    )
    assert model == Model(
        name="other",
        source=Path("/nowhere/x.onnx"),
        profiles=(Profile({"batch": 2}),),
        precisions=(FP32,),
        tolerances={"fp32": (Tolerance(max_abs=1.0),)},
        batch_axis=None,
        slow=True,
        version=3,
    )
    assert Model.from_onnx("x.onnx") == Model(name="x", source=Path("x.onnx"))


def test_own_tolerances_come_before_the_defaults_of_the_recipe() -> None:
    """What a model says goes first, and what it leaves open follows its recipe, for a mixed precision too."""
    mixed = Precision("int8", keep_fp32=("head",), name="mixed")
    own = Tolerance(tensors="boxes", max_abs=0.5)
    model = Model(name="m", source="zoo:m", precisions=(INT8, mixed), tolerances={"mixed": (own,)})
    assert model.tolerances_for(mixed) == (own, *DEFAULTS["int8"])
    assert model.tolerances_for(INT8) == DEFAULTS["int8"]
