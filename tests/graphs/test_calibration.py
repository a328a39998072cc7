from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.cases import Calibration, Feed, Integers, Point, TensorSpec, Uniform
from harness.errors import CalibrationError, ConfigurationError, ProfileError
from harness.graphs.calibration import calibration_samples, check_samples, hash_samples
from tests.graphs.small_graphs import images
from tests.graphs.sources_for_tests import PACKAGE

INPUTS = (
    TensorSpec("ids", "int64", ("batch", "sequence")),
    TensorSpec("scores", "float32", ("batch", "sequence", 4)),
)
POINT = Point.of({"batch": 8, "sequence": 6})
IMAGE = (TensorSpec("image", "float32", ("batch", 3, 8, 8)),)


def _sample(**changes: Any) -> dict[str, Any]:
    return {"ids": np.zeros((2, 6), np.int64), "scores": np.zeros((2, 6, 4), np.float32), **changes}


def _with_nan() -> np.ndarray:
    scores = np.zeros((2, 6, 4), np.float32)
    scores[1, 2, 3] = np.nan
    return scores


def test_invented_samples_are_single_and_differ() -> None:
    """Where the model has no data, each sample is one batch of 1 made from the feeds, other axes at their optimum."""
    feeds: dict[str, Feed] = {"ids": Integers(5, 9), "scores": Uniform(2.0, 3.0)}
    samples = calibration_samples(Calibration(samples=3), INPUTS, feeds, POINT, "batch")
    assert [sample["ids"].shape for sample in samples] == [(1, 6)] * 3
    assert [sample["scores"].shape for sample in samples] == [(1, 6, 4)] * 3
    assert all(((sample["ids"] >= 5) & (sample["ids"] < 9)).all() for sample in samples)
    assert all(((sample["scores"] >= 2) & (sample["scores"] < 3)).all() for sample in samples)
    assert len({hash_samples([sample]) for sample in samples}) == 3


def test_invented_samples_are_the_same_each_time() -> None:
    """The same request gives the same bytes."""
    first, second = (calibration_samples(Calibration(samples=2), INPUTS, {}, POINT, "batch") for _ in range(2))
    assert hash_samples(first) == hash_samples(second)


def test_without_a_batch_axis_all_sizes_are_the_points() -> None:
    """A graph without independent samples is calibrated at its optimum."""
    samples = calibration_samples(Calibration(samples=1), INPUTS, {}, POINT, None)
    assert samples[0]["ids"].shape == (8, 6)


def test_a_free_dimension_without_a_size_is_an_error() -> None:
    """Samples cannot be invented for a dimension that the point does not give."""
    with pytest.raises(ProfileError, match="'sequence'"):
        calibration_samples(Calibration(), INPUTS, {}, Point.of({"batch": 1}), "batch")


def test_samples_come_from_the_source_where_there_is_one() -> None:
    """A generator's batches are taken as they are."""
    samples = calibration_samples(Calibration(source=f"{PACKAGE}:calibration"), IMAGE, {}, Point(), "batch")
    assert hash_samples(samples) == hash_samples(images(2, seed) for seed in range(3))


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        pytest.param("nothing", ConfigurationError, "'nothing' is no function of", id="no such function"),
        pytest.param("failing", ConfigurationError, "failed: RuntimeError: the data set", id="it fails"),
        pytest.param(
            "calibration_that_fails", CalibrationError, "failed: RuntimeError: the second file", id="it fails half-way"
        ),
        pytest.param("one_image", CalibrationError, "is a dict; it must yield dictionaries", id="it yields nothing"),
        pytest.param("no_model", CalibrationError, "sample 0 of .* is a str, not a dictionary", id="it yields text"),
    ],
)
def test_a_source_that_gives_no_samples_is_explained(function: str, error: type[Exception], message: str) -> None:
    """Each way in which a source can fail names the source and the reason."""
    with pytest.raises(error, match=message) as raised:
        calibration_samples(Calibration(source=f"{PACKAGE}:{function}"), IMAGE, {}, Point(), "batch")
    assert PACKAGE in str(raised.value)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        pytest.param(_sample(idz=1), r"'idz' is no input of the graph\. Did you mean 'ids'\?", id="an unknown input"),
        pytest.param(
            {"ids": np.zeros((2, 6), np.int64)}, "has no array for input 'scores'; it has ids", id="one missing"
        ),
        pytest.param(
            _sample(ids=np.zeros((2, 6), np.int32)),
            r"input 'ids' is int64 of shape batchxsequence, and .* int32 of shape 2x6; .*\.astype\('int64'\)",
            id="another dtype",
        ),
        pytest.param(
            _sample(scores=np.zeros((2, 6, 5), np.float32)),
            "'scores' is float32 of shape batchxsequencex4, and the array given is float32 of shape 2x6x5",
            id="another fixed size",
        ),
        pytest.param(
            _sample(scores=np.zeros((6, 4), np.float32)),
            r"batch dimension in front: array\[None\]",
            id="no batch dimension",
        ),
        pytest.param(
            _sample(scores=np.zeros((3, 6, 4), np.float32)),
            r"shape 3x6x4 \(with batch=2, sequence=6 as in the inputs before it\)",
            id="a batch of another size than its neighbour's",
        ),
        pytest.param(_sample(ids=np.zeros((0, 6), np.int64)), "shape 0x6", id="an empty array"),
        pytest.param(_sample(scores=_with_nan()), r"'scores' holds nan at index \(1, 2, 3\)", id="a NaN"),
        pytest.param(_sample(scores=np.full((2, 6, 4), np.inf, np.float32)), "'scores' holds inf", id="an infinity"),
        pytest.param([np.zeros(3)], "is a list, not a dictionary", id="no dictionary"),
    ],
)
def test_a_sample_that_does_not_fit_is_named(sample: Any, message: str) -> None:
    """The second of two samples is wrong: the message has its index, the input, what is wanted and what is given."""
    with pytest.raises(CalibrationError, match=message) as raised:
        check_samples([_sample(), sample], INPUTS)
    assert "sample 1 of the calibration set" in str(raised.value)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        pytest.param([], "is empty", id="an empty list"),
        pytest.param(iter(()), "is empty", id="an exhausted generator"),
        pytest.param(None, "is a NoneType; it must yield", id="nothing"),
    ],
)
def test_a_set_without_samples_is_refused(samples: Any, message: str) -> None:
    """There is no calibrating from nothing."""
    with pytest.raises(CalibrationError, match=message):
        check_samples(samples, INPUTS)


def test_samples_may_differ_in_their_free_dimensions() -> None:
    """Only within a sample must equal symbols have equal sizes."""
    longer = {"ids": np.zeros((1, 9), np.int64), "scores": np.zeros((1, 9, 4), np.float32)}
    assert len(check_samples([_sample(), longer], INPUTS)) == 2


def test_the_hash_tells_sets_apart() -> None:
    """Another number, shape or order gives another hash."""
    first, second = images(2, seed=1), images(2, seed=2)
    reshaped = {"image": first["image"].reshape(1, 6, 8, 8)}
    sets = [[first, second], [second, first], [first], [reshaped], [{"image": first["image"] + 1}]]
    assert len({hash_samples(samples) for samples in sets}) == len(sets)
