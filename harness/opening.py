"""What a session needs before its first case: a target, a history, workers; the same for pytest and for the shell."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.cases import metric_named
from harness.cases.target import CPU, TARGETS, Choice, Target, choose_target, target_of_gpu
from harness.errors import ConfigurationError, UsageError
from harness.history.records import EnvironmentRecord
from harness.measurement.devices import assign_gpu, present_gpus
from harness.measurement.environment import host_facts, host_identity
from harness.recorder import resumable
from harness.session_baselines import SessionBaselines
from harness.setting_origins import told_where
from harness.spacing import Spacing
from harness.subjects import cuda_reference_of, cuda_versions, tensorrt_unusable
from harness.surroundings import Surroundings, pytest_command
from harness.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from harness.cases import Case
    from harness.history.rows import PastRun
    from harness.history.store import History
    from harness.measurement.devices import Gpu
    from harness.settings import Settings

# What a resumed session goes on with.
_KEPT_BY_RESUMING = ("catalogue", "gpu", "models", "precisions", "profiles", "pace", "subjects", "build_options",
                     "builds", "engines", "reference", "baseline", "baseline_branch")  # fmt: skip


def target_of(settings: Settings) -> Choice:
    """Choose what a session runs on.

    Raises:
        TargetError: the target is unknown, is not the one that is present, or cannot be used.
    """
    gpus = tuple(gpu.name for gpu in present_gpus()) if settings.gpu != "cpu" else ()
    unusable = tensorrt_unusable(settings) if gpus else None
    with told_where(settings, "gpu"):
        return choose_target(settings.gpu, gpus, unusable)


def this_environment(gpu: Gpu | None = None) -> EnvironmentRecord:
    """Describe this machine as the environment of a session on its CPU, or on one of its GPUs."""
    host = host_identity()
    if gpu is None:
        name = f"CPU: {host['processor']}, {host['cores']} cores"
        return EnvironmentRecord(name=name, identity=host, facts=host_facts())
    # The processor feeds the GPU, but how many of its cores a container may use is not the GPU's identity.
    identity = {**gpu.identity, "processor": host["processor"], "system": host["system"]}
    return EnvironmentRecord(name=gpu.name, identity=identity, facts={**host, **host_facts(), "gpu_uuid": gpu.uuid})


def gpu_of(choice: Choice, worker: str = "") -> Gpu | None:
    """Return the GPU that this process uses on the chosen target: each of several processes its own; None on the CPU.

    GPUs of another kind than the target's are left alone.

    Args:
        choice: the session's.
        worker: xdist's name of this process; empty where there is only one.
    """
    if choice.target is CPU:
        return None
    gpus = present_gpus()
    known = choice.target.name in TARGETS
    alike = [gpu for gpu in gpus if (target_of_gpu(gpu.name) is choice.target if known else gpu.name == gpus[0].name)]
    return assign_gpu(worker, alike)


def check_writable(folder: Path, what: str) -> None:
    """Make sure that ``folder`` can be written to, or made, before any work is done for it; nothing is left behind.

    Args:
        folder: which need not exist.
        what: the setting that names it: ``report`` or ``cache``.

    Raises:
        ConfigurationError: it cannot; the text says why and names the setting.
    """
    # lexists, so that a link to nowhere is what is there.
    nearest = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    try:
        # Permissions do not tell of read-only mounts, quotas and network drives: only a file that was made does.
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        where = "" if nearest == folder else f" ({str(nearest)!r} is what there is of it)"
        raise ConfigurationError(
            f"the {what} folder {str(folder)!r}{where} cannot be written to: {error.strerror or error}. Name another "
            f"one by the setting {what!r}: TRT_HARNESS_{what.upper()}=DIR, or --{what} DIR where a command has it."
        ) from None


def check_folders(settings: Settings, root: Path) -> None:
    """Make sure that a session can keep its cache and, where it is to write one, its report; see ``check_writable``."""
    check_writable(root / settings.cache, "cache")
    if settings.report:
        check_writable(root / settings.report, "report")


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
    *,
    target: Target = CPU,
    gpu: Gpu | None = None,
    reproduce: Callable[[Case, str], str] = pytest_command,
) -> Surroundings:
    """Make what all cases of a session have in common; its workbench must be closed in the end.

    Args:
        session_id: the session's id: its own runs are no part of its baseline.
        settings: the settings in force.
        root: the folder that relative paths are meant from.
        history: where baselines come from; without one there are none.
        target: what the session runs on.
        gpu: the GPU that engines run on; None on the CPU.
        reproduce: (case, stage) -> the command that runs one stage again.

    Raises:
        UsageError: references are wanted from a GPU, and it cannot compute any; or the settings name a baseline that
            the history does not have.
    """
    environment = this_environment(gpu)

    baselines = SessionBaselines(history, settings, root, session=session_id, environment_hash=environment.hash)

    def past_runs(case: Case, metric: str, point: str, runtime: str) -> Sequence[PastRun]:
        if history is None:
            return ()
        return history.queries.past_runs(
            baselines.fingerprints(case, metric, point),
            runtime=runtime,
            before_session=session_id,
            pace=settings.pace if metric_named(metric).timed else None,
        )

    cuda = cuda_reference_of(settings, gpu)
    folder = root / ".trt-harness" / "sessions" / session_id
    workbench = Workbench(folder, root / settings.cache, [root], cuda=cuda)
    if cuda:
        try:
            cuda_versions(workbench, settings.case_timeout)
        except UsageError:
            workbench.close()
            raise

    return Surroundings(
        session=session_id,
        settings=settings,
        environment=environment,
        workbench=workbench,
        baseline=baselines.values,
        quarantine=baselines.quarantine,
        remarks=tuple(baselines.remarks),
        past_runs=past_runs,
        layers_of=history.queries.layers_of if history else lambda _: (),
        reproduce=reproduce,
        target=target,
        board=gpu.board if gpu else None,
        spacing=Spacing(settings.confirmation_spacing),
    )


def as_in_resumed_session(settings: Settings, root: Path, given: Collection[str]) -> Settings:
    """Return ``settings`` with what decides which cases are run, and how, as in the session that is resumed.

    Args:
        settings: the settings in force, with ``resume``.
        root: the folder that relative paths are meant from.
        given: names of settings that the command line gives, which are left as they are.

    Raises:
        ConfigurationError: the history has no such session.
        HistoryError: it cannot be read.
    """
    history = open_for_reading(settings.db, root)
    if history is None:
        raise ConfigurationError(
            f"--resume {settings.resume!r}: the history has no such session, for there is none at "
            f"{settings.shown_db!r} yet"
        )
    with history:
        stored = resumable(history, settings.resume).settings
    kept: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name in _KEPT_BY_RESUMING
        if name not in given and (value := stored.get(name)) is not None
    }
    return replace(settings, **kept)
