# ruff: noqa: D102, N802 - cuda-python has them and calls them so

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.gpu.bare import BareLoops
from harness.errors import RunFailed
from harness.runtimes.tensorrt.engine import TensorRTEngine
from harness.runtimes.tensorrt.log import Log
from tests.runtimes.tensorrt.fake_cuda import FakeCudaRuntime
from tests.runtimes.tensorrt.fake_tensorrt import FakeContext, FakeEngine, tools_around

if TYPE_CHECKING:
    from pathlib import Path

X = np.arange(6, dtype=np.float32).reshape(2, 3)


class Cudart(FakeCudaRuntime):
    """The runtime with what a loop that is written by hand needs beside what ours does; it counts calls."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = {"copies": 0, "waits": 0}

    def cudaStream_t(self, handle: int) -> int:
        return handle

    def cudaMemcpyAsync(self, *arguments: Any) -> tuple[Any, ...]:
        self.counts["copies"] += 1
        return super().cudaMemcpyAsync(*arguments)

    def cudaStreamSynchronize(self, *_: object) -> tuple[Any, ...]:
        self.counts["waits"] += 1
        return super()._nothing()


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Lend a runtime, tools and an engine that doubles its input."""
    monkeypatch.setattr(
        FakeContext, "get_tensor_address", lambda context, name: context._addresses[name], raising=False
    )
    cudart = Cudart()
    fake = FakeEngine(cudart, Log())
    tools = tools_around(cudart, fake, fake.log)
    plan = tmp_path / "case.plan"
    plan.write_bytes(b"good")
    return SimpleNamespace(cudart=cudart, fake=fake, tools=tools, engine=TensorRTEngine(tools, plan))


def test_a_bare_loop_does_the_work_of_ours(setting: SimpleNamespace) -> None:
    """Each run of either loop copies once in and once out and waits once, and the bare one's output is right."""
    timer = setting.engine.timers({"x": X})["host"]
    loops = BareLoops(setting.cudart, setting.tools, setting.engine, {"x": X})
    bare = loops.modes(["host"])["host"]
    counts = []
    for run in (lambda: [timer() for _ in range(7)], lambda: bare(7)):
        before = dict(setting.cudart.counts)
        run()
        counts.append({what: count - before[what] for what, count in setting.cudart.counts.items()})
    assert counts == [{"copies": 14, "waits": 7}] * 2
    (output,) = loops.outputs()
    np.testing.assert_array_equal(np.frombuffer(output, np.float32), 2 * X.ravel())


@pytest.mark.parametrize(("mode", "launch"), [("stream", 1.0), ("graph", 0.5)])
def test_a_bare_loop_launches_as_often_as_it_is_told(setting: SimpleNamespace, mode: str, launch: float) -> None:
    """The fake's clock advances by what each run costs, and not while a graph is captured."""
    setting.engine.timers({"x": X})
    bare = BareLoops(setting.cudart, setting.tools, setting.engine, {"x": X}).modes([mode])[mode]
    before = setting.cudart.clock
    assert bare(10) > 0
    assert setting.cudart.clock - before == 10 * launch


def test_our_timers_go_on_after_bare_loops(setting: SimpleNamespace) -> None:
    """Both use one context in turns, so the bare loops leave its addresses alone and give back what they took."""
    modes = setting.engine.timers({"x": X})
    before = dict(setting.cudart.live)
    loops = BareLoops(setting.cudart, setting.tools, setting.engine, {"x": X})
    for loop in loops.modes(modes).values():
        loop(2)
    loops.close()
    assert setting.cudart.live == before
    assert modes["graph"]() == 0.5
    np.testing.assert_array_equal(setting.engine.run({"x": X})["y"], 2 * X)


def test_outputs_of_unknown_shape_have_no_bare_loop(setting: SimpleNamespace) -> None:
    """A loop that had to ask for the shape would do other work than ours."""
    setting.fake.compacting = True
    setting.engine.timers({"x": X})
    with pytest.raises(RunFailed, match="depends on data"):
        BareLoops(setting.cudart, setting.tools, setting.engine, {"x": X})
