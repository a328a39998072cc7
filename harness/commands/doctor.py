"""``trt-harness doctor``: what this machine can run, and why not."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
from harness.cases import RECIPES, Precision
from harness.commands.doctor_tolerances import examine_tolerances
from harness.commands.installed import Problem, driver, installed_packages, package_problems, tensorrt
from harness.errors import HarnessError, UsageError, WorkerError
from harness.history.location import Location
from harness.measurement.devices import present_gpus
from harness.measurement.environment import host_facts, host_identity
from harness.opening import database_url, open_for_reading, open_for_writing, target_of
from harness.settings import Settings, load_catalogue
from harness.subjects import cuda_reference_of, cuda_versions, subjects_of
from harness.workbench import Workbench

if TYPE_CHECKING:
    from harness.workers.client import WorkerClient
    from harness.workers.subject import Subject

_SECONDS_TO_ANSWER = 60.0


@dataclass
class Diagnosis:
    """What was found on this machine.

    Attributes:
        facts: by section, by name: plain data, None where there is no such thing.
        problems: what is wrong, in the order in which it was found.
    """

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def can_run(self) -> bool:
        """Whether suites can be run here."""
        return not any(problem.blocking for problem in self.problems)

    def blocked(self, text: str) -> None:
        """Note a problem because of which no suite can be run."""
        self.problems.append(Problem(text, blocking=True))

    def warned(self, text: str) -> None:
        """Note a problem with which suites can be run all the same."""
        self.problems.append(Problem(text, blocking=False))


def examine(settings: Settings, root: Path) -> Diagnosis:
    """Look at everything that a session needs, and change nothing.

    Args:
        settings: the settings in force.
        root: the folder that their relative paths are meant from.
    """
    diagnosis = Diagnosis()
    _software(diagnosis)
    _machine(diagnosis)
    _gpus(diagnosis, settings)
    _subjects(diagnosis, settings)
    _catalogue(diagnosis, settings, root)
    _history(diagnosis, settings, root)
    _tolerances(diagnosis, settings, root)
    _cache(diagnosis, root / settings.cache, settings.cache)
    return diagnosis


def _software(diagnosis: Diagnosis) -> None:
    packages = installed_packages()
    diagnosis.facts["software"] = {
        "trt-harness": harness.__version__,
        "python": sys.version.split()[0],
        "interpreter": sys.executable,
        "packages": packages,
    }
    diagnosis.problems += package_problems(packages)


def _machine(diagnosis: Diagnosis) -> None:
    facts = {**host_identity(), **host_facts()}
    if hasattr(os, "getloadavg"):
        facts["load"] = round(os.getloadavg()[0], 2)
    diagnosis.facts["machine"] = facts
    if facts["governor"] not in {None, "performance"}:
        diagnosis.warned(
            f"the processor's governor is {facts['governor']!r}, so its frequency, and with it every latency, varies: "
            "cpupower frequency-set -g performance"
        )
    if facts.get("load", 0.0) > facts["cores"]:
        diagnosis.warned(
            f"the load average is {facts['load']} on {facts['cores']} cores; trials beside other work are marked "
            "contended and left out of baselines"
        )


def _gpus(diagnosis: Diagnosis, settings: Settings) -> None:
    gpus = tuple(gpu.name for gpu in present_gpus())
    driver_version, driver_problem = driver()
    tensorrt_version, tensorrt_problem = tensorrt()
    facts: dict[str, Any] = {
        "gpus": list(gpus),
        "driver": driver_version,
        "tensorrt": tensorrt_version,
        "gpu_seen": bool(gpus or driver_version or driver_problem),
        "target": None,
    }
    diagnosis.facts["target"] = facts
    for problem in (driver_problem, tensorrt_problem):
        if problem:
            diagnosis.warned(problem)
    try:
        choice = target_of(settings)
    except UsageError as error:
        diagnosis.blocked(str(error))
    else:
        facts["target"] = f"{choice.target.name} ({choice.reason})"


def _subjects(diagnosis: Diagnosis, settings: Settings) -> None:
    """Ask each subject, in a worker as a session would, for its version and for what it can run."""
    facts = diagnosis.facts["subjects"] = {}
    try:
        subjects = subjects_of(settings, target_of(settings).target)
    except UsageError as error:
        diagnosis.blocked(str(error))
        return
    with tempfile.TemporaryDirectory(prefix="trt-harness-doctor-") as folder:
        workbench = Workbench(Path(folder), Path(folder), [])
        try:
            for subject in subjects:
                facts[subject.name] = _answers_of(workbench, subject, diagnosis)
        finally:
            workbench.close()
    # Where there is no GPU, how to install what uses one is no advice; whoever asks for it is told all the same.
    if diagnosis.facts["target"]["gpu_seen"] or settings.reference != "cpu":
        diagnosis.facts["target"]["cuda_provider"] = _cuda_provider(settings, diagnosis)


def _cuda_provider(settings: Settings, diagnosis: Diagnosis) -> dict[str, Any]:
    """Say which software onnxruntime's CUDA provider has where references would be computed, or why it cannot be used.

    Nobody needs it who does not ask for it, so it is a problem only where the settings do.
    """
    wanted = settings.reference != "cpu"
    with tempfile.TemporaryDirectory(prefix="trt-harness-doctor-") as folder:
        try:
            cuda = cuda_reference_of(settings if wanted else replace(settings, reference="cuda"))
            workbench = Workbench(Path(folder), Path(folder), [], cuda=cuda)
            try:
                versions = cuda_versions(workbench, _SECONDS_TO_ANSWER)
            finally:
                workbench.close()
        except UsageError as error:
            if wanted:
                diagnosis.blocked(f"--reference {settings.reference}: {error}")
            return {"version": None, "libraries": {}, "reason": str(error)}
    return {"version": versions["version"], "libraries": versions["libraries"], "reason": None}


def _answers_of(workbench: Workbench, subject: Subject, diagnosis: Diagnosis) -> dict[str, Any] | None:
    said = ""
    try:
        worker = workbench.builder(subject)
        try:
            versions = worker.call("versions", deadline=_SECONDS_TO_ANSWER)
            reasons = {recipe: _reason(worker, Precision(recipe)) for recipe in RECIPES}
        except WorkerError:
            # All of its log: one that fails as it starts has written before it is asked anything.
            said = worker.log_tail()
            raise
    except (HarnessError, OSError) as error:
        lines = (said or str(error)).strip().splitlines()
        diagnosis.blocked(
            f"the subject {subject.name!r} ({subject.python}) does not answer: {lines[-1]}. It needs numpy, onnx and "
            f"{subject.package}: {subject.python} -m pip install numpy onnx {subject.package}"
        )
        return None
    return {"interpreter": subject.python, **versions, "precisions": reasons}


def _reason(worker: WorkerClient, precision: Precision) -> str | None:
    answer: dict[str, str | None] = worker.call(
        "unsupported", deadline=_SECONDS_TO_ANSWER, precision=precision.to_json()
    )
    return answer["reason"]


def _catalogue(diagnosis: Diagnosis, settings: Settings, root: Path) -> None:
    facts: dict[str, Any] = {"reference": settings.catalogue, "models": None}
    diagnosis.facts["catalogue"] = facts
    try:
        facts["models"] = [model.name for model in load_catalogue(settings.catalogue, root)]
    except UsageError as error:
        diagnosis.blocked(str(error))


def _history(diagnosis: Diagnosis, settings: Settings, root: Path) -> None:
    facts: dict[str, Any] = {"location": settings.shown_db, "exists": False, "bytes": None, "sessions": None}
    diagnosis.facts["history"] = facts
    try:
        location = Location.of(database_url(settings.db, root))
        if location.holds_nothing and location.path is not None:
            if not _can_be_made(location.path):
                diagnosis.blocked(f"the folder of the history {settings.shown_db} is read-only; choose another: --db")
            return
        with open_for_writing(settings.db, root) as history:
            facts["sessions"] = len(history.queries.sessions())
        facts["exists"] = True
        facts["bytes"] = location.path.stat().st_size if location.path else None
    except UsageError as error:
        diagnosis.blocked(str(error))


def _tolerances(diagnosis: Diagnosis, settings: Settings, root: Path) -> None:
    diagnosis.facts["tolerances"] = {}
    try:
        models = load_catalogue(settings.catalogue, root)
        history = open_for_reading(settings.db, root)
        with history or nullcontext():
            facts, warnings = examine_tolerances(models, root / settings.cache, history.queries if history else None)
    except UsageError:
        return  # told already, and without it there is nothing to be said
    diagnosis.facts["tolerances"] = facts
    for warning in warnings:
        diagnosis.warned(warning)


def _cache(diagnosis: Diagnosis, folder: Path, given: str) -> None:
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    diagnosis.facts["cache"] = {"folder": given, "files": len(sizes), "bytes": sum(sizes)}
    if not _can_be_made(folder / "graphs"):
        diagnosis.blocked(f"the cache {given} cannot be written to; choose another with `cache` or --cache")


def _can_be_made(path: Path) -> bool:
    """Whether this user may make ``path``, and the folders above it that are not there."""
    there = next(folder for folder in path.absolute().parents if folder.exists())
    return there.is_dir() and os.access(there, os.W_OK)
