"""What every part of this package works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.runtimes.tensorrt.cuda import Cuda
    from harness.runtimes.tensorrt.features import Features
    from harness.runtimes.tensorrt.log import Log


@dataclass(frozen=True, kw_only=True)
class Tools:
    """TensorRT and what stands around it, once a process.

    Attributes:
        trt: the module ``tensorrt``.
        features: what it can do.
        cuda: the CUDA runtime.
        log: where TensorRT's messages go.
        logger: the ``trt.ILogger`` that writes them there.
    """

    trt: Any
    features: Features
    cuda: Cuda
    log: Log
    logger: Any
