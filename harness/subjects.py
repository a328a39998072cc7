"""The subjects of a session: which interpreters run the cases, with which runtime."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cases.target import CPU
from harness.errors import ConfigurationError, WorkerError
from harness.setting_origins import told_where
from harness.settings import build_options_of
from harness.workers.subject import RuntimeName, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.cases.target import Target
    from harness.measurement.devices import Gpu
    from harness.settings import Settings
    from harness.workbench import Workbench

# The first import of TensorRT loads more than a gigabyte of libraries.
_IMPORT_SECONDS = 120.0


def runtime_of(target: Target) -> RuntimeName:
    """Return the runtime that cases run under on ``target`` where none is named."""
    return "onnxruntime" if target is CPU else "tensorrt"


def subjects_of(settings: Settings, target: Target, gpu: Gpu | None = None) -> tuple[Subject, ...]:
    """Return the subjects that the settings name, or the one that goes without saying.

    Args:
        settings: the settings in force.
        target: what the session runs on.
        gpu: the one GPU that their workers are to see.

    Raises:
        ConfigurationError: one is not of the form that ``--subject`` takes, two have one name, or a build option of the
            settings is one that a subject's runtime does not know or gives a value that it does not take.
    """
    runtime = runtime_of(target)
    with told_where(settings, "subjects"):
        subjects = tuple(Subject.parse(text, runtime) for text in settings.subjects) or (Subject(runtime, runtime),)
    names = [subject.name for subject in subjects]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigurationError(f"two subjects are called {min(twice)!r}; results would not tell them apart")
    _check_build_options(settings, subjects)
    return tuple(replace(subject, environment=gpu.selection) for subject in subjects) if gpu else subjects


def _check_build_options(settings: Settings, subjects: Iterable[Subject]) -> None:
    """Refuse build options before anything is built: which there are is the harness's to say, so no worker is asked."""
    options = build_options_of(settings.build_options)
    if not options:
        return
    from harness.runtimes.named import runtime_named

    for subject in subjects:
        with told_where(settings, "build_options"):
            runtime_named(subject.runtime).check_options(options)


def cuda_reference_of(settings: Settings, gpu: Gpu | None = None) -> Subject | None:
    """Return what computes references on a GPU, or None where the CPU's are wanted.

    ``cuda:PYTHON`` names its interpreter. With ``cuda`` alone it is that of the first subject whose runtime is
    ``onnxruntime-cuda``, else the harness's own.

    Args:
        settings: the settings in force.
        gpu: the one GPU that it is to see.

    Raises:
        ConfigurationError: there is no such interpreter.
    """
    provider, _, python = settings.reference.partition(":")
    if provider == "cpu":
        return None
    if not python:
        hosts = [s for text in settings.subjects if (s := Subject.parse(text)).runtime == "onnxruntime-cuda"]
        python = hosts[0].python if hosts else sys.executable
    if not Path(python).is_file():
        with told_where(settings, "reference"):
            raise ConfigurationError(f"--reference {settings.reference}: there is no interpreter at {python!r}")
    return Subject("reference-cuda", "onnxruntime-cuda", python, gpu.selection if gpu else {})


def cuda_versions(workbench: Workbench, deadline: float) -> dict[str, Any]:
    """Ask the worker for references on a GPU which software it has.

    Args:
        workbench: one that has such a worker.
        deadline: seconds to answer in.

    Raises:
        ConfigurationError: its interpreter cannot use the CUDA provider, and why.
        TargetError: there is no GPU.
    """
    worker = workbench.cuda_reference()
    assert worker is not None
    try:
        versions: dict[str, Any] = worker.call("versions", deadline=deadline)
    except WorkerError:
        said = worker.log_tail().strip().splitlines()
        raise ConfigurationError(
            f"{worker.subject.python} cannot compute references on a GPU: {said[-1] if said else 'it does not answer'}."
            f" It needs numpy, onnx and onnxruntime-gpu; name another interpreter with --reference cuda:PYTHON"
        ) from None
    return versions


def tensorrt_unusable(settings: Settings) -> str | None:
    """Say why no subject can use TensorRT, or return None where the first that hosts it can import it."""
    candidates = [Subject.parse(text, "tensorrt") for text in settings.subjects]
    hosts = [subject for subject in candidates if subject.runtime == "tensorrt"]
    if candidates and not hosts:
        return None  # every subject names another runtime
    python = hosts[0].python if hosts else sys.executable
    try:
        answer = subprocess.run(
            [python, "-c", "import tensorrt"], capture_output=True, text=True, timeout=_IMPORT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{python} does not answer: {error}"
    if answer.returncode == 0:
        return None
    said = answer.stderr.strip().splitlines()
    return (
        f"{python} cannot import tensorrt ({said[-1] if said else 'it crashed'}); install it with "
        f"pip install 'trt-harness[gpu]', or name an interpreter that has it: --subject NAME=PYTHON"
    )
