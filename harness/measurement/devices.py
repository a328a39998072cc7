"""GPUs that are present, whether or not anything here can use them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.cases.boards import Board, board_of_gpu
from harness.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS_TO_ANSWER = 20

# What nvidia-smi is asked for, by the attribute that it becomes. Drivers that lack one of them refuse the whole
# question, so they are asked again for what every driver knows.
_BASIC_FIELDS = {
    "index": "index",
    "name": "name",
    "memory_mib": "memory.total",
    "uuid": "uuid",
    "driver": "driver_version",
}
_ALL_FIELDS = {
    **_BASIC_FIELDS,
    "power_limit_w": "power.limit",
    "pcie_generation": "pcie.link.gen.max",
    "pcie_width": "pcie.link.width.max",
    "error_correction": "ecc.mode.current",
}
_SWITCH = frozenset({"Enabled", "Disabled"})


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU, as its driver describes it; None stands for what it does not tell.

    Attributes:
        index: its place in the driver's order, which is that of the PCI bus.
        name: as the driver gives it, e.g. ``NVIDIA H200``.
        uuid: of this very piece of hardware.
        driver: the driver's version.
        memory_mib: of the device, in MiB.
        power_limit_w: in force, in W.
        pcie_generation: the newest that board and slot have in common.
        pcie_width: the most lanes that they have in common.
        error_correction: ``Enabled`` or ``Disabled``: it takes memory and bandwidth.
    """

    index: int
    name: str
    uuid: str
    driver: str
    memory_mib: int | None = None
    power_limit_w: float | None = None
    pcie_generation: int | None = None
    pcie_width: int | None = None
    error_correction: str | None = None

    @property
    def board(self) -> Board | None:
        """What is known of its kind from its maker's data sheet, if anything."""
        return board_of_gpu(self.name, self.memory_mib)

    @property
    def identity(self) -> dict[str, Any]:
        """The facts that survive a reboot, an update of the driver and an exchange for another of its kind.

        So neither driver (the subject's), nor index, nor UUID. Memory is in GB as the data sheet has it where there is
        one, since drivers differ in how much of it they show.
        """
        board = self.board
        memory = board.memory if board else self.memory_mib and round(self.memory_mib / 1024)
        return {
            "gpu": self.name,
            "gpu_memory_gb": memory,
            "gpu_power_limit_w": self.power_limit_w,
            "gpu_pcie": _link(self.pcie_generation, self.pcie_width),
            "gpu_error_correction": self.error_correction,
        }

    @property
    def selection(self) -> dict[str, str]:
        """The environment variables under which a process sees this GPU and no other."""
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": self.uuid}


def present_gpus() -> tuple[Gpu, ...]:
    """Return the NVIDIA GPUs that a CUDA program started here would see, in the order in which it would number them.

    That is what the driver knows, less what ``CUDA_VISIBLE_DEVICES`` hides. None where there is no driver.
    """
    gpus = _ask(_ALL_FIELDS) or _ask(_BASIC_FIELDS)
    return visible(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))


def visible(gpus: Sequence[Gpu], selection: str | None) -> tuple[Gpu, ...]:
    """Return those of ``gpus`` that ``CUDA_VISIBLE_DEVICES=selection`` leaves visible, in its order.

    As in CUDA (C++ Programming Guide, "CUDA Environment Variables"): entries are places or the beginnings of UUIDs, and
    the first one that names no GPU ends the list. Places are taken to be in the order of the PCI bus. Slices of a GPU
    (``MIG-…``) are no GPUs: they end the list.

    Args:
        gpus: all that there are.
        selection: the variable's value; None where it is not set.
    """
    if selection is None:
        return tuple(gpus)
    chosen: list[Gpu] = []
    for entry in selection.split(","):
        found = _named(gpus, entry.strip())
        if found is None or found in chosen:
            break
        chosen.append(found)
    return tuple(chosen)


def assign_gpu(worker: str, gpus: Sequence[Gpu]) -> Gpu:
    """Return the GPU of one of several processes that run tests side by side.

    Worker ``gw0`` gets the first, ``gw1`` the second, and so on, round and round where there are more workers than
    GPUs; those share one, and take turns at timing (see ``harness.measurement.exclusive``).

    Args:
        worker: xdist's id of the worker; anything without a number is taken for the only process.
        gpus: those that the session may use.

    Raises:
        TargetError: there is none.
    """
    if not gpus:
        raise TargetError(
            "there is no GPU to give to this process: no NVIDIA driver answers, or CUDA_VISIBLE_DEVICES hides every "
            "GPU. Unset it, or run on the CPU with --gpu cpu."
        )
    number = re.search(r"\d+$", worker)
    return gpus[int(number.group()) % len(gpus) if number else 0]


def _ask(fields: dict[str, str]) -> tuple[Gpu, ...]:
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    try:
        answer = subprocess.run(
            [command, f"--query-gpu={','.join(fields.values())}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=_SECONDS_TO_ANSWER,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if answer.returncode != 0:
        return ()
    rows = (tuple(cell.strip() for cell in line.split(",")) for line in answer.stdout.splitlines())
    return tuple(_gpu(dict(zip(fields, row, strict=True))) for row in rows if len(row) == len(fields))


def _gpu(cells: dict[str, str]) -> Gpu:
    return Gpu(
        index=_whole(cells["index"]) or 0,
        name=cells["name"],
        uuid=cells["uuid"],
        driver=cells["driver"],
        memory_mib=_whole(cells["memory_mib"]),
        power_limit_w=_number(cells.get("power_limit_w")),
        pcie_generation=_whole(cells.get("pcie_generation")),
        pcie_width=_whole(cells.get("pcie_width")),
        error_correction=cells["error_correction"] if cells.get("error_correction") in _SWITCH else None,
    )


def _number(text: str | None) -> float | None:
    # "[N/A]", "[Not Supported]" and "[Unknown Error]" all say that there is no answer.
    try:
        return float(text or "")
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _named(gpus: Sequence[Gpu], entry: str) -> Gpu | None:
    if entry.isdecimal():
        return next((gpu for gpu in gpus if gpu.index == int(entry)), None)
    fitting = [gpu for gpu in gpus if entry.startswith("GPU-") and gpu.uuid.startswith(entry)]
    return fitting[0] if len(fitting) == 1 else None


def _link(generation: int | None, width: int | None) -> str | None:
    return f"generation {generation}, {width} lanes" if generation and width else None
