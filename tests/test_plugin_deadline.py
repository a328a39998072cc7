from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness import plugin_deadline
from harness.errors import ConfigurationError
from harness.plugin_deadline import Deadline, seconds_of


def test_items_run_until_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """From then on none is begun, and the run ends with the command's way to go on."""
    now = [100.0]
    monkeypatch.setattr(plugin_deadline.time, "monotonic", lambda: now[0])
    deadline = Deadline(8.0, lambda: "abc123")
    item: Any = SimpleNamespace(session=SimpleNamespace(shouldstop=False))
    now[0] = 107.9
    assert deadline.pytest_runtest_protocol(item) is None
    assert item.session.shouldstop is False
    now[0] = 108.0
    assert deadline.pytest_runtest_protocol(item) is True
    assert item.session.shouldstop == "--stop-after 8: the time is up; go on with --resume abc123"


@pytest.mark.parametrize(("text", "seconds"), [("480", 480.0), ("0.5", 0.5)])
def test_a_number_of_seconds_is_read(text: str, seconds: float) -> None:
    """Whole or not."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan", ""])
def test_anything_else_is_refused(text: str) -> None:
    """With the text that was given and an example."""
    with pytest.raises(ConfigurationError, match=f"e.g. 480, not '{text}'"):
        seconds_of(text)
