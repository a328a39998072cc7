"""Boards: what each GPU on sale can do at most, as its maker's data sheets say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

NumberType = Literal["fp32", "tf32", "fp16", "bf16", "int8", "fp8"]

# Bytes of one element as it lies in memory; TF32 is a way of multiplying, and is stored as FP32.
TYPE_BYTES: Mapping[NumberType, int] = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "int8": 1, "fp8": 1}

# Number types that the tensor cores of a compute capability multiply, of those that a recipe can ask for
# (CUDA C++ Programming Guide, "Compute Capabilities", table of tensor core input data types).
TENSOR_TYPES: Mapping[tuple[int, int], frozenset[NumberType]] = {
    (7, 0): frozenset({"fp16"}),
    (7, 5): frozenset({"fp16", "int8"}),
    (8, 0): frozenset({"tf32", "fp16", "bf16", "int8"}),
    (8, 6): frozenset({"tf32", "fp16", "bf16", "int8"}),
    (8, 7): frozenset({"tf32", "fp16", "bf16", "int8"}),
    (8, 9): frozenset({"tf32", "fp16", "bf16", "int8", "fp8"}),
    (9, 0): frozenset({"tf32", "fp16", "bf16", "int8", "fp8"}),
    (10, 0): frozenset({"tf32", "fp16", "bf16", "int8", "fp8"}),
    (12, 0): frozenset({"tf32", "fp16", "bf16", "int8", "fp8"}),
}


@dataclass(frozen=True, kw_only=True)
class Board:
    """One board or module.

    Attributes:
        title: what people call it.
        words: words of the name that its driver gives it, whole ones; any of them will do.
        capability: CUDA compute capability, major and minor.
        memory: of the device, in GB, as its maker counts them.
        bandwidth: of that memory, in GB/s.
        peaks: most operations a second without sparsity, a multiply-add being two, in TFLOP/s or TOP/s, of every
            number type that the hardware computes in; where it can accumulate in several types, the fastest.
    """

    title: str
    words: tuple[str, ...]
    capability: tuple[int, int]
    memory: int
    bandwidth: float
    peaks: Mapping[NumberType, float]

    @property
    def tensor_types(self) -> frozenset[NumberType]:
        """The number types that its tensor cores multiply."""
        return TENSOR_TYPES[self.capability]


# What follows the name of a board whose chip or clocks are others: "RTX 4090 D", "RTX 5090 Laptop GPU".
_OTHER_MODEL = r"(?! (?:Ti|SUPER|D|Laptop)(?!\w))"

# Drivers count memory in GiB, makers round it, and some of it is never shown: a board is still known by it within this.
_MEMORY_TOLERANCE = 0.1


def named_by(words: tuple[str, ...], driver_name: str) -> str | None:
    """Return the longest of ``words`` that stands in ``driver_name`` as whole words, or None."""
    # Whole words, for "NVIDIA A100-SXM4-80GB" holds the text "A10", and "NVIDIA GH200 480GB" the text "H200".
    found = (word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w){_OTHER_MODEL}", driver_name))
    return max(found, key=len, default=None)


def board_of_gpu(name: str, memory_mib: float | None = None) -> Board | None:
    """Return the board that a GPU is, or None if it is none of those known.

    Args:
        name: as its driver gives it.
        memory_mib: of the device, in MiB, where its driver tells; boards of one name can differ in nothing else. Where
            it does not, the fastest of them is returned, so that a bound made from it stays a bound.
    """
    named = [(len(word), board) for board in BOARDS if (word := named_by(board.words, name))]
    closest = max((length for length, _ in named), default=0)
    candidates = [board for length, board in named if length == closest]
    if memory_mib is not None:
        gigabytes = memory_mib / 1024
        candidates = [b for b in candidates if abs(b.memory - gigabytes) <= _MEMORY_TOLERANCE * b.memory]
    return max(candidates, key=lambda board: (board.bandwidth, board.peaks["fp16"]), default=None)


# Data sheets that give a rate "with sparsity" only are halved here.
BOARDS: tuple[Board, ...] = (
    # NVIDIA T4 Tensor Core GPU data sheet; bandwidth: NVIDIA Turing GPU Architecture white paper, table of the T4.
    Board(title="T4", words=("T4", "T4G"), capability=(7, 5), memory=16, bandwidth=320,
          peaks={"fp32": 8.1, "fp16": 65, "int8": 130}),
    # NVIDIA L4 Tensor Core GPU data sheet (rates with sparsity).
    Board(title="L4", words=("L4",), capability=(8, 9), memory=24, bandwidth=300,
          peaks={"fp32": 30.3, "tf32": 60, "fp16": 121, "bf16": 121, "int8": 242.5, "fp8": 242.5}),
    # NVIDIA L40S GPU data sheet.
    Board(title="L40S", words=("L40S",), capability=(8, 9), memory=48, bandwidth=864,
          peaks={"fp32": 91.6, "tf32": 183, "fp16": 362.05, "bf16": 362.05, "int8": 733, "fp8": 733}),
    # NVIDIA A10 Tensor Core GPU data sheet.
    Board(title="A10", words=("A10",), capability=(8, 6), memory=24, bandwidth=600,
          peaks={"fp32": 31.2, "tf32": 62.5, "fp16": 125, "bf16": 125, "int8": 250}),
    # NVIDIA A10G Tensor Core GPU data sheet, as published with the Amazon EC2 G5 instances.
    Board(title="A10G", words=("A10G",), capability=(8, 6), memory=24, bandwidth=600,
          peaks={"fp32": 35, "tf32": 35, "fp16": 70, "bf16": 70, "int8": 140}),
    # NVIDIA A100 Tensor Core GPU data sheet: the compute is the same in all four.
    Board(title="A100 SXM4 80 GB", words=("A100-SXM4-80GB",), capability=(8, 0), memory=80, bandwidth=2039,
          peaks={"fp32": 19.5, "tf32": 156, "fp16": 312, "bf16": 312, "int8": 624}),
    Board(title="A100 PCIe 80 GB", words=("A100 80GB PCIe",), capability=(8, 0), memory=80, bandwidth=1935,
          peaks={"fp32": 19.5, "tf32": 156, "fp16": 312, "bf16": 312, "int8": 624}),
    Board(title="A100 SXM4 40 GB", words=("A100-SXM4-40GB",), capability=(8, 0), memory=40, bandwidth=1555,
          peaks={"fp32": 19.5, "tf32": 156, "fp16": 312, "bf16": 312, "int8": 624}),
    Board(title="A100 PCIe 40 GB", words=("A100-PCIE-40GB",), capability=(8, 0), memory=40, bandwidth=1555,
          peaks={"fp32": 19.5, "tf32": 156, "fp16": 312, "bf16": 312, "int8": 624}),
    # NVIDIA H100 Tensor Core GPU data sheet (rates with sparsity). The driver calls the SXM5 board "H100 80GB HBM3".
    Board(title="H100 SXM5", words=("H100",), capability=(9, 0), memory=80, bandwidth=3350,
          peaks={"fp32": 67, "tf32": 494.5, "fp16": 989.5, "bf16": 989.5, "int8": 1979, "fp8": 1979}),
    Board(title="H100 PCIe", words=("H100 PCIe",), capability=(9, 0), memory=80, bandwidth=2039,
          peaks={"fp32": 51, "tf32": 378, "fp16": 756.5, "bf16": 756.5, "int8": 1513, "fp8": 1513}),
    Board(title="H100 NVL", words=("H100 NVL",), capability=(9, 0), memory=94, bandwidth=3938,
          peaks={"fp32": 60, "tf32": 417.5, "fp16": 835.5, "bf16": 835.5, "int8": 1670.5, "fp8": 1670.5}),
    # NVIDIA H200 Tensor Core GPU data sheet (rates with sparsity).
    Board(title="H200 SXM", words=("H200",), capability=(9, 0), memory=141, bandwidth=4800,
          peaks={"fp32": 67, "tf32": 494.5, "fp16": 989.5, "bf16": 989.5, "int8": 1979, "fp8": 1979}),
    Board(title="H200 NVL", words=("H200 NVL",), capability=(9, 0), memory=141, bandwidth=4800,
          peaks={"fp32": 60, "tf32": 417.5, "fp16": 835.5, "bf16": 835.5, "int8": 1670.5, "fp8": 1670.5}),
    # NVIDIA Blackwell Architecture Technical Brief, HGX B200 at 1000 W; memory: NVIDIA DGX B200 data sheet, an eighth.
    Board(title="B200", words=("B200",), capability=(10, 0), memory=180, bandwidth=8000,
          peaks={"fp32": 80, "tf32": 1100, "fp16": 2250, "bf16": 2250, "int8": 4500, "fp8": 4500}),
    # NVIDIA Ampere GA102 GPU Architecture white paper, appendix; FP16 accumulated in FP16.
    Board(title="GeForce RTX 3090", words=("RTX 3090",), capability=(8, 6), memory=24, bandwidth=936,
          peaks={"fp32": 35.6, "tf32": 35.6, "fp16": 142, "bf16": 71, "int8": 284}),
    # NVIDIA Ada GPU Architecture white paper, appendix; FP16 and FP8 accumulated in FP16.
    Board(title="GeForce RTX 4090", words=("RTX 4090",), capability=(8, 9), memory=24, bandwidth=1008,
          peaks={"fp32": 82.6, "tf32": 82.6, "fp16": 330.3, "bf16": 165.2, "int8": 660.6, "fp8": 660.6}),
    # NVIDIA RTX Blackwell GPU Architecture white paper, appendix; FP16 and FP8 accumulated in FP16.
    Board(title="GeForce RTX 5090", words=("RTX 5090",), capability=(12, 0), memory=32, bandwidth=1792,
          peaks={"fp32": 104.8, "tf32": 104.8, "fp16": 419, "bf16": 209.5, "int8": 838, "fp8": 838}),
    # NVIDIA V100 Tensor Core GPU data sheet. INT8 runs by DP4A, without tensor cores, at four times FP32: NVIDIA A100
    # Tensor Core GPU Architecture white paper.
    Board(title="V100 SXM2 16 GB", words=("V100-SXM2-16GB",), capability=(7, 0), memory=16, bandwidth=900,
          peaks={"fp32": 15.7, "fp16": 125, "int8": 62.8}),
    Board(title="V100 SXM2 32 GB", words=("V100-SXM2-32GB",), capability=(7, 0), memory=32, bandwidth=900,
          peaks={"fp32": 15.7, "fp16": 125, "int8": 62.8}),
    Board(title="V100 PCIe 16 GB", words=("V100-PCIE-16GB",), capability=(7, 0), memory=16, bandwidth=900,
          peaks={"fp32": 14, "fp16": 112, "int8": 56}),
    Board(title="V100 PCIe 32 GB", words=("V100-PCIE-32GB",), capability=(7, 0), memory=32, bandwidth=900,
          peaks={"fp32": 14, "fp16": 112, "int8": 56}),
    Board(title="V100S PCIe", words=("V100S-PCIE-32GB",), capability=(7, 0), memory=32, bandwidth=1134,
          peaks={"fp32": 16.4, "fp16": 130, "int8": 65.6}),
    # NVIDIA Jetson AGX Orin Series Technical Brief: the GPU without the DLAs, INT8 with sparsity; FP16 and BF16 are
    # half of INT8, TF32 half of these, as in every Ampere tensor core. The modules share a name and differ in memory.
    Board(title="Jetson AGX Orin 64 GB", words=("Orin",), capability=(8, 7), memory=64, bandwidth=204.8,
          peaks={"fp32": 5.3, "tf32": 21.25, "fp16": 42.5, "bf16": 42.5, "int8": 85}),
    Board(title="Jetson AGX Orin 32 GB", words=("Orin",), capability=(8, 7), memory=32, bandwidth=204.8,
          peaks={"fp32": 3.3, "tf32": 13.5, "fp16": 27, "bf16": 27, "int8": 54}),
    # NVIDIA Jetson Orin NX Series data sheet, likewise.
    Board(title="Jetson Orin NX 16 GB", words=("Orin",), capability=(8, 7), memory=16, bandwidth=102.4,
          peaks={"fp32": 1.9, "tf32": 7.5, "fp16": 15, "bf16": 15, "int8": 30}),
    Board(title="Jetson Orin NX 8 GB", words=("Orin",), capability=(8, 7), memory=8, bandwidth=102.4,
          peaks={"fp32": 1.6, "tf32": 6.25, "fp16": 12.5, "bf16": 12.5, "int8": 25}),
)  # fmt: skip
