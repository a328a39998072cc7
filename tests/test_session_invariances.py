from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from harness.cases import INVARIANCES, Profile
from harness.session import CheckFailed, NotJudged
from tests.case_runs import message_of, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartCase


def test_what_invariances_hold_and_which_are_left_out_is_said(start_case: StartCase) -> None:
    """A pass names what holds, what was recorded, and why the rest was not asked; the difference of runs is kept."""
    run = start_case(profile=Profile({"batch": 2}))
    run.check("invariance")
    message = message_of(run, "invariance")
    assert message.startswith("holds: contexts, zero, huge, nan; recorded repeats (2 more runs: ")
    assert "left out rows (the profile has no batch axis that takes both 1 and more)" in message
    assert "left out padding (the model declares no padding)" in message
    recorded = {(m.metric, m.point) for m in run.records()[0].measurements}
    assert ("run_to_run_difference", "batch=2") in recorded


def test_nothing_to_judge_is_no_pass(start_case: StartCase) -> None:
    """A model that is exempt from everything is skipped with its reasons."""
    exempt = {name: "not today" for name in INVARIANCES if name != "repeats"}
    with pytest.raises(NotJudged, match=r"no invariance could be judged: holds: none; recorded repeats .*not today"):
        start_case(exempt=exempt).check("invariance")


def test_nan_that_becomes_a_number_is_caught(start_case: StartCase, tmp_path: Path) -> None:
    """An engine that hides NaN fails by itself; its graph is not what the oracle is asked of."""

    def hide(model: onnx.ModelProto) -> onnx.ModelProto:
        head = model.graph.node[-1]
        head.output[0] = "raw"
        model.graph.node.extend(
            [
                onnx.helper.make_node("IsNaN", ["raw"], ["hidden"]),
                onnx.helper.make_node("Where", ["hidden", "zero", "raw"], ["scores"]),
            ]
        )
        model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
        return model

    run = start_case()
    true_graph = dict(run._pipeline.graph())
    plant(run, hide, tmp_path)
    run.check("build")
    run._pipeline.graph().update(true_graph)
    with pytest.raises(
        CheckFailed, match=r"nan: output 'scores': 0 came out where FP32 has nan, at \[0, 0\]"
    ) as failure:
        run.check("invariance")
    assert "reproduce: pytest suites/ --models convnet" in str(failure.value)


def test_profiles_of_one_model_are_held_against_each_other(start_case: StartCase) -> None:
    """The second case of a model in a session tells how far it is from the first at a point that both have."""
    profiles = (Profile({"batch": (1, 2, 4)}), Profile({"batch": (2, 3, 8)}))
    runs = [
        start_case(profile=profiles[0], profiles=profiles),
        start_case(profile=profiles[1], profiles=profiles[::-1]),
    ]
    for run in runs:
        run.check("invariance")
    assert "no engine of another profile was there yet: batch2x3x8" in message_of(runs[0], "invariance")
    assert "recorded profiles (against batch1x2x4: " in message_of(runs[1], "invariance")
    (difference,) = [m.value for m in runs[1].records()[0].measurements if m.metric == "profile_difference"]
    assert difference < 1e-5


def test_rows_that_depend_on_their_neighbours_are_caught(start_case: StartCase, tmp_path: Path) -> None:
    """A graph that mixes the rows of a batch fails invariance."""

    def mix(model: onnx.ModelProto) -> onnx.ModelProto:
        head = model.graph.node[-1]
        head.output[0] = "unmixed"
        model.graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "axis0"))
        model.graph.node.extend(
            [
                onnx.helper.make_node("ReduceSum", ["unmixed", "axis0"], ["summed"], keepdims=1),
                onnx.helper.make_node("Add", ["unmixed", "summed"], ["scores"]),
            ]
        )
        return model

    run = start_case()
    plant(run, mix, tmp_path)
    with pytest.raises(CheckFailed, match="differs from the same sample run alone"):
        run.check("invariance")
