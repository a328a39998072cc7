from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import TargetError
from harness.measurement.devices import Gpu, assign_gpu, present_gpus, visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

H200 = Gpu(
    index=0,
    name="NVIDIA H200",
    uuid="GPU-aaaa-1",
    driver="580.65.06",
    memory_mib=143771,
    power_limit_w=700.0,
    pcie_generation=5,
    pcie_width=16,
    error_correction="Enabled",
)
SECOND = replace(H200, index=1, uuid="GPU-aaaa-2")
T4 = Gpu(index=2, name="Tesla T4", uuid="GPU-bbbb-3", driver="580.65.06", memory_mib=15360)
ALL = (H200, SECOND, T4)

MODERN_ANSWER = """0, NVIDIA H200, 143771, GPU-aaaa-1, 580.65.06, 700.00, 5, 16, Enabled
2, Tesla T4, 15360, GPU-bbbb-3, 580.65.06, [N/A], [Unknown Error], N/A, [Not Supported]
"""


@pytest.fixture
def install_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a stand-in for nvidia-smi with the given shell script alone on the path."""

    def install(script: str) -> None:
        command = tmp_path / "nvidia-smi"
        command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        command.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return install


def test_the_gpus_are_those_that_the_driver_names(install_driver: Callable[[str], None]) -> None:
    """One record a line, in the driver's order; what it does not tell is None."""
    install_driver(f'[ "$2" = --format=csv,noheader,nounits ] && printf "%s" "{MODERN_ANSWER}"')
    assert present_gpus() == (H200, T4)


def test_a_driver_that_lacks_a_field_is_asked_for_less(install_driver: Callable[[str], None]) -> None:
    """An older nvidia-smi, which refuses the whole question for one field, still tells what it knows."""
    install_driver(
        'case "$1" in *ecc*) echo "Field is not valid"; exit 2;; esac; echo "2, Tesla T4, 15360, GPU-bbbb-3, 580.65.06"'
    )
    assert present_gpus() == (T4,)


def test_gpus_that_are_hidden_are_not_there(
    install_driver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session sees the GPUs that its CUDA programs will see."""
    install_driver(f'printf "%s" "{MODERN_ANSWER}"')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert present_gpus() == (T4,)


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without nvidia-smi has no GPU to offer."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert present_gpus() == ()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo 'NVIDIA-SMI has failed, because, of, this, and, that, and, more'; exit 9",
                     id="a driver that fails"),
        pytest.param("exit 0", id="a driver that knows none"),
        pytest.param("echo No devices were found", id="a driver that says so in a sentence"),
    ],
)  # fmt: skip
def test_a_driver_that_does_not_answer_has_none(install_driver: Callable[[str], None], script: str) -> None:
    """Its complaint is not taken for a GPU."""
    install_driver(script)
    assert present_gpus() == ()


def test_a_driver_that_hangs_has_none(monkeypatch: pytest.MonkeyPatch, install_driver: Callable[[str], None]) -> None:
    """A session does not wait for it without end."""
    install_driver("exec /bin/sleep 60")
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *args, **more: run(*args, **{**more, "timeout": 0.2}))
    assert present_gpus() == ()


@pytest.mark.parametrize(
    ("selection", "seen"),
    [
        pytest.param(None, ALL, id="a variable that is not set hides nothing"),
        pytest.param("", (), id="an empty one hides everything"),
        pytest.param("-1", (), id="so does the usual -1"),
        pytest.param("1", (SECOND,), id="one place"),
        pytest.param("2, 0", (T4, H200), id="places in another order"),
        pytest.param("0,7,1", (H200,), id="a place that is not there ends the list"),
        pytest.param("0,0,1", (H200,), id="a place that was named ends the list"),
        pytest.param("GPU-bbbb-3,GPU-aaaa-1", (T4, H200), id="UUIDs"),
        pytest.param("GPU-bb", (T4,), id="the beginning of a UUID"),
        pytest.param("GPU-aaaa", (), id="the beginning of two of them"),
        pytest.param("MIG-aaaa-1", (), id="a slice is no GPU"),
    ],
)
def test_a_selection_is_read_as_cuda_reads_it(selection: str | None, seen: tuple[Gpu, ...]) -> None:
    """What is visible, and in which order, is what a CUDA program would find."""
    assert visible(ALL, selection) == seen


@pytest.mark.parametrize(
    ("worker", "gpu"),
    [
        pytest.param("gw0", H200, id="the first worker gets the first"),
        pytest.param("gw2", T4, id="the third the third"),
        pytest.param("gw4", SECOND, id="more workers than GPUs go round"),
        pytest.param("gw13", SECOND, id="numbers have several digits"),
        pytest.param("master", H200, id="the only process gets the first"),
        pytest.param("", H200, id="so does one without a name"),
    ],
)
def test_each_worker_has_its_gpu(worker: str, gpu: Gpu) -> None:
    """With as many GPUs as workers no two workers share one."""
    assert assign_gpu(worker, ALL) is gpu


def test_without_a_gpu_none_can_be_assigned() -> None:
    """The error says what hides them, and the way out."""
    with pytest.raises(TargetError, match=r"CUDA_VISIBLE_DEVICES.*--gpu cpu"):
        assign_gpu("gw0", ())


def test_a_process_can_be_given_one_gpu_alone() -> None:
    """It is named by its UUID, which means the same whatever the order of numbering."""
    assert SECOND.selection["CUDA_VISIBLE_DEVICES"] == "GPU-aaaa-2"
    assert visible(ALL, SECOND.selection["CUDA_VISIBLE_DEVICES"]) == (SECOND,)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(H200, uuid="GPU-cccc-9"), id="another one of its kind"),
        pytest.param(replace(H200, index=5), id="another place"),
        pytest.param(replace(H200, driver="590.1"), id="another driver"),
        pytest.param(replace(H200, memory_mib=144384), id="a driver that shows more of the memory"),
    ],
)
def test_what_does_not_change_results_is_no_part_of_the_identity(other: Gpu) -> None:
    """A series goes on after an update of the driver and an exchange for an equal GPU."""
    assert other.identity == H200.identity


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(H200, name="NVIDIA H200 NVL"), id="another model"),
        pytest.param(replace(H200, power_limit_w=500.0), id="another power limit"),
        pytest.param(replace(H200, pcie_generation=4), id="a slower slot"),
        pytest.param(replace(H200, error_correction="Disabled"), id="memory without error correction"),
    ],
)
def test_what_changes_results_is_part_of_the_identity(other: Gpu) -> None:
    """Such a machine is another environment, and its results start series of their own."""
    assert other.identity != H200.identity


def test_an_unknown_gpu_has_an_identity_too() -> None:
    """Without a data sheet the memory is what the driver shows, and what it does not tell is None."""
    gpu = Gpu(index=0, name="NVIDIA Z9", uuid="GPU-1", driver="1", memory_mib=97871)
    assert gpu.board is None
    assert (gpu.identity["gpu_memory_gb"], gpu.identity["gpu_pcie"]) == (96, None)
    assert replace(gpu, memory_mib=None).identity["gpu_memory_gb"] is None
