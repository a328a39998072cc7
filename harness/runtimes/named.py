"""The runtimes by their names, each imported only where it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.runtimes.base import Runtime


def runtime_named(name: str) -> type[Runtime]:
    """Return the runtime called ``name`` (one of ``harness.workers.subject.RUNTIMES``).

    The software that it is about is not imported before an object of it is asked something.
    """
    if name == "tensorrt":
        from harness.runtimes.tensorrt.runtime import TensorRTRuntime

        return TensorRTRuntime
    if name == "onnxruntime-cuda":
        from harness.runtimes.onnxruntime_cuda import CudaOnnxRuntime

        return CudaOnnxRuntime
    from harness.runtimes.onnxruntime import OnnxRuntime

    return {"onnxruntime": OnnxRuntime}[name]
