"""Make a history and a report from the recorded sessions of ``examples/demo``; ``scripts/demo`` calls this.

What was measured and what was judged then is stored through the calls that a session makes; only the search for the
runs at which levels changed is done anew, after each session as it is then.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from demo_records import read_recording

from harness.errors import UsageError
from harness.history.store import History
from reports.write import write_report

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
TITLE = "TensorRT on an NVIDIA H200: recorded sessions"


def replay(recording: Path, history: History) -> None:
    """Store every session of a recording in an empty history."""
    for session in read_recording(recording):
        history.start_session(session.record)
        for trial in session.trials:
            history.add_trial(trial)
        history.find_change_points(session.record.id)
        history.finish_session(session.record.id, session.status, at=session.finished_at)


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay, write the report, and print the path of its first page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", type=Path, default=ROOT / "examples" / "demo" / "sessions.jsonl.xz")
    parser.add_argument("--output", type=Path, default=Path("build", "demo"), metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        # Replaced as a whole, so that a demonstration that was broken off leaves the former one as it was.
        with tempfile.TemporaryDirectory(dir=options.output) as scratch:
            made = Path(scratch) / "history.db"
            with History.open(made) as history:
                replay(options.recording, history)
            made.replace(options.output / "history.db")
        with History.open(options.output / "history.db", read_only=True) as history:
            print(write_report(history, options.output, title=TITLE))
    except (UsageError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
