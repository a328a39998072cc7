"""Time by node, measured by onnxruntime's own profiler in a session of its own: it writes an event a kernel."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.runtimes.layer_times import median_times, repeat_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_KERNEL = "_kernel_time"
_END_OF_RUN = "model_run"


def profile_nodes(
    options: Any, open_session: Callable[[Any], Any], run_once: Callable[[Any], object]
) -> dict[str, float]:
    """Return the median milliseconds of each node's kernel, by the node's name.

    Args:
        options: of the session, a ``SessionOptions``; profiling is switched on in it.
        open_session: opens a session with them.
        run_once: runs it.
    """
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "nodes")
        session = open_session(options)
        repeat_runs(lambda: run_once(session))
        return median_times(times_by_run(json.loads(Path(session.end_profiling()).read_text())))


def times_by_run(events: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Return, for each run in a profile, the milliseconds that each node took in it.

    What a node did more than once in a run, as the body of a loop does, is added up; it is counted again with the loop.

    Args:
        events: in Chrome's trace format, with ``dur`` in microseconds; the event of a run follows those of its nodes.
    """
    runs: list[dict[str, float]] = []
    current: dict[str, float] = {}
    for event in events:
        name = str(event["name"])
        if event["cat"] == "Node" and name.endswith(_KERNEL):
            node = name[: -len(_KERNEL)]
            current[node] = current.get(node, 0.0) + float(event["dur"]) / 1e3
        elif name == _END_OF_RUN:
            runs.append(current)
            current = {}
    return runs
