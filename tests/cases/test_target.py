from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.cases import BF16, FP16, FP32, INT8, TF32, Precision
from harness.cases.target import CPU, TARGETS, Target, choose_target, number_type_of, refuses, target_of_gpu
from harness.errors import TargetError

T4 = ("Tesla T4",)
H200 = ("NVIDIA H200", "NVIDIA H200")


@pytest.mark.parametrize(
    ("driver_name", "target"),
    [
        ("Tesla T4", "t4"),
        ("NVIDIA T4G", "t4"),
        ("NVIDIA L4", "l4"),
        ("NVIDIA L40S", "l40s"),
        ("NVIDIA A10", "a10"),
        ("NVIDIA A10G", "a10"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("A100-PCIE-40GB", "a100"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA B200", "b200"),
        ("NVIDIA GeForce RTX 3090", "rtx3090"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("NVIDIA GeForce RTX 5090", "rtx5090"),
        ("Tesla V100-SXM2-16GB", "v100"),
        ("Tesla V100S-PCIE-32GB", "v100"),
        ("NVIDIA GeForce RTX 3090 Ti", None),
        ("NVIDIA GeForce RTX 4090 D", None),
        ("NVIDIA GeForce RTX 5090 Laptop GPU", None),
        ("Orin (nvgpu)", "orin"),
        ("NVIDIA GH200 480GB", None),
        ("NVIDIA RTX A1000", None),
        ("NVIDIA L40", None),
        ("NVIDIA T400", None),
        ("Quadro P1000", None),
    ],
)
def test_a_gpu_is_recognised_by_whole_words_of_its_name(driver_name: str, target: str | None) -> None:
    """No GPU passes for another one whose name is a part of its own."""
    found = target_of_gpu(driver_name)
    assert (found.name if found else None) == target


@pytest.mark.parametrize(
    ("asked", "gpus", "unusable", "name", "reason"),
    [
        pytest.param("cpu", T4, None, "cpu", "--gpu cpu", id="cpu is taken though a GPU is there"),
        pytest.param("auto", (), None, "cpu", "no NVIDIA GPU is present", id="auto without a GPU is the CPU"),
        pytest.param("auto", T4, None, "t4", "Tesla T4 is present", id="auto takes the GPU"),
        pytest.param("auto", T4, "TensorRT is missing", "cpu", "Tesla T4 is present, but TensorRT is missing",
                     id="auto leaves a GPU that cannot be used, and says why"),
        pytest.param("auto", ("NVIDIA Z9",), None, "gpu", "NVIDIA Z9 is present", id="auto takes a GPU of no target"),
        pytest.param("h200", H200, None, "h200", "--gpu h200", id="the GPU that is there"),
        pytest.param("h200", (*T4, *H200), None, "h200", "--gpu h200", id="the GPU that is there beside another kind"),
    ],
)  # fmt: skip
def test_the_target_is_chosen_with_a_reason(
    asked: str, gpus: tuple[str, ...], unusable: str | None, name: str, reason: str
) -> None:
    """The header of a session can say what it runs on and why."""
    choice = choose_target(asked, gpus, unusable)
    assert choice.target.name == name
    assert reason in choice.reason


@pytest.mark.parametrize(
    ("asked", "gpus", "unusable", "message"),
    [
        pytest.param("t5", T4, None, r"'t5' is no target of --gpu\. Did you mean 't4'\?", id="an unknown target"),
        pytest.param("t4", (), None, "NVIDIA T4, but no NVIDIA GPU is present.*--gpu cpu", id="no GPU"),
        pytest.param("t4", H200, None, "NVIDIA T4, but the GPU of this machine is an 'NVIDIA H200'.*Use --gpu h200",
                     id="another GPU"),
        pytest.param("t4", ("NVIDIA L4", *H200), None, "GPUs of this machine are 'NVIDIA L4', 'NVIDIA H200'.*--gpu l4",
                     id="others of two kinds"),
        pytest.param("t4", ("NVIDIA Z9",), None, "'NVIDIA Z9'.*Use --gpu auto", id="a GPU that has no target"),
        pytest.param("t4", T4, "its driver is too old", "--gpu t4: Tesla T4 is present, but its driver is too old",
                     id="a GPU that cannot be used"),
    ],
)  # fmt: skip
def test_a_target_that_cannot_be_had_is_an_error(
    asked: str, gpus: tuple[str, ...], unusable: str | None, message: str
) -> None:
    """Asking for a GPU never ends on another one or on the CPU; the error names both and the way out."""
    with pytest.raises(TargetError, match=message):
        choose_target(asked, gpus, unusable)


def test_the_table_of_targets_is_sound() -> None:
    """Every target is found by its own name, and every one but the CPU by a word of its driver's."""
    assert TARGETS["cpu"] is CPU
    assert all(name == target.name and (target.words or target is CPU) for name, target in TARGETS.items())


def test_the_readme_lists_every_target() -> None:
    """What --gpu takes is written where people look first."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    listed = text.partition("`--gpu` takes ")[2].partition(".")[0]
    assert set(re.findall(r"[a-z0-9]+", " ".join(re.findall("`[^`]*`", listed)))) == {"auto", *TARGETS}


@pytest.mark.parametrize("target", [pytest.param(t, id=name) for name, t in TARGETS.items() if t is not CPU])
def test_all_boards_of_a_target_compute_in_the_same_types(target: Target) -> None:
    """Whatever board turns up under a target's name, the same precisions can be asked of it."""
    assert target.boards
    assert len({(board.capability, frozenset(board.peaks)) for board in target.boards}) == 1


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        pytest.param("v100", {"tf32", "bf16"}, id="Volta multiplies FP32, FP16 and INT8"),
        pytest.param("t4", {"tf32", "bf16"}, id="Turing multiplies FP32, FP16 and INT8"),
        pytest.param("a10", set(), id="Ampere multiplies everything that a recipe asks for"),
        pytest.param("h200", set(), id="so does Hopper"),
        pytest.param("orin", set(), id="so does Orin"),
        pytest.param("cpu", set(), id="the CPU's runtime decides for itself"),
    ],
)
def test_hardware_refuses_what_it_has_no_arithmetic_for(name: str, refused: set[str]) -> None:
    """A precision that a GPU lacks is refused before anything is built."""
    precisions = (FP32, TF32, FP16, BF16, INT8, Precision("fp16-flags"), Precision("int8-calibrator"))
    assert {p.name for p in precisions if refuses(TARGETS[name], p)} == refused


def test_a_refusal_says_what_there_is_instead() -> None:
    """The reason names the GPU, the type it lacks, those it has, and the precision as the user called it."""
    mixed = Precision("bf16", keep_fp32=("head*",), name="bf16-head32")
    reason = refuses(TARGETS["t4"], mixed)
    assert reason is not None
    for said in ("NVIDIA T4", "7.5", "no BF16", "fp32, fp16, int8", "'bf16-head32'", "--precisions"):
        assert said in reason


def test_a_gpu_without_a_record_refuses_nothing() -> None:
    """What is not known of a GPU is left to its runtime to say."""
    assert refuses(Target(name="gpu", title="NVIDIA Z9"), BF16) is None


@pytest.mark.parametrize(
    ("recipe", "number_type"), [("fp16-flags", "fp16"), ("int8-calibrator", "int8"), ("tf32", "tf32")]
)
def test_a_recipe_computes_in_one_fastest_type(recipe: Any, number_type: str) -> None:
    """Recipes by builder flags compute in the same types as those made in the graph."""
    assert number_type_of(Precision(recipe)) == number_type
