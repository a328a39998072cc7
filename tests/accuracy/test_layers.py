from __future__ import annotations

import numpy as np
import pytest

from harness.accuracy import LayerError, compare_tensors, judge_layers
from harness.cases import Tolerance
from harness.errors import ConfigurationError

SIGNAL = np.linspace(-1.0, 1.0, 101)
THIRTY_DECIBELS = (Tolerance(scope="layers", sqnr_db=30.0),)


def layer(position: int, name: str, *, decibels: float, operator: str = "Conv") -> LayerError:
    """Make a layer whose error is that far below its signal."""
    return LayerError(position, name, operator, compare_tensors(SIGNAL * (1 + 10 ** (-decibels / 20)), SIGNAL))


def quiet_layer(reference: float, offset: float) -> LayerError:
    """Make a layer whose reference is constant and whose output is off by as much everywhere."""
    expected = np.full(100, reference)
    return LayerError(0, "quiet", "Sub", compare_tensors(expected + offset, expected))


BROKEN_IN_THE_MIDDLE = [
    layer(3, "head", decibels=20, operator="Gemm"),
    layer(0, "stem", decibels=70),
    layer(2, "branch", decibels=10),
    layer(1, "relu", decibels=60, operator="Relu"),
]


def test_the_first_layer_outside_is_named_in_graph_order() -> None:
    """Layers are put in graph order, and the first of those to leave its tolerance is named."""
    report = judge_layers(BROKEN_IN_THE_MIDDLE, THIRTY_DECIBELS)
    assert [judged.layer.tensor for judged in report.layers] == ["stem", "relu", "branch", "head"]
    assert report.first_outside is not None
    assert report.first_outside.layer.tensor == "branch"
    assert (report.passed, report.judged, report.outside) == (False, 4, 2)
    assert [judged.layer.tensor for judged in report.worst] == ["branch", "head", "relu"]


def test_a_failure_is_described_with_what_surrounds_it() -> None:
    """The description has the counts, the first layer outside, its neighbours, and the three worst."""
    first, place, before, after, worst = judge_layers(BROKEN_IN_THE_MIDDLE, THIRTY_DECIBELS).describe().splitlines()
    assert first == "outside their tolerance: 2 of 4 judged layers"
    assert place.startswith("first: 'branch' (Conv, position 2): sqnr_db 10 < 30; max_abs 0.3162 at [0]")
    assert before == "before it: 'relu' (Relu, position 1) -60.0 dB"
    assert after == "after it: 'head' (Gemm, position 3) -20.0 dB"
    assert worst.startswith("worst: 'branch' (Conv, position 2) -10.0 dB; 'head'")


def test_a_first_layer_outside_has_nothing_before_it() -> None:
    """The description of a graph that is wrong from its start, and only there, has no neighbours to show."""
    lines = judge_layers([layer(0, "stem", decibels=10, operator="")], THIRTY_DECIBELS).describe().splitlines()
    assert [line.split(":")[0] for line in lines] == ["outside their tolerance", "first", "worst"]
    assert "'stem' (unknown operator, position 0)" in lines[1]


def test_a_graph_within_its_tolerance_passes() -> None:
    """With every layer inside, the report passes and still says which is worst."""
    report = judge_layers([layer(0, "stem", decibels=70), layer(1, "head", decibels=50)], THIRTY_DECIBELS)
    assert report.passed
    assert report.first_outside is None
    assert report.describe().startswith("all 2 judged layers of 2 are within their tolerance\nworst: 'head'")


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        pytest.param([], "no layers were compared", id="no layers"),
        pytest.param([layer(0, "stem", decibels=70)], "none of 1 layers has a tolerance", id="no tolerance"),
    ],
)
def test_nothing_judged_is_not_a_pass(layers: list[LayerError], words: str) -> None:
    """A report in which nothing was judged does not pass and says why; limits for outputs do not speak of layers."""
    report = judge_layers(layers, (Tolerance(sqnr_db=0.0),))
    assert not report.passed
    assert words in report.describe()


def test_a_layer_without_a_tolerance_is_kept_but_not_judged() -> None:
    """A pattern that leaves layers out leaves them in the report."""
    layers = [layer(0, "stem", decibels=5), layer(1, "head", decibels=50)]
    report = judge_layers(layers, (Tolerance(scope="layers", tensors="head", sqnr_db=30.0),))
    assert (report.passed, report.judged, len(report.layers)) == (True, 1, 2)
    assert report.layers[0].judgement is None
    assert report.worst[0].layer.tensor == "stem"


def test_stray_nan_is_worst_of_all() -> None:
    """A layer with NaN fails and leads the ranking, although its finite elements are exact."""
    values = SIGNAL.copy()
    values[3] = np.nan
    broken = LayerError(1, "nan", "Div", compare_tensors(values, SIGNAL))
    report = judge_layers([layer(0, "stem", decibels=10), broken], THIRTY_DECIBELS)
    assert report.worst[0].layer.tensor == "nan"
    assert report.outside == 2


@pytest.mark.parametrize("limits", [{"sqnr_db": 30.0}, {"cosine": 0.999}, {"max_rel": 0.1}], ids=str)
@pytest.mark.parametrize(
    ("reference", "offset", "passes"),
    [
        pytest.param(0.0, 0.0, True, id="zero as its reference"),
        pytest.param(0.0, 1e-8, True, id="rounding of a zero"),
        pytest.param(1e-8, 2e-8, True, id="rounding of a tiny constant"),
        pytest.param(0.0, 1e-2, False, id="loud where the reference is zero"),
    ],
)
def test_a_quiet_layer_is_held_against_the_floor(
    limits: dict[str, float], reference: float, offset: float, *, passes: bool
) -> None:
    """Where the reference is nearly zero, an output as quiet passes whatever its ratios, and a loud one fails."""
    (judged,) = judge_layers([quiet_layer(reference, offset)], (Tolerance(scope="layers", **limits),)).layers
    assert judged.quiet
    assert judged.outside is not passes


def test_a_quiet_layer_is_ranked_by_the_floor() -> None:
    """The SQNR shown for a quiet layer is relative to the floor of 1e-6."""
    (judged,) = judge_layers([quiet_layer(0.0, 1e-8)], THIRTY_DECIBELS).layers
    assert judged.sqnr_db == pytest.approx(40.0)


def test_an_absolute_limit_holds_for_a_quiet_layer_too() -> None:
    """A limit in the tensor's unit needs no floor and gets none."""
    tolerances = (Tolerance(scope="layers", max_abs=1e-9),)
    assert not judge_layers([quiet_layer(0.0, 1e-8)], tolerances).passed
    assert judge_layers([quiet_layer(0.0, 1e-10)], tolerances).passed
    assert judge_layers([quiet_layer(0.0, 0.5)], (Tolerance(scope="layers", max_abs=1.0),)).passed


def test_a_constant_that_is_not_zero_is_judged_by_its_ratio() -> None:
    """A constant reference is a signal like any other."""
    assert judge_layers([quiet_layer(1.0, 1e-3)], THIRTY_DECIBELS).passed
    assert not judge_layers([quiet_layer(1.0, 0.5)], THIRTY_DECIBELS).passed


def test_the_floor_can_be_given() -> None:
    """What is quiet depends on the unit of the graph, so the caller may say it."""
    assert not judge_layers([quiet_layer(0.0, 1e-2)], THIRTY_DECIBELS).passed
    assert judge_layers([quiet_layer(0.0, 1e-2)], THIRTY_DECIBELS, quiet_rms=1.0).passed


def test_a_tolerance_for_a_tensor_that_is_not_there_is_an_error() -> None:
    """A misspelt layer is not ignored in silence; the nearest one is suggested."""
    tolerances = (Tolerance(scope="layers", tensors="brunch", sqnr_db=30.0), *THIRTY_DECIBELS)
    with pytest.raises(ConfigurationError, match=r"'brunch' is no tensor of the graph\. Did you mean 'branch'"):
        judge_layers(BROKEN_IN_THE_MIDDLE, tolerances)


@pytest.mark.parametrize(
    "tensor",
    [
        pytest.param("logits", id="an output of the graph"),
        pytest.param("brunch*", id="a pattern"),
        pytest.param("branch", id="a layer"),
    ],
)
def test_a_tolerance_may_be_for_what_this_engine_does_not_show(tensor: str) -> None:
    """An output, a layer that was fused away and a pattern that matches nothing in this precision are no mistakes."""
    tolerances = (Tolerance(scope="layers", tensors=tensor, sqnr_db=5.0), *THIRTY_DECIBELS)
    assert judge_layers(BROKEN_IN_THE_MIDDLE, tolerances, others={"logits"}).judged == 4
