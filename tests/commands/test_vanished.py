from __future__ import annotations

from typing import Any

import pytest

from harness.commands.vanished import RanCase, RanSession, vanished
from harness.history.decisions import Decision
from tests.history.building import NOON

SETTINGS: dict[str, Any] = {"catalogue": "suites:C", "models": (), "precisions": (), "profiles": (), "pace": "normal"}


def ran(model: str, precision: str = "fp16", **changes: Any) -> RanCase:
    """Return a case of one machine, runtime and profile."""
    common = {"environment": "here", "runtime": "onnxruntime", "subject": "onnxruntime", "profile": "static"}
    case = f"{model}-{precision}-static"
    return RanCase(**{"case": case, "model": model, "precision": precision, **common, **changes})


def asked(identifier: str, *cases: RanCase, **changes: Any) -> RanSession:
    """Return a session that was asked for everything, but for the changes."""
    return RanSession(id=identifier, settings={**SETTINGS, **changes}, cases=cases)


def decided(action: Any, case: str, **changes: Any) -> Decision:
    """Return a decision."""
    return Decision(action=action, case=case, reason="so", author="Ada", created_at=NOON, **changes)


BEFORE = asked("1", ran("kept"), ran("gone"))


@pytest.mark.parametrize(
    ("earlier", "own"),
    [
        pytest.param(BEFORE, asked("2", ran("kept")), id="all was asked for both times"),
        pytest.param(BEFORE, asked("2", ran("kept"), models=("kept", "gone")), id="both models were asked for"),
        pytest.param(asked("1", ran("kept"), ran("gone"), models=["kept", "gone"]),
                     asked("2", ran("kept"), models=("gone", "kept")), id="both models were asked for both times"),
        pytest.param(asked("1", ran("kept"), ran("gone"), pace="quick"), asked("2", ran("kept")), id="another pace"),
        pytest.param(asked("1", ran("kept"), ran("gone"), pace="full"), asked("2", ran("kept"), pace="full"),
                     id="slow models were asked for both times"),
        pytest.param(asked("1", ran("kept"), ran("gone", subject="old"), subjects=["old=python"]),
                     asked("2", ran("kept")), id="another name for the subject"),
    ],
)  # fmt: skip
def test_what_vanished(earlier: RanSession, own: RanSession) -> None:
    """A case that was run before, and that was asked for again, is missed."""
    (label,) = vanished(own, [earlier], [])
    assert label.partition("@")[0] == "gone-fp16-static"


@pytest.mark.parametrize(
    ("earlier", "own"),
    [
        pytest.param(BEFORE, asked("2", ran("kept"), ran("gone")), id="it is there"),
        pytest.param(BEFORE, asked("2", ran("kept"), models=["kept"]), id="the model was not asked for"),
        pytest.param(BEFORE, asked("2", ran("kept"), precisions=["int8"]), id="the precision was not asked for"),
        pytest.param(BEFORE, asked("2", ran("kept"), profiles=["wide"]), id="the profile was not asked for"),
        pytest.param(BEFORE, asked("2", ran("kept"), narrowed="-k kept"), id="pytest was told to leave cases out"),
        pytest.param(BEFORE, asked("2", ran("kept"), check="kept.onnx"), id="a single file was checked"),
        pytest.param(asked("1", ran("gone"), check="gone.onnx"), asked("2", ran("kept")),
                     id="a single file had been checked"),
        pytest.param(BEFORE, asked("2", ran("kept"), catalogue="other:C"), id="another catalogue"),
        pytest.param(asked("1", ran("kept"), ran("gone"), pace="full"), asked("2", ran("kept")),
                     id="slow models had been asked for"),
        pytest.param(asked("1", ran("gone"), models=["gone"]), asked("2", ran("kept")),
                     id="a model had been named, which is perhaps a slow one"),
        pytest.param(BEFORE, asked("2", ran("kept", environment="there")), id="another machine"),
        pytest.param(BEFORE, asked("2", ran("kept", runtime="tensorrt")), id="another runtime"),
        pytest.param(BEFORE, asked("2"), id="nothing was run at all"),
    ],
)  # fmt: skip
def test_what_did_not_vanish(earlier: RanSession, own: RanSession) -> None:
    """Nothing is missed that was not to be expected."""
    assert vanished(own, [earlier], []) == {}


def test_a_case_is_missed_for_as_long_as_a_baseline_has_it() -> None:
    """One session without it is no reason to forget it, and the newest that had it is named."""
    earlier = [asked("3", ran("kept")), asked("2", ran("kept"), ran("gone")), BEFORE]
    assert vanished(asked("4", ran("kept")), earlier, []) == {"gone-fp16-static": "2"}


def test_a_subject_that_lost_a_case_is_told() -> None:
    """With the same subjects both times, each of them must have its cases."""
    both = ("a=python", "b=python3")
    earlier = asked("1", ran("net", subject="a"), ran("net", subject="b"), subjects=both)
    assert vanished(asked("2", ran("net", subject="a"), subjects=list(both)), [earlier], []) == {
        "net-fp16-static@b": "1"
    }


@pytest.mark.parametrize(
    ("decision", "own", "missed"),
    [
        pytest.param(decided("drop", "gone-*"), asked("2", ran("kept")), [], id="dropped"),
        pytest.param(decided("drop", "kept-*"), asked("2", ran("kept")), ["gone-fp16-static"],
                     id="another was dropped"),
        pytest.param(decided("alias", "gone-*", parameters={"new": "new-*"}), asked("2", ran("kept"), ran("new")), [],
                     id="renamed, and there by its new name"),
        pytest.param(decided("alias", "gone-*", parameters={"new": "new-*"}), asked("2", ran("kept"), ran("gone")), [],
                     id="to be renamed, and there by its old name"),
        pytest.param(decided("alias", "gone-*", parameters={"new": "new-*"}), asked("2", ran("kept")),
                     ["new-fp16-static (formerly gone-fp16-static)"], id="renamed, and not there"),
    ],
)  # fmt: skip
def test_decisions_about_cases_that_are_gone(decision: Decision, own: RanSession, missed: list[str]) -> None:
    """A dropped case is not missed, and a renamed one is looked for by its new name."""
    assert list(vanished(own, [BEFORE], [decision])) == missed
