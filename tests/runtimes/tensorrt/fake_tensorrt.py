"""A TensorRT whose engines double their input: as much of the module as running an engine needs."""

# ruff: noqa: D102 - these are TensorRT's methods, documented there

from __future__ import annotations

import ctypes
import enum
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.runtimes.tensorrt.cuda import Cuda
from harness.runtimes.tensorrt.features import Features
from harness.runtimes.tensorrt.tools import Tools

if TYPE_CHECKING:
    from harness.runtimes.tensorrt.log import Log
    from tests.runtimes.tensorrt.fake_cuda import FakeCudaRuntime

Shape = tuple[int, ...]


class DataType(enum.Enum):
    """A few of TensorRT's number types."""

    FLOAT = 0
    HALF = 1
    INT32 = 3
    INT4 = 9


class TensorIOMode(enum.Enum):
    """Which side of an engine a tensor is on."""

    INPUT = 1
    OUTPUT = 2


class TensorLocation(enum.Enum):
    """Where a tensor's memory is."""

    DEVICE = 0
    HOST = 1


@dataclass
class FakeEngine:
    """One input ``x`` and one output ``y`` = 2 x; with ``compacting``, y holds only what is positive.

    Attributes:
        cuda: where its contexts run.
        log: where it complains.
        dtype: of both tensors.
        shape: of the input, -1 where free.
        low: the smallest shape.
        high: the largest.
        compacting: whether the output's shape depends on data.
        refuses: whether a run fails.
        contexts: how many contexts were made of it.
        shared_profile: whether a second context gets the profile, too.
    """

    cuda: FakeCudaRuntime
    log: Log
    dtype: DataType = DataType.FLOAT
    shape: Shape = (-1, 3)
    low: Shape = (1, 3)
    high: Shape = (4, 3)
    compacting: bool = False
    refuses: bool = False
    contexts: int = 0
    shared_profile: bool = True
    num_io_tensors: int = 2
    device_memory_size: int = 4096

    def get_tensor_name(self, index: int) -> str:
        return "xy"[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name == "x" else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> Shape:
        return self.shape if name == "x" or not self.compacting else (-1,)

    def get_tensor_profile_shape(self, _: str, __: int) -> list[Shape]:
        return [self.low, self.low, self.high]

    def get_tensor_dtype(self, _: str) -> DataType:
        return self.dtype

    def get_tensor_location(self, _: str) -> TensorLocation:
        return TensorLocation.DEVICE

    def create_execution_context(self) -> FakeContext:
        self.contexts += 1
        first = self.contexts == 1 or self.shared_profile
        return FakeContext(self, active_optimization_profile=0 if first else -1)


@dataclass
class FakeContext:
    """Runs the engine on the addresses that it is given."""

    engine: FakeEngine
    active_optimization_profile: int = 0
    profiler: Any = None
    _shape: Shape = ()
    _addresses: dict[str, int] = field(default_factory=dict)
    _allocator: Any = None

    def set_input_shape(self, _: str, shape: Shape) -> bool:
        self._shape = tuple(shape)
        return True

    def get_tensor_shape(self, _: str) -> Shape:
        return (-1,) if self.engine.compacting else self._shape

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def set_output_allocator(self, _: str, allocator: Any) -> bool:
        self._allocator = allocator
        return True

    def execute_async_v3(self, _: int) -> bool:
        if self.engine.refuses:
            self.engine.log.add("ERROR", "the myelin graph failed")
            return False
        self.engine.cuda.submit(self._run)
        return True

    def _run(self) -> None:
        dtype = {DataType.FLOAT: np.float32, DataType.HALF: np.float16, DataType.INT32: np.int32}[self.engine.dtype]
        size = int(np.prod(self._shape)) * np.dtype(dtype).itemsize
        result = np.frombuffer(ctypes.string_at(self._addresses["x"], size), dtype) * dtype(2)
        if self.engine.compacting:
            result = result[result > 0]
            self._addresses["y"] = self._allocator.reallocate_output("y", 0, result.nbytes, 256)
            self._allocator.notify_shape("y", result.shape)
        ctypes.memmove(self._addresses["y"], result.ctypes.data, result.nbytes)
        if self.profiler:
            self.profiler.report_layer_time("double", 0.5)


class Base:
    """What a class derived from one of TensorRT's calls."""


FEATURES = Features(
    version="8.6.0",
    precision_flags=("FP16", "INT8"),
    calibrators=True,
    layer_precisions=True,
    strong_typing="no",
    explicit_batch_flag=True,
    optimization_level=True,
    version_compatible=True,
    hardware_levels=("AMPERE_PLUS",),
    tactic_sources=("CUBLAS", "EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"),
    number_types=("FLOAT", "HALF", "INT8", "INT32", "BOOL"),
    debug_tensors=False,
    unfused_debug_tensors=False,
    context_memory="device_memory_size",
    engine_statistics=False,
    parser_names_nodes=False,
)


def tools_around(runtime: FakeCudaRuntime, engine: FakeEngine, log: Log) -> Tools:
    """Return tools whose TensorRT deserialises the plan ``b"good"`` to ``engine`` and no other."""

    class Runtime:
        engine_host_code_allowed = False

        def __init__(self, _: object) -> None:
            pass

        def deserialize_cuda_engine(self, content: bytes) -> FakeEngine | None:
            if content == b"good":
                return engine
            log.add("ERROR", "magicTag mismatch")
            return None

    trt = SimpleNamespace(
        Runtime=Runtime,
        DataType=DataType,
        TensorIOMode=TensorIOMode,
        TensorLocation=TensorLocation,
        IOutputAllocator=Base,
        IProfiler=Base,
    )
    return Tools(trt=trt, features=FEATURES, cuda=Cuda(runtime), log=log, logger=None)
