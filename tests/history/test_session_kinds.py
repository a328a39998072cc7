from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.cases.operator import OPERATORS
from harness.history.session_kinds import latest_of_models, session_kind
from tests.history.building import remember, session, trial

if TYPE_CHECKING:
    from harness.history.store import History


def test_a_kind_is_told_by_settings_and_by_what_was_tried(history: History) -> None:
    """Trials of a comparison and of a check are of models, too, so what the commands noted goes first."""
    settings = ({}, {"compare": ["old", "new"]}, {"check": "net.onnx"}, {})
    for number, noted in enumerate(settings, start=1):
        history.start_session(replace(session(number), settings=noted))
        history.add_trial(trial(number, model=OPERATORS if number == 4 else "squeezenet"))
    with history.queries.snapshot() as connection:
        kinds = [session_kind(connection, session(number).id) for number in range(1, 5)]
        assert kinds == ["suite", "comparison", "check", "operators"]
        assert latest_of_models(connection) == session(3).id


def test_a_history_without_models_has_no_latest_session_of_them(history: History) -> None:
    """Operators alone are none."""
    remember(history, trial(1, model=OPERATORS))
    with history.queries.snapshot() as connection:
        assert latest_of_models(connection) is None
