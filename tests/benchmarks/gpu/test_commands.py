from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.gpu.commands import run_until

if TYPE_CHECKING:
    from pathlib import Path

ORDERLY = (
    "import time\nprint('up', flush=True)\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(7)"
)
DEAF = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)"


def test_a_command_that_ends_in_time_is_left_alone(tmp_path: Path) -> None:
    """Its exit code and its output are kept, and it is looked after meanwhile."""
    moments: list[float] = []
    log = tmp_path / "log"
    script = "import time; print('said'); time.sleep(0.3); raise SystemExit(3)"
    ended = run_until([sys.executable, "-c", script], 30, every=0.05, meanwhile=moments.append, log=log)
    assert (ended.exit_code, ended.interrupted, log.read_text()) == (3, False, "said\n")
    assert len(moments) > 3
    assert moments == sorted(moments)


def test_a_command_that_takes_too_long_is_interrupted_as_by_ctrl_c() -> None:
    """It ends in its own way, with its own exit code."""
    ended = run_until([sys.executable, "-c", ORDERLY], 1.0, every=0.05)
    assert (ended.exit_code, ended.interrupted) == (7, True)
    assert ended.seconds < 30


def test_a_command_that_does_not_listen_is_killed() -> None:
    """After its grace it is ended by force."""
    ended = run_until([sys.executable, "-c", DEAF], 0.5, every=0.05, grace=0.5)
    assert (ended.exit_code, ended.interrupted) == (-9, True)
    assert ended.seconds < 30
