"""Time by layer of an engine, in runs that nothing else is measured in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.workers.measuring import alone_on_gpu
from harness.workers.tensors import load_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from harness.runtimes.base import Runtime


def profile(runtime: Runtime, engine: Path, folder: Path) -> dict[str, Any]:
    """Run ``engine`` under its runtime's profiler, alone on its GPU if it runs on one.

    Args:
        runtime: profiles it.
        engine: its file.
        folder: holds the ``inputs`` that it is fed.

    Returns:
        ``milliseconds`` by the layer's name, or None where the runtime cannot tell layers apart.
    """
    inputs = {name: np.array(array) for name, array in load_tensors(folder / "inputs").items()}
    with alone_on_gpu(runtime):
        times = runtime.profile(engine, inputs)
    return {"milliseconds": None if times is None else dict(times)}
