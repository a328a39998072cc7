from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.commands.query_hint import why_none
from harness.history.store import History
from tests.history.building import remember, trial

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("view", "conditions", "limit", "reason"),
    [
        pytest.param("trend", {}, 0, "as --limit 0 asks", id="a limit of none"),
        pytest.param("regressions", {"model": "a"}, None, "no session has left any for the view 'regressions'",
                     id="a view without rows"),
        pytest.param("trend", {"metric": "latency_host", "model": "squeeznet"}, 5,
                     "'squeeznet' is no model in the view 'trend'. Did you mean 'squeezenet'? Known: resnet50, squ",
                     id="a value that no row has"),
        pytest.param("trend", {"model": "resnet50", "case_id": "squeezenet-fp16-batch1x4x16"}, None,
                     "none has model=resnet50 and case_id=squeezenet-fp16-batch1x4x16 together",
                     id="values that no row has together"),
    ],
)  # fmt: skip
def test_what_left_no_rows_is_named(
    tmp_path: Path, view: str, conditions: dict[str, str], limit: int | None, reason: str
) -> None:
    """Of several conditions it is the first that alone leaves none."""
    with History.open(tmp_path / "history.db") as history:
        remember(history, trial(1), trial(1, model="resnet50"))
    told = why_none(str(tmp_path / "history.db"), view, conditions, limit=limit)
    assert told.startswith("no rows")
    assert reason in told


def test_an_empty_history_is_to_be_filled(tmp_path: Path) -> None:
    """The sentence names the history and two commands that fill it."""
    History.open(tmp_path / "history.db").close()
    told = why_none(str(tmp_path / "history.db"), "latest", {}, limit=None)
    assert "history.db is empty; fill it with pytest suites/ or trt-harness check MODEL.onnx" in told
