from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.errors import CalibrationError
from harness.runtimes.tensorrt.calibrator import make_calibrator
from harness.runtimes.tensorrt.cuda import Cuda
from tests.runtimes.tensorrt.fake_tensorrt import Base

if TYPE_CHECKING:
    from tests.runtimes.tensorrt.fake_cuda import FakeCudaRuntime

TRT = SimpleNamespace(IInt8EntropyCalibrator2=Base, IInt8MinMaxCalibrator=Base)


def test_samples_reach_the_device_one_after_the_other(cuda_runtime: FakeCudaRuntime) -> None:
    """Each batch is one sample, in the number types that TensorRT 8 reads; after the last there is none."""
    samples = [{"ids": np.array([[n, 2**20]]), "x": np.full((1, 2), n, np.float32)} for n in range(3)]
    calibrator = make_calibrator(TRT, Cuda(cuda_runtime), samples, "entropy")
    for n in range(3):
        ids, x = calibrator.get_batch(["ids", "x"])
        assert np.frombuffer(ctypes.string_at(ids, 8), np.int32).tolist() == [n, 2**20]
        assert np.frombuffer(ctypes.string_at(x, 8), np.float32).tolist() == [n, n]
    assert calibrator.get_batch(["ids", "x"]) is None


def test_no_scales_are_reused(cuda_runtime: FakeCudaRuntime) -> None:
    """A cache of another calibration set would go unnoticed, so none is read or written."""
    calibrator = make_calibrator(TRT, Cuda(cuda_runtime), [{"x": np.zeros((1, 2), np.float32)}], "minmax")
    assert calibrator.read_calibration_cache() is None
    calibrator.write_calibration_cache(b"scales")


def test_samples_of_several_shapes_are_refused(cuda_runtime: FakeCudaRuntime) -> None:
    """TensorRT calibrates at one shape, and would read past the end of a smaller sample."""
    samples = [{"x": np.zeros((1, length), np.float32)} for length in (4, 2)]
    with pytest.raises(CalibrationError, match=r"sample 1 .* shape \(1, 2\) for input 'x', and sample 0 \(1, 4\)"):
        make_calibrator(TRT, Cuda(cuda_runtime), samples, "entropy")
