"""INT8 calibrators over a set of samples, for TensorRT 10 and older."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.runtimes.tensorrt.cuda import Cuda

_BASES: Mapping[str, str] = {"entropy": "IInt8EntropyCalibrator2", "minmax": "IInt8MinMaxCalibrator"}

# What TensorRT 8 reads of an input; it has no 64-bit numbers.
_NARROWED: Mapping[str, type] = {"int64": np.int32, "float64": np.float32}


def make_calibrator(trt: Any, cuda: Cuda, samples: Sequence[Mapping[str, np.ndarray]], kind: str) -> Any:
    """Return a calibrator that hands TensorRT one sample after the other.

    Args:
        trt: the module ``tensorrt``.
        cuda: where the samples are copied through.
        samples: an array per input with its batch dimension, all of the same shapes.
        kind: ``entropy`` or ``minmax``.

    Raises:
        CalibrationError: the samples differ in shape.
    """
    check_equal_shapes(samples)
    base = getattr(trt, _BASES[kind])

    class Calibrator(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            base.__init__(self)  # its C++ half crashes the process where super() finds another class first
            self._samples = iter(samples)
            self._buffers = {name: cuda.device_buffer(_narrowed(array).nbytes) for name, array in samples[0].items()}
            self._stream = cuda.stream()

        def get_batch_size(self) -> int:
            return 1  # a sample is a batch; its shape is in the calibration profile

        def get_batch(self, names: Sequence[str], *_: Any) -> list[int] | None:
            sample = next(self._samples, None)
            if sample is None:
                return None
            for name in names:
                array = _narrowed(sample[name])
                self._stream.copy_in(self._buffers[name].address, array.ctypes.data, array.nbytes)
                self._stream.wait()  # the array may be a copy that ends with this turn
            return [self._buffers[name].address for name in names]

        def read_calibration_cache(self) -> None:
            """Never reuse scales: those of another calibration set would go unnoticed."""

        def write_calibration_cache(self, cache: Any) -> None:
            """Keep nothing, for the same reason."""

    return Calibrator()


def check_equal_shapes(samples: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Raise CalibrationError unless all ``samples`` have the shapes of the first.

    TensorRT calibrates at one shape of each input.
    """
    first = {name: array.shape for name, array in samples[0].items()}
    for index, sample in enumerate(samples):
        for name, array in sample.items():
            if array.shape != first[name]:
                raise CalibrationError(
                    f"sample {index} of the calibration set has shape {array.shape} for input {name!r}, and sample 0 "
                    f"{first[name]}: a calibrator of TensorRT needs one shape for all. Pad them, or use int8."
                )


def _narrowed(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=_NARROWED.get(array.dtype.name, array.dtype))
