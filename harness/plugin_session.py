"""What the plugin holds between its hooks: settings, workers, history."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import harness
from harness.ending import end_session
from harness.opening import check_folders, gpu_of, open_for_reading, open_for_writing, surroundings_of, target_of
from harness.recorder import Recorder, new_session_id, resumable, session_record
from harness.summary import summary_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.cases.target import Choice
    from harness.history.store import History
    from harness.measurement.devices import Gpu
    from harness.settings import Settings
    from harness.surroundings import Surroundings


class PluginSession:
    """One session as one process sees it: the one that writes the history, or an xdist worker beside it.

    Args:
        settings: the settings in force.
        plain: the same as plain data, to be stored.
        root: the folder that relative paths are meant from.
        session_id: the session's id, on an xdist worker; empty makes a new one or takes the one to be resumed.
        worker: xdist's name of this process where it is a worker, whose controller writes the history; else empty.
    """

    def __init__(
        self, settings: Settings, plain: Mapping[str, Any], root: Path, *, session_id: str, worker: str
    ) -> None:
        self._settings, self._plain, self._root = settings, plain, root
        self._worker, self._writes = worker, not worker
        self.id = session_id or settings.resume or new_session_id()
        self._surroundings: Surroundings | None = None
        self._history: History | None = None
        self._recorder: Recorder | None = None
        self._recorded: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}

    def open(self) -> None:
        """Open the history and make the workbench.

        Raises:
            UsageError: the target or the history cannot be had, or the cache or the report could not be written.
        """
        check_folders(self._settings, self._root)
        if self._writes:
            self._history = self.recorder.history
            self._recorder = self.recorder
        else:
            self._history = open_for_reading(self._settings.db, self._root)
        if self._settings.resume and self._history:
            self._recorded = self._history.queries.recorded_findings(self.id)
        self._surroundings = surroundings_of(
            self.id, self._settings, self._root, self._history, target=self.choice.target, gpu=self.gpu
        )
        if self._writes:
            self.recorder.begin()

    @functools.cached_property
    def choice(self) -> Choice:
        """What the session runs on, and why.

        Raises:
            TargetError: the target is unknown, is not the one that is present, or cannot be used.
        """
        return target_of(self._settings)

    @functools.cached_property
    def gpu(self) -> Gpu | None:
        """The GPU that this process uses; None on the CPU."""
        return gpu_of(self.choice, self._worker)

    @property
    def surroundings(self) -> Surroundings:
        """What the cases have in common."""
        assert self._surroundings is not None, "the session is opened when the collection is finished"
        return self._surroundings

    @property
    def recorder(self) -> Recorder:
        """The writer; opening it opens the history."""
        if self._recorder is None:
            history = open_for_writing(self._settings.db, self._root)
            if self._settings.resume:
                self._recorder = Recorder(history, resumable(history, self._settings.resume))
            else:
                record = session_record(self.id, self._root, self._plain)
                self._recorder = Recorder(history, record)
        return self._recorder

    def recorded_findings(self, case_id: str, subject: str) -> dict[str, tuple[str, str]]:
        """Return outcome and message by stage, where the session that is resumed has finished this case."""
        return self._recorded.get((case_id, subject), {})

    def header(self) -> list[str]:
        """Say what the cases run on and where they are remembered."""
        resumed = f", {len(self._recorded)} cases recorded already" if self._settings.resume else ""
        return [
            f"trt-harness {harness.__version__}: target {self.choice.target.name} ({self.choice.reason})",
            f"session {self.id}{resumed}; history {self._settings.shown_db}",
            *(self._surroundings.remarks if self._surroundings else ()),
        ]

    def finish(self, status: str) -> Path | None:
        """End the session and return the report's first page, if there is one."""
        if self._recorder is None:
            return None
        return end_session(
            self._recorder, status, self._root / self._settings.report if self._settings.report else None
        )

    def summary(self, report: Path | None) -> list[str]:
        """Return the lines that end a session in the terminal."""
        if self._recorder is None:
            return []
        return summary_lines(self._recorder.trials, session=self.id, report=report, db=self._settings.shown_db)

    def close(self) -> None:
        """End the workers."""
        if self._surroundings is not None:
            self._surroundings.workbench.close()
        if not self._writes and self._history is not None:
            self._history.close()
