"""Targets: what ``--gpu`` names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cases.boards import BOARDS, Board, NumberType, named_by
from harness.errors import TargetError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.cases.precision import Precision, Recipe

# What the fastest arithmetic of a recipe is done in.
_NUMBER_TYPES: Mapping[Recipe, NumberType] = {
    "fp32": "fp32",
    "tf32": "tf32",
    "fp16": "fp16",
    "bf16": "bf16",
    "int8": "int8",
    "fp16-flags": "fp16",
    "int8-calibrator": "int8",
}


@dataclass(frozen=True, kw_only=True)
class Target:
    """A kind of GPU, or the CPU.

    Attributes:
        name: what ``--gpu`` takes.
        title: what people call it.
        words: words of the name that its driver gives it, whole ones; any of them will do.
    """

    name: str
    title: str
    words: tuple[str, ...] = ()

    @property
    def boards(self) -> tuple[Board, ...]:
        """The boards that go by this name, which compute in the same number types; none for the CPU."""
        return tuple(board for board in BOARDS if target_of_gpu(board.words[0]) is self)


_ALL = (
    Target(name="cpu", title="CPU"),
    Target(name="v100", title="NVIDIA V100", words=("V100", "V100S")),
    Target(name="t4", title="NVIDIA T4", words=("T4", "T4G")),
    Target(name="l4", title="NVIDIA L4", words=("L4",)),
    Target(name="l40s", title="NVIDIA L40S", words=("L40S",)),
    Target(name="a10", title="NVIDIA A10", words=("A10", "A10G")),
    Target(name="a100", title="NVIDIA A100", words=("A100",)),
    Target(name="h100", title="NVIDIA H100", words=("H100",)),
    Target(name="h200", title="NVIDIA H200", words=("H200",)),
    Target(name="b200", title="NVIDIA B200", words=("B200",)),
    Target(name="rtx3090", title="NVIDIA GeForce RTX 3090", words=("RTX 3090",)),
    Target(name="rtx4090", title="NVIDIA GeForce RTX 4090", words=("RTX 4090",)),
    Target(name="rtx5090", title="NVIDIA GeForce RTX 5090", words=("RTX 5090",)),
    Target(name="orin", title="NVIDIA Jetson Orin", words=("Orin",)),
)

TARGETS: dict[str, Target] = {target.name: target for target in _ALL}
CPU = TARGETS["cpu"]


def target_of_gpu(name: str) -> Target | None:
    """Return the target that a GPU belongs to, by the name that its driver gives it, or None if it is none of them."""
    return next((target for target in _ALL if named_by(target.words, name)), None)


def number_type_of(precision: Precision) -> NumberType:
    """Return the number type of the fastest arithmetic that ``precision`` asks for."""
    return _NUMBER_TYPES[precision.recipe]


def refuses(target: Target, precision: Precision) -> str | None:
    """Say why the hardware of ``target`` cannot compute in ``precision``, or return None.

    None is also the answer for the CPU and for GPUs of which no data sheet is known here: their runtimes decide.
    """
    wanted = number_type_of(precision)
    boards = target.boards
    if not boards or all(wanted in board.peaks for board in boards):
        return None
    major, minor = boards[0].capability
    known = ", ".join(boards[0].peaks)
    return (
        f"the {target.title} (compute capability {major}.{minor}) has no {wanted.upper()} arithmetic; it computes in "
        f"{known}. Leave out {precision.name!r} there, e.g. with --precisions."
    )


@dataclass(frozen=True)
class Choice:
    """The target that a session runs on, and why."""

    target: Target
    reason: str


def choose_target(asked: str, gpus: tuple[str, ...], gpu_unusable: str | None) -> Choice:
    """Decide what a session runs on.

    Args:
        asked: the value of ``--gpu``: ``auto`` or a target's name.
        gpus: the GPUs present, by the names that their driver gives them.
        gpu_unusable: why TensorRT cannot use them, or None where it can.

    Raises:
        TargetError: the target is unknown, or it is not the one that is present, or it cannot be used.
    """
    if asked != "auto" and asked not in TARGETS:
        raise TargetError(unknown_value("target of --gpu", asked, ("auto", *TARGETS)))
    present = gpus[0] if gpus else None
    if asked == "cpu":
        return Choice(CPU, "asked for with --gpu cpu")
    if asked == "auto":
        if present is None:
            return Choice(CPU, "no NVIDIA GPU is present")
        if gpu_unusable:
            return Choice(CPU, f"{present} is present, but {gpu_unusable}")
        found = target_of_gpu(present)
        return Choice(found or Target(name="gpu", title=present), f"{present} is present")
    target = TARGETS[asked]
    if present is None:
        raise TargetError(
            f"--gpu {asked} asks for an {target.title}, but no NVIDIA GPU is present on this machine "
            f"(or its driver does not answer). Use --gpu cpu, or --gpu auto to take what is there."
        )
    # A machine may have GPUs of several kinds: those that were asked for need not come first.
    named = next((name for name in gpus if target_of_gpu(name) is target), None)
    if named is None:
        kinds = [repr(name) for name in dict.fromkeys(gpus)]
        are = "GPU of this machine is an" if len(kinds) == 1 else "GPUs of this machine are"
        raise TargetError(
            f"--gpu {asked} asks for an {target.title}, but the {are} {', '.join(kinds)}. "
            f"Use --gpu {(target_of_gpu(present) or Target(name='auto', title='')).name}."
        )
    if gpu_unusable:
        raise TargetError(f"--gpu {asked}: {named} is present, but {gpu_unusable}")
    return Choice(target, f"asked for with --gpu {asked}")
