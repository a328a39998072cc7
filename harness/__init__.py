"""A test harness for TensorRT engines: build, compare, measure, remember, judge."""

from __future__ import annotations

__version__ = "0.1.0"
