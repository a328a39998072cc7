"""One execution context with its stream and its buffers: shapes in, launches, tensors out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import RunFailed
from harness.runtimes.tensorrt.number_types import numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.runtimes.tensorrt.cuda import Cuda, DeviceBuffer, HostBuffer
    from harness.runtimes.tensorrt.tools import Tools

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class EngineTensor:
    """An input or output of an engine.

    Attributes:
        name: its name in the ONNX graph.
        dtype: as the engine has it; ONNX's int64 is int32 in TensorRT 8.
        shape: -1 for free dimensions.
        low: the smallest shape that the engine was built for.
        high: the largest; both are ``shape`` for outputs and where nothing is free.
        on_host: whether TensorRT reads or writes it in host memory, because it steers shapes.
    """

    name: str
    dtype: np.dtype
    shape: Shape
    low: Shape
    high: Shape
    on_host: bool

    def check(self, shape: Shape) -> None:
        """Raise RunFailed unless the engine was built for ``shape``."""
        fits = len(shape) == len(self.shape) and all(
            smallest <= size <= largest for smallest, size, largest in zip(self.low, shape, self.high, strict=True)
        )
        if not fits:
            raise RunFailed(
                f"input {self.name!r} is given in shape {_text(shape)}, and the engine was built for "
                f"{_text(self.low)} to {_text(self.high)}; feed it a shape in between, or build it for a wider profile"
            )


def describe_tensors(tools: Tools, engine: Any) -> tuple[tuple[EngineTensor, ...], tuple[EngineTensor, ...]]:
    """Return the inputs and the outputs of a deserialised engine.

    Raises:
        RunFailed: one of them has a number type that numpy cannot hold.
    """
    trt = tools.trt
    inputs: list[EngineTensor] = []
    outputs: list[EngineTensor] = []
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        shape = tuple(engine.get_tensor_shape(name))
        low = high = shape
        if is_input and -1 in shape:
            smallest, _, largest = engine.get_tensor_profile_shape(name, 0)
            low, high = tuple(smallest), tuple(largest)
        data_type = engine.get_tensor_dtype(name)
        try:
            dtype = numpy_dtype(data_type)
        except KeyError:
            raise RunFailed(f"tensor {name!r} of the engine is of type {data_type.name}, which numpy lacks") from None
        tensor = EngineTensor(
            name=name,
            dtype=dtype,
            shape=shape,
            low=low,
            high=high,
            on_host=engine.get_tensor_location(name) == trt.TensorLocation.HOST,
        )
        (inputs if is_input else outputs).append(tensor)
    return tuple(inputs), tuple(outputs)


def fit_dtype(array: np.ndarray, tensor: EngineTensor) -> np.ndarray:
    """Return ``array``, contiguous, in the number type of ``tensor``.

    Raises:
        RunFailed: a value of it does not fit, or numbers would have to become of another kind.
    """
    if array.dtype == tensor.dtype:
        return np.asarray(array, order="C")  # np.ascontiguousarray would make one dimension of none
    narrowed = array.dtype.kind == tensor.dtype.kind and array.dtype.itemsize > tensor.dtype.itemsize
    if array.dtype.kind in "iu" and narrowed:
        limits = np.iinfo(tensor.dtype)
        if array.size and (array.min() < limits.min or array.max() > limits.max):
            raise RunFailed(
                f"input {tensor.name!r} holds values from {array.min()} to {array.max()}, and the engine has "
                f"{tensor.dtype} for it"
            )
    elif not np.can_cast(array.dtype, tensor.dtype, "same_kind"):
        raise RunFailed(f"input {tensor.name!r} is {array.dtype}, and the engine takes {tensor.dtype}")
    return np.asarray(array, dtype=tensor.dtype, order="C")


class Execution:
    """A context that is fed, launched and read.

    Args:
        tools: TensorRT and CUDA.
        context: a ``trt.IExecutionContext`` that nothing else uses.
        inputs: as ``describe_tensors`` gives them.
        outputs: likewise.
    """

    def __init__(
        self, tools: Tools, context: Any, inputs: Sequence[EngineTensor], outputs: Sequence[EngineTensor]
    ) -> None:
        self.context = context
        self.stream = tools.cuda.stream()
        self._tools, self._inputs, self._outputs = tools, inputs, outputs
        self._buffers: dict[str, DeviceBuffer | HostBuffer] = {}
        self._fed: dict[str, np.ndarray] = {}
        self._shapes: dict[str, Shape] = {}
        self._allocators: dict[str, Any] = {}

    @property
    def shapes_depend_on_data(self) -> bool:
        """Whether the shape of an output is known only once it was computed; told after ``bind``."""
        return bool(self._allocators)

    def bind(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Set the shapes of ``inputs``, find room for every tensor, and copy the inputs to the device.

        Raises:
            RunFailed: an input is missing, or of a shape or type that the engine was not built for.
        """
        for tensor in self._inputs:
            if tensor.name not in inputs:
                raise RunFailed(f"the engine needs the input {tensor.name!r}; given: {', '.join(inputs) or 'none'}")
            array = fit_dtype(np.asarray(inputs[tensor.name]), tensor)
            tensor.check(array.shape)
            self._fed[tensor.name] = array
            if not self.context.set_input_shape(tensor.name, array.shape):
                raise RunFailed(f"TensorRT does not take shape {_text(array.shape)} for input {tensor.name!r}")
            address = self._room(tensor, array.nbytes).address
            if tensor.on_host:
                self._host(tensor, array.shape)[...] = array
            self._set_address(tensor.name, address)
        self._bind_outputs()
        for copy in self.copies_in({name: array.ctypes.data for name, array in self._fed.items()}):
            copy()
        self.stream.wait()

    def copies_in(self, sources: Mapping[str, int]) -> list[Callable[[], None]]:
        """Return functions that put a copy of each input, from host addresses by name, on the stream.

        They are good until ``bind`` is called again.
        """
        return [
            self.stream.prepared_copy_in(
                self._buffers[tensor.name].address, sources[tensor.name], self._fed[tensor.name].nbytes
            )
            for tensor in self._inputs
            if not tensor.on_host
        ]

    def enqueue(self) -> None:
        """Put one run on the stream.

        Raises:
            RunFailed: TensorRT refused.
        """
        self.launcher()()

    def launcher(self) -> Callable[[], None]:
        """Return ``enqueue`` for loops that are timed: what can be looked up ahead is."""
        execute, handle, log = self.context.execute_async_v3, self.stream.handle, self._tools.log

        def launch() -> None:
            position = len(log.lines)
            if not execute(handle):
                raise RunFailed(f"TensorRT could not run the engine: {log.first_error(position)}")

        return launch

    def outputs(self) -> dict[str, np.ndarray]:
        """Wait for the stream and return a copy of each output."""
        self.stream.wait()
        arrays = {}
        for tensor in self._outputs:
            shape = self.output_shape(tensor.name)
            if tensor.on_host:
                arrays[tensor.name] = self._host(tensor, shape).copy()
                continue
            array = np.empty(shape, dtype=tensor.dtype)
            self.stream.copy_out(array.ctypes.data, self.output_address(tensor.name), array.nbytes)
            arrays[tensor.name] = array
        self.stream.wait()
        return arrays

    def output_shape(self, name: str) -> Shape:
        """Return the shape of an output; where it depends on data, that of the last run."""
        return tuple(self._allocators[name].shape) if name in self._allocators else self._shapes[name]

    def output_address(self, name: str) -> int:
        """Return the device address of an output."""
        address: int = self._allocators[name].address if name in self._allocators else self._buffers[name].address
        return address

    def close(self) -> None:
        """Give back buffers, stream and context."""
        for buffer in self._buffers.values():
            buffer.close()
        for allocator in self._allocators.values():
            allocator.close()
        self._buffers.clear()
        self._allocators.clear()
        self.stream.close()
        self.context = None

    def _bind_outputs(self) -> None:
        for tensor in self._outputs:
            shape = tuple(self.context.get_tensor_shape(tensor.name))
            if -1 in shape:
                if tensor.name not in self._allocators:
                    self._allocators[tensor.name] = make_output_allocator(self._tools.trt, self._tools.cuda)
                    self.context.set_output_allocator(tensor.name, self._allocators[tensor.name])
                continue
            self._shapes[tensor.name] = shape
            size = int(np.prod(shape, dtype=np.int64)) * tensor.dtype.itemsize
            self._set_address(tensor.name, self._room(tensor, size).address)

    def _room(self, tensor: EngineTensor, size: int) -> DeviceBuffer | HostBuffer:
        """Return a buffer for a tensor: the one it has, if that is large enough."""
        buffer = self._buffers.get(tensor.name)
        if buffer is not None and buffer.size >= size:
            return buffer
        if buffer is not None:
            buffer.close()
        cuda = self._tools.cuda
        self._buffers[tensor.name] = cuda.host_buffer(size) if tensor.on_host else cuda.device_buffer(size)
        return self._buffers[tensor.name]

    def _host(self, tensor: EngineTensor, shape: Shape) -> np.ndarray:
        buffer: Any = self._buffers[tensor.name]
        array: np.ndarray = buffer.array(tensor.dtype, shape)
        return array

    def _set_address(self, name: str, address: int) -> None:
        if not self.context.set_tensor_address(name, address):
            raise RunFailed(f"TensorRT does not take memory for the tensor {name!r}")


def make_output_allocator(trt: Any, cuda: Cuda) -> Any:
    """Return a ``trt.IOutputAllocator`` for one output: ``address`` and ``shape`` of its last run, and ``close``."""

    class OutputAllocator(trt.IOutputAllocator):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IOutputAllocator.__init__(self)
            self._buffer: DeviceBuffer | None = None
            self.shape: Shape = ()

        @property
        def address(self) -> int:
            return self._buffer.address if self._buffer else 0

        def reallocate_output(self, _name: str, _memory: int, size: int, _alignment: int) -> int:
            # cudaMalloc aligns to 256 bytes, which is all that TensorRT asks for.
            if self._buffer is None or self._buffer.size < size:
                self.close()
                self._buffer = cuda.device_buffer(size)
            return self._buffer.address

        def reallocate_output_async(self, name: str, memory: int, size: int, alignment: int, _stream: int) -> int:
            return self.reallocate_output(name, memory, size, alignment)

        def notify_shape(self, _name: str, shape: Any) -> None:
            self.shape = tuple(shape)

        def close(self) -> None:
            if self._buffer:
                self._buffer.close()
                self._buffer = None

    return OutputAllocator()


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "()"
