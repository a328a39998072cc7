"""The end of a session: verdicts adjusted to each other, status, report; the same for pytest and the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from harness.recorder import Recorder


def end_session(recorder: Recorder, status: str, report: Path | None) -> Path | None:
    """Note how a session ended, write the report of the history up to it, and close the history.

    Args:
        recorder: of the session.
        status: ``finished`` or ``interrupted``.
        report: the report's folder; None writes none, and neither does a session that stored no trial.

    Returns:
        The report's first page, if it was written.

    Raises:
        UsageError: the history or the report cannot be written.
    """
    try:
        recorder.finish(status)
        if report is None or not recorder.trials:
            return None
        from reports.write import write_report

        return write_report(recorder.history, report)
    finally:
        recorder.history.close()
