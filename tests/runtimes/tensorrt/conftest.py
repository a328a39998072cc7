from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.runtimes.tensorrt.log import Log
from tests.runtimes.tensorrt.fake_cuda import FakeCudaRuntime
from tests.runtimes.tensorrt.fake_tensorrt import FakeEngine, tools_around

if TYPE_CHECKING:
    from harness.runtimes.tensorrt.tools import Tools


@pytest.fixture
def cuda_runtime() -> FakeCudaRuntime:
    """Lend a CUDA runtime in host memory."""
    return FakeCudaRuntime()


@pytest.fixture
def fake_engine(cuda_runtime: FakeCudaRuntime) -> FakeEngine:
    """Lend an engine that doubles its input, free in its first dimension from 1 to 4."""
    return FakeEngine(cuda_runtime, Log())


@pytest.fixture
def tools(cuda_runtime: FakeCudaRuntime, fake_engine: FakeEngine) -> Tools:
    """Lend tools that load ``fake_engine`` from the plan ``b"good"``."""
    return tools_around(cuda_runtime, fake_engine, fake_engine.log)
