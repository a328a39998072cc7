"""Targets: what ``--gpu`` names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import TargetError, unknown_value


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


_ALL = (
    Target(name="cpu", title="CPU"),
    Target(name="t4", title="NVIDIA T4", words=("T4", "T4G")),
    Target(name="l4", title="NVIDIA L4", words=("L4",)),
    Target(name="l40s", title="NVIDIA L40S", words=("L40S",)),
    Target(name="a10", title="NVIDIA A10", words=("A10", "A10G")),
    Target(name="a100", title="NVIDIA A100", words=("A100",)),
    Target(name="h100", title="NVIDIA H100", words=("H100",)),
    Target(name="h200", title="NVIDIA H200", words=("H200",)),
    Target(name="rtx4090", title="NVIDIA GeForce RTX 4090", words=("RTX 4090",)),
    Target(name="orin", title="NVIDIA Jetson Orin", words=("Orin",)),
)

TARGETS: dict[str, Target] = {target.name: target for target in _ALL}
CPU = TARGETS["cpu"]


def target_of_gpu(name: str) -> Target | None:
    """Return the target that a GPU belongs to, by the name that its driver gives it, or None if it is none of them."""
    # Whole words, for "NVIDIA A100-SXM4-80GB" holds the text "A10", and "NVIDIA GH200 480GB" the text "H200".
    return next((t for t in _ALL for words in t.words if re.search(rf"(?<!\w){words}(?!\w)", name)), None)


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
    if target_of_gpu(present) is not target:
        raise TargetError(
            f"--gpu {asked} asks for an {target.title}, but the GPU of this machine is an {present!r}. "
            f"Use --gpu {(target_of_gpu(present) or Target(name='auto', title='')).name}."
        )
    if gpu_unusable:
        raise TargetError(f"--gpu {asked}: {present} is present, but {gpu_unusable}")
    return Choice(target, f"asked for with --gpu {asked}")
