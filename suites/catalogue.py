"""The catalogue: every model that the suites run, as data.

Importing it loads neither onnx nor a runtime: graphs are made by the functions that ``source`` names, when a case first
needs one. Profiles are as small as they can be and still say something: an engine's latency where it was tuned, its
correctness away from there. Maxima follow from cost, so that everything but the slow models takes minutes on a CPU.

Tolerances stand where the defaults of a recipe do not fit. They lie 6 to 10 dB below what onnxruntime reaches, as
recorded in ``benchmarks/results/zoo_conditioning.json``.
"""

from __future__ import annotations

from harness.cases import (
    BF16,
    FP16,
    FP32,
    INT8,
    TF32,
    Calibration,
    Classification,
    Integers,
    Model,
    Padding,
    Profile,
    Tolerance,
    Uniform,
)

_PRECISIONS = (FP32, TF32, FP16, BF16, INT8)

# Seen on an H200 with TensorRT 8.6.0 in squeezenet and digits; onnxruntime keeps NaN.
_RECTIFIED = {
    "tensorrt:nan": "TensorRT's ReLU makes 0 of NaN",
    "tensorrt:infinite": "TensorRT's ReLU makes 0 of the NaN that infinities leave",
}

# For models of 10 ms an image and more: tuned for one image, tried at another size.
_FEW_IMAGES = (Profile({"batch": (1, 1, 4)}, [{"batch": 1}, {"batch": 3}]),)


def _ratios(*, outputs: float, layers: float) -> tuple[Tolerance, ...]:
    """Return the smallest ratio of signal to error, in dB, of final outputs and of each layer."""
    return (Tolerance(sqnr_db=outputs), Tolerance(scope="layers", sqnr_db=layers))


def _means(rmse: float) -> Tolerance:
    """Return a limit for the means inside layer normalisation: sums that cancel, so that ratios to them say nothing."""
    return Tolerance(tensors="*/mean", scope="layers", rmse=rmse)


CATALOGUE: tuple[Model, ...] = (
    Model(
        name="squeezenet",
        source="suites.zoo.light:squeezenet",
        exempt=_RECTIFIED,
        profiles=(
            Profile({"batch": 1}),
            Profile({"batch": (1, 4, 16)}, [{"batch": 2}, {"batch": 4}, {"batch": 16}]),
        ),
        precisions=_PRECISIONS,
        tolerances={"int8": _ratios(outputs=15, layers=9)},
    ),
    Model(
        name="shufflenet",
        source="suites.zoo.light:shufflenet",
        exempt=_RECTIFIED,
        profiles=(Profile({"batch": (1, 4, 8)}, [{"batch": 1}, {"batch": 2}, {"batch": 8}]),),
        precisions=_PRECISIONS,
    ),
    Model(
        name="resnet50",
        source="suites.zoo.light:resnet50",
        exempt=_RECTIFIED,
        profiles=_FEW_IMAGES,
        precisions=_PRECISIONS,
        tolerances={"int8": _ratios(outputs=17, layers=9)},
    ),
    Model(
        name="densenet121",
        source="suites.zoo.light:densenet121",
        exempt=_RECTIFIED,
        profiles=_FEW_IMAGES,
        precisions=_PRECISIONS,
        tolerances={"bf16": _ratios(outputs=22, layers=20)},
    ),
    Model(
        name="inception_v2",
        source="suites.zoo.light:inception_v2",
        exempt=_RECTIFIED,
        profiles=_FEW_IMAGES,
        precisions=_PRECISIONS,
        tolerances={"bf16": _ratios(outputs=22, layers=17), "int8": _ratios(outputs=13, layers=8)},
    ),
    Model(
        name="encoder",
        source="suites.zoo.encoder:encoder",
        profiles=(
            Profile(
                {"batch": (1, 4, 8), "sequence": (16, 64, 128)},
                [{"batch": 1, "sequence": 16}, {"batch": 4, "sequence": 64}, {"batch": 3, "sequence": 100}],
            ),
        ),
        precisions=_PRECISIONS,
        tolerances={"bf16": (_means(0.005),), "int8": (_means(0.02), *_ratios(outputs=15, layers=12))},
        feeds={"input_ids": Integers(0, 2048), "attention_mask": Integers(0, 2)},
        padding=Padding(axis="sequence", mask="attention_mask"),
    ),
    Model(
        name="detector",
        source="suites.zoo.detector:detector",
        exempt=_RECTIFIED,
        profiles=(Profile({"batch": (1, 2, 8)}, [{"batch": 1}, {"batch": 2}, {"batch": 5}]),),
        precisions=_PRECISIONS,
        tolerances={"int8": _ratios(outputs=20, layers=9)},
    ),
    Model(
        name="lstm",
        source="suites.zoo.lstm:lstm",
        profiles=(
            Profile(
                {"batch": (1, 4, 8), "sequence": (8, 32, 64)},
                [{"batch": 1, "sequence": 8}, {"batch": 4, "sequence": 32}, {"batch": 3, "sequence": 50}],
            ),
        ),
        precisions=_PRECISIONS,
        tolerances={"int8": _ratios(outputs=30, layers=27)},
        # At its default level ("all") onnxruntime 1.31.1 dies of a segmentation fault on an LSTM in FP16.
        build_options={"onnxruntime": {"fp16": {"optimization": "extended"}}},
    ),
    Model(
        name="digits",
        source="suites.zoo.digits:digits",
        exempt=_RECTIFIED,
        profiles=(Profile({"batch": (1, 16, 64)}, [{"batch": 1}, {"batch": 16}, {"batch": 50}]),),
        precisions=_PRECISIONS,
        tolerances={"int8": _ratios(outputs=14, layers=25)},
        feeds={"image": Uniform(0, 1)},
        calibration=Calibration(source="suites.zoo.digits:calibration"),
        task=Classification(source="suites.zoo.digits:held_out", output="logits", batch=16),
    ),
    *(
        Model(
            name=name,
            source=f"suites.zoo.light:{name}",
            exempt=_RECTIFIED,
            profiles=_FEW_IMAGES,
            precisions=_PRECISIONS,
            tolerances=tolerances,
            slow=True,
        )
        for name, tolerances in (
            ("vgg19", {"bf16": _ratios(outputs=20, layers=25), "int8": _ratios(outputs=7, layers=12)}),
            ("alexnet", {"int8": _ratios(outputs=15, layers=20)}),
            ("zfnet512", {"int8": _ratios(outputs=14, layers=19)}),
            ("inception_v1", {"int8": _ratios(outputs=15, layers=11)}),
        )
    ),
)
