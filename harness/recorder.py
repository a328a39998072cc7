"""The one writer of a session: trials go to the history as they come."""

from __future__ import annotations

import subprocess
import sys
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import harness
from harness.errors import ConfigurationError, HistoryError
from harness.history.records import SessionRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.history.records import TrialRecord
    from harness.history.store import History


def new_session_id() -> str:
    """Return 12 hexadecimal digits that no other session has."""
    return uuid.uuid4().hex[:12]


class Recorder:
    """Writes trials as they finish, one commit each, and keeps them for the summary.

    Args:
        history: open for writing.
        session: the session's record, of an earlier session where that is resumed.
    """

    def __init__(self, history: History, session: SessionRecord) -> None:
        self.history = history
        self.session = session
        self.trials: list[TrialRecord] = []
        self._begun = False

    def begin(self) -> None:
        """Write the session itself."""
        if not self._begun:
            self.history.start_session(self.session)
            self._begun = True

    def add(self, trial: TrialRecord) -> None:
        """Write one trial: one commit."""
        self.begin()
        self.history.add_trial(trial)
        self.trials.append(trial)

    def finish(self, status: str) -> None:
        """Adjust the session's verdicts to each other and note how it ended: ``finished`` or ``interrupted``."""
        if self._begun:
            self.history.adjust_verdicts(self.session.id)
            self.history.finish_session(self.session.id, status)


def session_record(session_id: str, root: Path, settings: Mapping[str, Any]) -> SessionRecord:
    """Describe the session that begins now, with the commit of the checkout at ``root``."""
    commit = _git(root, "rev-parse", "HEAD")
    return SessionRecord(
        id=session_id,
        started_at=datetime.now(timezone.utc),
        command=" ".join([sys.argv[0].rpartition("/")[2], *sys.argv[1:]]),
        settings=settings,
        commit=commit,
        branch=_git(root, "rev-parse", "--abbrev-ref", "HEAD") if commit else None,
        dirty=bool(commit and _git(root, "status", "--porcelain")),
        harness_version=harness.__version__,
    )


def resumable(history: History, session_id: str) -> SessionRecord:
    """Return the record of the session to go on with.

    Raises:
        ConfigurationError: the history has no such session.
    """
    try:
        return history.queries.session(session_id).record
    except HistoryError:
        known = ", ".join(row.record.id for row in history.queries.sessions()[:5]) or "none"
        raise ConfigurationError(
            f"--resume {session_id!r}: the history has no such session. The last ones: {known}"
        ) from None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
