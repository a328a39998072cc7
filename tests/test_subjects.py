from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import onnxruntime
import pytest

from harness.cases.target import CPU, TARGETS, Target
from harness.errors import ConfigurationError
from harness.measurement.devices import Gpu
from harness.settings import Settings
from harness.subjects import cuda_reference_of, cuda_versions, subjects_of
from harness.workbench import Workbench

if TYPE_CHECKING:
    from pathlib import Path

GPU = Gpu(index=0, name="NVIDIA H200", uuid="GPU-1", driver="580.1")


def program(file: Path, line: str = "exit 1") -> str:
    """Write an interpreter of one line and return its path."""
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)
    return str(file)


def test_nothing_is_wanted_of_a_gpu_by_default() -> None:
    """References are computed on the CPU."""
    assert cuda_reference_of(Settings()) is None


def test_the_interpreter_of_a_cuda_reference(tmp_path: Path) -> None:
    """It is the one that is named, else that of the first subject on the CUDA provider, else the harness's own."""
    named, hosting = program(tmp_path / "named"), program(tmp_path / "hosting")
    subjects = (f"plain=onnxruntime:{named}", f"cuda=onnxruntime-cuda:{hosting}", f"later=onnxruntime-cuda:{named}")
    for settings, python in (
        (Settings(reference=f"cuda:{named}", subjects=subjects), named),
        (Settings(reference="cuda", subjects=subjects), hosting),
        (Settings(reference="cuda"), sys.executable),
    ):
        found = cuda_reference_of(settings, GPU)
        assert found is not None
        assert (found.runtime, found.python) == ("onnxruntime-cuda", python)
        assert found.environment["CUDA_VISIBLE_DEVICES"] == "GPU-1"


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        pytest.param(CPU, ("sparse=true",), "'sparse' is no build option of onnxruntime.*Known: opt", id="name"),
        pytest.param(CPU, ("optimization=most",), "takes 'disabled', 'basic', 'extended', 'all'", id="value"),
        pytest.param(
            TARGETS["t4"],
            ("optimization=all",),
            "'optimization' is no build option of tensorrt. Did you mean 'optimization_level'",
            id="another runtime's",
        ),
    ],
)
def test_build_options_are_held_against_each_subjects_runtime(
    target: Target, options: tuple[str, ...], message: str
) -> None:
    """What a runtime does not know is refused before anything is built, with what it knows."""
    with pytest.raises(ConfigurationError, match=message):
        subjects_of(Settings(build_options=options), target)


def test_an_option_of_one_subject_must_be_known_to_the_other(tmp_path: Path) -> None:
    """Every subject gets it, so each of the second's cases would fail."""
    python = program(tmp_path / "python")
    both = Settings(subjects=(f"a={python}", f"b=tensorrt:{python}"), build_options=("optimization=all",))
    with pytest.raises(ConfigurationError, match="no build option of tensorrt"):
        subjects_of(both, CPU)
    assert [subject.name for subject in subjects_of(replace(both, subjects=both.subjects[:1]), CPU)] == ["a"]


def test_an_interpreter_that_is_not_there_is_refused() -> None:
    """The error repeats the option."""
    with pytest.raises(ConfigurationError, match=r"--reference cuda:/no/python: there is no interpreter"):
        cuda_reference_of(Settings(reference="cuda:/no/python"))


def test_an_interpreter_that_cannot_host_a_worker_is_said(tmp_path: Path) -> None:
    """Its own last words are the reason, with what it needs."""
    broken = program(tmp_path / "python", "echo there is no numpy here >&2; exit 1")
    workbench = Workbench(
        tmp_path / "session", tmp_path / "cache", [], cuda=cuda_reference_of(Settings(reference=f"cuda:{broken}"))
    )
    with pytest.raises(ConfigurationError, match=r"there is no numpy here\. It needs numpy, onnx and onnxruntime-gpu"):
        cuda_versions(workbench, 60)
    workbench.close()


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this onnxruntime has the CUDA provider"
)
def test_an_onnxruntime_without_the_provider_is_said(tmp_path: Path) -> None:
    """Asked of the harness's own interpreter, the reason comes from its worker, with the package that has it."""
    workbench = Workbench(
        tmp_path / "session", tmp_path / "cache", [], cuda=cuda_reference_of(Settings(reference="cuda"))
    )
    with pytest.raises(ConfigurationError, match=r"has no CUDA provider\..*onnxruntime-gpu"):
        cuda_versions(workbench, 60)
    workbench.close()
