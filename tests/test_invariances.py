from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import (
    FP16,
    FP32,
    INVARIANCES,
    Case,
    Model,
    Padding,
    Point,
    Precision,
    Profile,
    TensorSpec,
    specs_to_json,
)
from harness.errors import ConfigurationError
from harness.invariances import QUICK, failures, plan_invariances, shared_point, summary

if TYPE_CHECKING:
    from pathlib import Path

FLOATS = TensorSpec("x", "float32", ("batch", "length"))
IDS = TensorSpec("ids", "int64", ("batch", "length"))
SHORT = Profile({"batch": (1, 2, 4), "length": (4, 8, 16)})
LONG = Profile({"batch": 1, "length": (16, 32, 64)}, name="long")


def plan(folder: Path, *inputs: TensorSpec, precision: Precision = FP32, profile: Profile = SHORT, **model: Any) -> Any:
    """Plan the invariances of a case whose graph has ``inputs``."""
    described = Model(**{"name": "m", "source": "zoo:m", "profiles": (profile,), "precisions": (precision,), **model})
    return plan_invariances(
        Case(described, precision, profile), {"inputs": specs_to_json(inputs)}, folder, runtime="onnxruntime"
    )


def test_every_invariance_is_asked_or_left_out_with_a_reason(tmp_path: Path) -> None:
    """None is forgotten, and none is both."""
    for inputs in ((FLOATS,), (IDS,), (FLOATS, IDS)):
        found = plan(tmp_path, *inputs)
        assert sorted([*found.checks, *found.left_out]) == sorted(INVARIANCES)
        assert all(found.left_out.values())


def test_integers_have_no_unusual_values(tmp_path: Path) -> None:
    """A model that is fed token ids is not asked what it makes of NaN."""
    found = plan(tmp_path, IDS)
    assert found.unusual == ()
    assert found.left_out["nan"] == "no input holds floats"
    assert len(plan(tmp_path, FLOATS, IDS).unusual) == 6


def test_a_quick_session_asks_for_less_and_says_so(tmp_path: Path) -> None:
    """Kinds that there is no time for are left out with that reason."""
    described = Model(name="m", source="zoo:m", profiles=(SHORT,), precisions=(FP32,))
    found = plan_invariances(
        Case(described, FP32, SHORT),
        {"inputs": specs_to_json((FLOATS,))},
        tmp_path,
        runtime="onnxruntime",
        unusual=QUICK,
    )
    assert found.unusual == ("zero", "huge", "nan")
    assert found.left_out["denormal"] == "a quick session does not ask for it"


def test_builders_that_choose_types_are_asked_less(tmp_path: Path) -> None:
    """No graph says where a precision overflows that builder flags make."""
    found = plan(tmp_path, FLOATS, precision=Precision("fp16-flags"))
    assert found.unusual == ("zero", "constant", "denormal")
    assert "no graph says" in found.left_out["huge"]


def test_padding_is_asked_at_the_smallest_point(tmp_path: Path) -> None:
    """The sequence is padded to twice its length, or to as much as the engine takes."""
    padding = Padding(axis="length", mask="ids")
    found = plan(tmp_path, FLOATS, IDS, padding=padding)
    assert found.checks["padding"] == {"axis": "length", "mask": "ids", "meant": 1, "padded": 0, "size": 8}
    narrow = Profile({"batch": 1, "length": (4, 5, 6)}, [{"batch": 1, "length": 4}])
    assert plan(tmp_path, FLOATS, IDS, padding=padding, profile=narrow).checks["padding"]["size"] == 6
    fixed = Profile({"batch": 1, "length": 4})
    left_out = plan(tmp_path, FLOATS, IDS, padding=padding, profile=fixed).left_out
    assert left_out["padding"] == "the profile takes no length longer than 4"


@pytest.mark.parametrize(
    ("padding", "message"),
    [
        (Padding(axis="length", mask="isd"), "the padding of 'm': 'isd' is no input. Did you mean 'ids'"),
        (Padding(axis="lenght", mask="ids"), "'lenght' is no free dimension of 'ids'. Did you mean 'length'"),
    ],
    ids=["an unknown mask", "an axis that the mask lacks"],
)
def test_a_padding_that_the_graph_does_not_have_is_an_error(tmp_path: Path, padding: Padding, message: str) -> None:
    """It is not left out in silence: whoever declared it believes that it is checked."""
    with pytest.raises(ConfigurationError, match=message):
        plan(tmp_path, FLOATS, IDS, padding=padding)


def test_profiles_meet_at_the_smallest_point_that_both_have(tmp_path: Path) -> None:
    """Each leaves its outputs where the other one looks for them."""
    assert shared_point(SHORT, LONG) == Point.of({"batch": 1, "length": 16})
    assert shared_point(SHORT, Profile({"batch": 8, "length": 4})) is None
    assert shared_point(SHORT, Profile({"batch": 1})) is None
    both = (SHORT, LONG)
    first = plan(tmp_path, FLOATS, profiles=both).checks["profiles"]
    second = plan(tmp_path, FLOATS, profile=LONG, profiles=both).checks["profiles"]
    assert first["sizes"] == second["sizes"] == {"batch": 1, "length": 16}
    assert first["others"] == {"long": second["own"]}
    assert second["others"] == {SHORT.name: first["own"]}


def test_a_model_is_exempt_with_its_reason(tmp_path: Path) -> None:
    """What a model need not hold is left out, and the reason is the model's own."""
    found = plan(tmp_path, FLOATS, precision=FP16, exempt={"nan": "its Clip makes a number of it"})
    assert "nan" not in found.checks
    assert found.left_out["nan"] == "the model is exempt: its Clip makes a number of it"


def test_a_batch_of_one_size_has_no_rows_to_compare(tmp_path: Path) -> None:
    """One size gives neither a yes nor a no."""
    assert "no batch axis" in plan(tmp_path, FLOATS, profile=Profile({"batch": 2, "length": 4})).left_out["rows"]


def test_what_was_found_is_said_in_words() -> None:
    """Broken ones get a line each; a pass says what holds, what was recorded and what was left out and why."""
    items = [
        {"name": "rows", "outcome": "passed", "sentence": "fine"},
        {"name": "zero", "outcome": "failed", "sentence": "output 'y': nan came out"},
        {"name": "repeats", "outcome": "recorded", "sentence": "bit-equal"},
        {"name": "padding", "outcome": "left out", "sentence": "none declared"},
    ]
    assert failures(items) == ["zero: output 'y': nan came out"]
    assert summary(items) == "holds: rows; recorded repeats (bit-equal); left out padding (none declared)"
