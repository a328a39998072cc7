"""An engine on onnxruntime's CUDA provider, and its timers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from harness.errors import RunFailed
from harness.runtimes.onnxruntime import SessionEngine
from harness.runtimes.onnxruntime_session import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DEVICE = "cuda"
# The first run finds memory and kernels, the next one is captured, and from then on it is replayed.
_RUNS_UNTIL_REPLAY = 3


class OpenSession(Protocol):
    """What opens a session of an engine."""

    def __call__(self, *, captured: bool) -> Any:
        """Return one whose runs are captured as a CUDA graph and replayed, if so asked."""


class CudaEngine(SessionEngine):
    """A session on the GPU, fed from host memory and read back into it.

    Attributes:
        notes: what a reader of its timings should know, e.g. why a mode is missing.

    Args:
        open_session: opens a session of the engine.
    """

    def __init__(self, open_session: OpenSession) -> None:
        super().__init__(open_session(captured=False))
        self.notes: list[str] = []
        self._open_session = open_session
        self._captured: BoundSession | None = None

    def timers(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, Callable[[], float]]:
        """Return the modes ``host``, ``stream`` and, where runs can be captured, ``graph``; see Engine.timers.

        ``host`` is wall time from arrays to arrays. In ``stream`` and ``graph`` inputs and outputs stay in device
        memory. onnxruntime has no events in Python, so both are taken by the host's clock around a run and the wait for
        its end: unlike TensorRT's, they have the cost of the launch in them. ``graph`` needs a session of its own with
        addresses that never change, so while it is there weights are on the device twice.
        """
        self._release()
        modes = dict(super().timers(inputs))
        bound = BoundSession(self._session, inputs)
        expected = bound.run()
        modes["stream"] = bound.timed
        self._note("stream and graph are timed by the host's clock, the launch included")
        try:
            self._captured = BoundSession(self._open_session(captured=True), inputs, like=expected)
            for _ in range(_RUNS_UNTIL_REPLAY):
                replayed = self._captured.run()
        except RunFailed as error:
            self._release()
            self._note(f"no graph mode: {error}")
        else:
            wrong = _first_difference(replayed, expected)
            if wrong is None:
                modes["graph"] = self._captured.timed
                self._note("peak device memory has the weights twice: graph has a session of its own")
            else:
                self._release()
                self._note(f"no graph mode: replayed, the output {wrong!r} is another one than launched")
        return modes

    def close(self) -> None:
        """Give back the sessions."""
        self._release()
        super().close()

    def _release(self) -> None:
        self._captured = None

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


class BoundSession:
    """A session whose inputs and outputs are bound to device memory.

    Args:
        session: on the CUDA provider.
        inputs: copied to the device now.
        like: arrays as large as the outputs, for addresses that stay the same from run to run; by default onnxruntime
            finds room in each run.

    Raises:
        RunFailed: onnxruntime refused one of them.
    """

    def __init__(
        self, session: Any, inputs: Mapping[str, np.ndarray], like: Mapping[str, np.ndarray] | None = None
    ) -> None:
        import onnxruntime

        self._session = session
        self._names = [output.name for output in session.get_outputs()]
        self._binding = session.io_binding()
        on_device = onnxruntime.OrtValue.ortvalue_from_numpy
        try:
            for name, array in inputs.items():
                self._binding.bind_ortvalue_input(name, on_device(np.ascontiguousarray(array), _DEVICE, 0))
            for name in self._names:
                if like is None:
                    self._binding.bind_output(name, _DEVICE, 0)
                else:
                    self._binding.bind_ortvalue_output(name, on_device(np.zeros_like(like[name]), _DEVICE, 0))
        except Exception as error:  # noqa: BLE001 - its exceptions share no base class of their own
            raise RunFailed(f"onnxruntime cannot bind a tensor to device memory: {reason(error)}") from None

    def run(self) -> dict[str, np.ndarray]:
        """Run once and return a copy of every output by name.

        Raises:
            RunFailed: onnxruntime refused or failed.
        """
        try:
            self.timed()
            return dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))
        except Exception as error:  # noqa: BLE001 - its exceptions share no base class of their own
            raise RunFailed(f"onnxruntime could not run the graph: {reason(error)}") from None

    def timed(self) -> float:
        """Run once, wait for its end, and return milliseconds."""
        started = time.perf_counter()
        self._session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()
        return (time.perf_counter() - started) * 1e3


def _first_difference(replayed: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> str | None:
    """Return the first output that a replay got wrong; two sessions may have chosen kernels that round differently."""
    for name, array in expected.items():
        scale = float(np.max(np.abs(array.astype(np.float64)), initial=0.0)) if array.size else 0.0
        if not np.allclose(replayed[name], array, rtol=0.0, atol=1e-2 * scale, equal_nan=True):
            return name
    return None
