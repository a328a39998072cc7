"""TensorRT behind the same seam as onnxruntime; what its versions do differently is asked of ``features`` alone."""

from __future__ import annotations
