"""The one writer of a session: trials go to the history as they come."""

from __future__ import annotations

import shlex
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
from harness.addresses import without_password
from harness.checkout import branch_of, git, merge_base, target_branch
from harness.errors import ConfigurationError, HistoryError
from harness.history.records import SessionRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        """Adjust the session's verdicts to each other and note how it ended: ``finished`` or ``interrupted``.

        Then see whether its runs show since when something changed.
        """
        if self._begun:
            self.history.adjust_verdicts(self.session.id)
            self.history.finish_session(self.session.id, status)
            self.history.find_change_points(self.session.id)


def session_record(session_id: str, root: Path, settings: Mapping[str, Any]) -> SessionRecord:
    """Describe the session that begins now, with the commit of the checkout at ``root``.

    Where it is known what the checkout is to be merged into, the commit at which it left that is added to the settings.
    """
    commit = git(root, "rev-parse", "HEAD")
    target = target_branch(str(settings.get("baseline_branch", "")))
    base = merge_base(root, target) if target else None
    return SessionRecord(
        id=session_id,
        started_at=datetime.now(timezone.utc),
        command=command_line(sys.argv),
        settings={**settings, **({"merge_base": base} if base else {}), **_shown(settings)},
        commit=commit,
        branch=branch_of(root) if commit else None,
        dirty=bool(commit and git(root, "status", "--porcelain")),
        harness_version=harness.__version__,
    )


def command_line(arguments: Sequence[str]) -> str:
    """Return what was typed, from ``sys.argv``: no folders, and of a package run by ``python -m`` its name.

    Words are quoted as a POSIX shell needs them; of an address of a database, its password is left out.
    """
    program = Path(arguments[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    return shlex.join([name, *map(without_password, arguments[1:])])


def _shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are stored otherwise than they are: whoever reads a report may not open its database."""
    return {"db": without_password(settings["db"])} if "db" in settings else {}


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
