from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from harness.errors import ConfigurationError, ModelError
from harness.graphs import clipping
from harness.graphs.clipping import activation_ranges, magnitude_histograms, with_clips, with_method
from harness.graphs.int8 import to_folded_and_int8, to_int8
from harness.graphs.save import graph_hash
from tests.graphs.small_graphs import classifier, images, run

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = [images(1, seed) for seed in range(4)]


@pytest.fixture(scope="module")
def pair() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """The small classifier with its batch norm folded, and in INT8 by MinMax."""
    return to_folded_and_int8(classifier(), SAMPLES)


def test_ranges_are_the_largest_magnitudes_of_the_samples(pair: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """They are read from the scales by the names of the float graph, the graph's input and output included."""
    ranges = activation_ranges(*pair)
    assert {"image", "scores"} <= ranges.keys()
    assert ranges["image"] == pytest.approx(max(np.abs(s["image"]).max() for s in SAMPLES), rel=1e-6)
    outputs = [run(pair[0], s, optimised=False)["scores"] for s in SAMPLES]
    assert ranges["scores"] == pytest.approx(max(np.abs(o).max() for o in outputs), rel=1e-6)


def test_every_value_of_every_sample_is_counted(pair: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """Each tensor's histogram has as many values as the tensor in all samples, and reaches the end of its range."""
    histograms = magnitude_histograms(pair[0], SAMPLES, activation_ranges(*pair))
    assert histograms["image"].total == 4 * 3 * 8 * 8
    assert histograms["scores"].total == 4 * 5
    assert all(found.counts[-1] > 0 for found in histograms.values())


def test_samples_are_seen_one_by_one(pair: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """A sample is asked for only once the one before it was counted, so no more than one is held."""
    counted: list[int] = []
    original = clipping.MagnitudeHistogram.with_values

    def samples() -> Iterator[dict[str, np.ndarray]]:
        for index, sample in enumerate(SAMPLES):
            assert len(counted) == index * len(ranges)
            yield sample

    ranges = activation_ranges(*pair)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            clipping.MagnitudeHistogram,
            "with_values",
            lambda self, values: (counted.append(values.size), original(self, values))[1],
        )
        magnitude_histograms(pair[0], samples(), ranges)
    assert len(counted) == len(SAMPLES) * len(ranges)


def test_only_the_scale_of_what_is_clipped_changes(pair: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """A clip of half the range halves the scale; other tensors, weights and the graph given stay as they are."""
    folded, quantised = pair
    before = graph_hash(quantised)
    ranges = activation_ranges(folded, quantised)
    clipped = with_clips(folded, quantised, {"image": ranges["image"] / 2})
    assert activation_ranges(folded, clipped) == pytest.approx({**ranges, "image": ranges["image"] / 2})
    assert graph_hash(quantised) == before
    old, new = ({t.name: t.SerializeToString() for t in m.graph.initializer} for m in (quantised, clipped))
    assert sum(old[name] != new[name] for name in old) == 1
    onnx.checker.check_model(clipped, full_check=True)
    assert np.isfinite(run(clipped, images(2, 9))["scores"]).all()


def test_minmax_is_the_graph_itself(pair: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """The default method reads no sample and changes no byte."""
    assert with_method(*pair, iter(()), "minmax") is pair[1]
    assert graph_hash(to_int8(classifier(), SAMPLES, (), "minmax")) == graph_hash(pair[1])


@pytest.mark.parametrize("method", ["percentile-90", "entropy", "mse"])
def test_other_methods_end_ranges_earlier_and_never_later(
    pair: tuple[onnx.ModelProto, onnx.ModelProto], method: str
) -> None:
    """The recipe itself takes the method; no range grows, and one at least shrinks."""
    ranges = activation_ranges(*pair)
    ended = activation_ranges(pair[0], to_int8(classifier(), SAMPLES, (), method))
    assert ended.keys() == ranges.keys()
    assert all(ended[name] <= ranges[name] * (1 + 1e-6) for name in ranges)
    assert any(ended[name] < ranges[name] * 0.999 for name in ranges)


def test_an_unknown_method_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is quantised for a method that does not exist."""
    monkeypatch.setattr("harness.graphs.int8._folded", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(ConfigurationError, match="'median' is no calibration method"):
        to_int8(classifier(), SAMPLES, (), "median")


def test_a_graph_that_does_not_run_is_an_error(pair: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """What onnxruntime says is passed on."""
    broken = onnx.ModelProto()
    broken.CopyFrom(pair[0])
    broken.graph.node[0].op_type = "Mystery"
    with pytest.raises(ModelError, match=r"cannot run the graph to calibrate it: .*Mystery"):
        magnitude_histograms(broken, SAMPLES, {"image": 1.0})


def test_a_scale_of_each_pair_is_a_single_number(pair: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """Clips keep the shape of the scales that they replace."""
    clipped = with_clips(*pair, {"image": 1.0})
    shapes = [{t.name: tuple(t.dims) for t in model.graph.initializer} for model in (pair[1], clipped)]
    assert shapes[0] == shapes[1]
    scales = {numpy_helper.to_array(t).size for t in clipped.graph.initializer if t.name == "image_scale"}
    assert scales == {1}
