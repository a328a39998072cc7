from __future__ import annotations

import pytest

from harness.cases.boards import BOARDS, TYPE_BYTES, Board, board_of_gpu, named_by
from harness.cases.target import target_of_gpu


@pytest.mark.parametrize(
    ("driver_name", "memory_mib", "title"),
    [
        pytest.param("Tesla T4", 15360, "T4", id="a board that its driver shows less memory of"),
        pytest.param("NVIDIA A100-SXM4-80GB", 81920, "A100 SXM4 80 GB", id="A100 in an SXM socket"),
        pytest.param("NVIDIA A100 80GB PCIe", 81920, "A100 PCIe 80 GB", id="A100 on a card"),
        pytest.param("A100-PCIE-40GB", 40536, "A100 PCIe 40 GB", id="A100 without its maker's name"),
        pytest.param("NVIDIA H100 80GB HBM3", 81559, "H100 SXM5", id="H100 in an SXM socket"),
        pytest.param("NVIDIA H100 PCIe", 81559, "H100 PCIe", id="H100 on a card, whose name is the longer one"),
        pytest.param("NVIDIA H100 NVL", 95830, "H100 NVL", id="H100 NVL"),
        pytest.param("NVIDIA H200", 143771, "H200 SXM", id="H200 in an SXM socket"),
        pytest.param("NVIDIA H200 NVL", 143771, "H200 NVL", id="H200 NVL"),
        pytest.param("NVIDIA B200", 183359, "B200", id="B200"),
        pytest.param("NVIDIA A10G", 23028, "A10G", id="A10G is no A10"),
        pytest.param("Tesla V100S-PCIE-32GB", 32768, "V100S PCIe", id="V100S is no V100"),
        pytest.param("Orin (nvgpu)", 62841, "Jetson AGX Orin 64 GB", id="Orin by its memory: AGX"),
        pytest.param("Orin (nvgpu)", 15655, "Jetson Orin NX 16 GB", id="Orin by its memory: NX"),
        pytest.param("Orin (nvgpu)", None, "Jetson AGX Orin 64 GB", id="of several that fit, the fastest"),
        pytest.param("NVIDIA H100 64GB HBM2", 65247, None, id="a name that is known on a board that is not"),
        pytest.param("NVIDIA A100-SXM4-96GB", 98304, None, id="a board that no data sheet here is of"),
        pytest.param("NVIDIA GeForce RTX 4090 Laptop GPU", 16376, None, id="a laptop's chip is another one"),
        pytest.param("NVIDIA Z9", 81920, None, id="a GPU that nobody knows"),
    ],
)
def test_a_board_is_known_by_name_and_memory(driver_name: str, memory_mib: int | None, title: str | None) -> None:
    """The most specific name wins, memory tells boards of one name apart, and what fits none is none."""
    found = board_of_gpu(driver_name, memory_mib)
    assert (found.title if found else None) == title


def test_the_longest_name_is_taken() -> None:
    """Of several names in a driver's name the longest is the most specific."""
    assert named_by(("H100", "H100 PCIe"), "NVIDIA H100 PCIe") == "H100 PCIe"
    assert named_by(("H100", "H100 PCIe"), "NVIDIA GH1000") is None


@pytest.mark.parametrize("board", [pytest.param(board, id=board.title) for board in BOARDS])
def test_a_record_is_plausible(board: Board) -> None:
    """Each board has a target, FP32 and FP16, the types of its tensor cores, and rates that grow as types narrow."""
    assert target_of_gpu(board.words[0]) is not None
    assert set(board.peaks) <= set(TYPE_BYTES)
    assert set(board.peaks) >= {"fp32", "fp16", *board.tensor_types}
    widths = sorted({TYPE_BYTES[name] for name in board.peaks}, reverse=True)
    ordered = [max(rate for name, rate in board.peaks.items() if TYPE_BYTES[name] == width) for width in widths]
    # The V100 has no INT8 tensor cores: its INT8 is faster than FP32 and slower than FP16.
    assert ordered == sorted(ordered) or board.capability == (7, 0)
    assert board.memory > 0
    assert 50 < board.bandwidth < 10_000


@pytest.mark.parametrize("board", [pytest.param(board, id=board.title) for board in BOARDS])
def test_only_tensor_cores_multiply_the_rarer_types(board: Board) -> None:
    """What a board computes in beyond its tensor cores is FP32, and on Volta INT8."""
    assert set(board.peaks) - board.tensor_types == ({"fp32", "int8"} if board.capability == (7, 0) else {"fp32"})
