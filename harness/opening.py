"""What a session needs before its first case: a target, a history, workers; the same for pytest and for the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cases.target import Choice, choose_target
from harness.history.records import EnvironmentRecord
from harness.measurement.devices import present_gpus
from harness.measurement.environment import host_facts, host_identity
from harness.session import Surroundings, pytest_command
from harness.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.cases import Case
    from harness.history.store import History
    from harness.settings import Settings

TENSORRT_MISSING = "this version of the harness has no TensorRT runtime yet"


def target_of(settings: Settings) -> Choice:
    """Choose what a session runs on.

    Raises:
        TargetError: the target is unknown, is not the one that is present, or cannot be used.
    """
    gpus = present_gpus() if settings.gpu != "cpu" else ()
    return choose_target(settings.gpu, gpus, TENSORRT_MISSING)


def this_environment() -> EnvironmentRecord:
    """Describe this machine as the environment of a session on its CPU."""
    identity = host_identity()
    name = f"CPU: {identity['processor']}, {identity['cores']} cores"
    return EnvironmentRecord(name=name, identity=identity, facts=host_facts())


def database_url(text: str, root: Path) -> str:
    """Return ``text`` as it is where it is a URL, else as a path below ``root``."""
    return text if "://" in text else str(root / text)


def open_for_writing(db: str, root: Path, *, upgrade: bool = False) -> History:
    """Open the history ``db`` names, or make it; ``upgrade`` brings an older schema up to date.

    Raises:
        HistoryError: it cannot be had.
    """
    from harness.history.store import History

    return History.open(database_url(db, root), upgrade=upgrade)


def open_for_reading(db: str, root: Path) -> History | None:
    """Open the history ``db`` names beside its writer, or return None where there is none yet.

    Raises:
        HistoryError: it is there and cannot be read.
    """
    from harness.history.location import Location
    from harness.history.store import History

    url = database_url(db, root)
    return None if Location.of(url).holds_nothing else History.open(url, read_only=True)


def surroundings_of(
    session_id: str,
    settings: Settings,
    root: Path,
    history: History | None,
    reproduce: Callable[[Case, str], str] = pytest_command,
) -> Surroundings:
    """Make what all cases of a session have in common; its workbench must be closed in the end.

    Args:
        session_id: the session's id: its own runs are no part of its baseline.
        settings: the settings in force.
        root: the folder that relative paths are meant from.
        history: where baselines come from; without one there are none.
        reproduce: (case, stage) -> the command that runs one stage again.
    """
    environment = this_environment()

    def baseline(case: Case, metric: str, point: str) -> Sequence[float]:
        if history is None:
            return ()
        return history.queries.baseline_values(
            case.id,
            case.model.version,
            environment.hash,
            metric,
            point,
            last=settings.baseline_runs,
            before_session=session_id,
        )

    return Surroundings(
        session=session_id,
        settings=settings,
        environment=environment,
        workbench=Workbench(root / ".trt-harness" / "sessions" / session_id, root / settings.cache, [root]),
        baseline=baseline,
        reproduce=reproduce,
    )
