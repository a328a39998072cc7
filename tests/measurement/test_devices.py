from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.measurement.devices import present_gpus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def install_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a stand-in for nvidia-smi with the given shell script alone on the path."""

    def install(script: str) -> None:
        command = tmp_path / "nvidia-smi"
        command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        command.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    return install


def test_the_gpus_are_those_that_the_driver_names(install_driver: Callable[[str], None]) -> None:
    """One name a line, in the driver's order, asked for by name alone."""
    install_driver('[ "$1" = --query-gpu=name ] && echo "NVIDIA H200" && echo " Tesla T4 " && echo')
    assert present_gpus() == ("NVIDIA H200", "Tesla T4")


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without nvidia-smi has no GPU to offer."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert present_gpus() == ()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo 'NVIDIA-SMI has failed'; exit 9", id="a driver that fails"),
        pytest.param("exit 0", id="a driver that knows none"),
    ],
)
def test_a_driver_that_does_not_answer_has_none(install_driver: Callable[[str], None], script: str) -> None:
    """Its complaint is not taken for the name of a GPU."""
    install_driver(script)
    assert present_gpus() == ()


def test_a_driver_that_hangs_has_none(monkeypatch: pytest.MonkeyPatch, install_driver: Callable[[str], None]) -> None:
    """A session does not wait for it without end."""
    install_driver("exec /bin/sleep 60")
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *args, **more: run(*args, **{**more, "timeout": 0.2}))
    assert present_gpus() == ()
