"""The operator suite's material: ONNX's own node cases, generated, in every precision, and what came of them."""

from __future__ import annotations
