from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.cases import INT8, Calibration, Classification, Model, Precision, Profile
from harness.errors import ConfigurationError
from harness.sensitivity import calibrations
from harness.sensitivity.calibrations import MethodResult, compare_methods
from harness.sensitivity.subject import Subject, engine_of

if TYPE_CHECKING:
    from pathlib import Path

MODEL = Model(
    name="convnet",
    source="tests.tiny:convnet",
    profiles=(Profile({"batch": (1, 2, 8)}),),
    calibration=Calibration(samples=4),
    task=Classification(source="tests.tiny:labelled", output="scores", batch=4),
)
METHODS = ("minmax", "percentile-90", "mse")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[MethodResult]:
    """What three methods make of a small convolutional network with a labelled set."""
    return compare_methods(MODEL, INT8, METHODS, tmp_path_factory.mktemp("cache"))


def test_each_method_has_its_error_score_and_clips(results: list[MethodResult]) -> None:
    """They come in the order asked for; all quantised activations are there for each."""
    assert [result.method for result in results] == list(METHODS)
    for result in results:
        assert result.errors.keys() == {"scores"}
        assert result.metrics["top1"] > 0.5
        assert {clip.tensor for clip in result.clips} >= {"image", "relu1", "scores"}
        assert result.sqnr_db == result.errors["scores"].sqnr_db


def test_clipping_is_told_worst_first(results: list[MethodResult]) -> None:
    """MinMax clips nothing, a percentile its share of each tensor, and more clipped comes before less."""
    minmax, percentile, _ = results
    assert minmax.clipped == 0.0
    assert {clip.threshold / clip.range for clip in minmax.clips} == {1.0}
    assert 0.05 < percentile.clipped < 0.15
    shares = [clip.share for clip in percentile.clips]
    assert shares == sorted(shares, reverse=True)
    assert all(clip.threshold < clip.range for clip in percentile.clips)
    assert percentile.sqnr_db < minmax.sqnr_db


def test_a_method_gives_the_graph_that_the_recipe_gives(results: list[MethodResult], tmp_path: Path) -> None:
    """What is compared is what a catalogue that names the method builds, not something like it."""
    from dataclasses import replace

    from tests.tiny import labelled

    model = replace(MODEL, calibration=Calibration(samples=4, method="percentile-90"))
    subject = Subject(model, "int8", tmp_path)
    inputs = {"image": labelled()[0]["image"][:4]}
    ours, fp32 = (engine_of(graph).run(inputs)["scores"] for graph in (subject.converted(INT8), subject.fp32()))
    error = float(np.abs(ours - fp32).max())
    assert error == pytest.approx(results[1].errors["scores"].max_abs, rel=1e-4)


def test_nodes_that_are_kept_have_no_range(tmp_path: Path) -> None:
    """A mixed precision is compared as it is: what reads FP32 is not among the activations."""
    mixed = Precision("int8", keep_fp32=("conv1",), name="int8-mixed")
    (result,) = compare_methods(MODEL, mixed, ["minmax"], tmp_path)
    assert "image" not in {clip.tensor for clip in result.clips}


def test_without_a_labelled_set_inputs_are_made(tmp_path: Path) -> None:
    """There is no score then, and the outputs are compared on inputs that calibration has not seen."""
    model = Model(name="convnet", source="tests.tiny:convnet", profiles=MODEL.profiles)
    told: list[str] = []
    (result,) = compare_methods(model, INT8, ["entropy"], tmp_path, on_method=told.append)
    assert result.metrics == {}
    assert result.errors["scores"].shape == (8, 10)
    assert told == ["entropy"]


def test_an_unknown_method_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is quantised for a list with a mistake in it."""
    monkeypatch.setattr(calibrations, "Subject", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(ConfigurationError, match="Did you mean 'entropy'"):
        compare_methods(MODEL, INT8, ["minmax", "entrpoy"], tmp_path)
