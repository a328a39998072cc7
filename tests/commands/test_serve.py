from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from harness.commands.serve import is_loopback
from harness.history.store import History
from tests.history.building import remember, trial

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """The first line is its address; an interrupt ends it with exit code 0 and no traceback, the history as it was."""
    with History.open(tmp_path / "history.db") as history:
        remember(history, trial(1))
    before = (tmp_path / "history.db").read_bytes()
    command = [sys.executable, "-m", "harness.cli", "serve", "--db", "history.db", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=-1, stderr=-1
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            with urllib.request.urlopen(address, timeout=30) as response:  # noqa: S310 - it is its own address
                assert "squeezenet" in response.read().decode()
            process.send_signal(number)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert address.startswith("http://127.0.0.1:")
    assert (process.returncode, errors) == (0, "stopped\n")
    assert (tmp_path / "history.db").read_bytes() == before


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box", False)],  # noqa: S104
)
def test_only_loopback_is_this_machine_alone(host: str, alone: bool) -> None:
    """Of any other address a warning is due."""
    assert is_loopback(host) is alone
