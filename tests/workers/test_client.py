from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import psutil
import pytest

from harness.errors import RunFailed, WorkerCrashed, WorkerTimedOut
from harness.workers.client import WorkerClient
from harness.workers.subject import Subject
from harness.workers.tensors import save_tensors
from tests import tiny

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerClient]:
    """Lend a worker with onnxruntime in it."""
    client = WorkerClient(Subject("onnxruntime"), tmp_path / "logs", "worker", [ROOT])
    yield client
    client.close()


def run_endless(client: WorkerClient, folder: Path, *, deadline: float) -> None:
    """Ask for something that onnxruntime really does not finish."""
    graph = folder / "endless.onnx"
    onnx.save(tiny.endless(), str(graph))
    save_tensors(folder / "point" / "inputs", {"start": np.zeros(1, np.float32)})
    save_tensors(folder / "point" / "outputs", {"end": np.zeros(1, np.float32)})
    client.call(
        "compare_outputs",
        deadline=deadline,
        engine=str(graph),
        folders={"static": str(folder / "point")},
        tolerances=[{"max_abs": 1.0}],
    )


def test_a_worker_says_what_it_hosts(worker: WorkerClient) -> None:
    """``versions`` names the runtime and the version that this interpreter has."""
    import onnxruntime

    versions = worker.call("versions", deadline=60)
    assert versions["runtime"] == "onnxruntime"
    assert versions["version"] == onnxruntime.__version__


def test_a_worker_lives_from_call_to_call(worker: WorkerClient) -> None:
    """An error in one call reaches the caller as its class, and the next call is answered by the same process."""
    worker.call("versions", deadline=60)
    pid = worker.pid
    with pytest.raises(RunFailed, match="refused the graph"):
        worker.call("scores", deadline=60, engine="/none.onnx", samples="", task={}, destination="")
    assert worker.call("versions", deadline=60)["runtime"] == "onnxruntime"
    assert worker.pid == pid


@pytest.mark.parametrize("method", ["no_such_method", "__init__", "_loaded"])
def test_only_public_methods_can_be_called(worker: WorkerClient, method: str) -> None:
    """A method that does not exist or is private is refused by name."""
    with pytest.raises(RunFailed, match=method):
        worker.call(method, deadline=60)


def test_an_unforeseen_error_brings_its_traceback(worker: WorkerClient) -> None:
    """What nobody foresaw in a worker arrives with the place where it happened."""
    with pytest.raises(RunFailed, match=r"(?s)did not foresee.*TypeError"):
        worker.call("unsupported", deadline=60, precision=5)


def test_a_hang_ends_at_the_deadline(worker: WorkerClient, tmp_path: Path) -> None:
    """A graph that never ends is killed at its deadline, which the error names."""
    worker.call("versions", deadline=60)
    started = time.monotonic()
    with pytest.raises(WorkerTimedOut, match=r"compare_outputs.* within 1 s .*--case-timeout"):
        run_endless(worker, tmp_path, deadline=1.0)
    assert time.monotonic() - started < 10
    assert not worker.alive


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=["killed outright", "segmentation fault"])
def test_a_crash_names_its_signal(worker: WorkerClient, tmp_path: Path, number: signal.Signals) -> None:
    """A worker that dies in the middle of a call ends it with the method and the signal's name."""
    worker.call("versions", deadline=60)
    timer = threading.Timer(1.0, os.kill, (worker.pid, number))
    timer.start()
    with pytest.raises(WorkerCrashed, match=rf"compare_outputs.*{number.name}") as caught:
        run_endless(worker, tmp_path, deadline=60)
    timer.join()
    assert caught.value.exit_code == -number
    if number == signal.SIGSEGV:
        assert "Segmentation fault" in caught.value.log_tail


def test_what_native_code_prints_stays_out_of_the_answers(worker: WorkerClient) -> None:
    """Anything written to file descriptor 1 lands in the log and not between the answers."""
    source = f"{__name__}:print_natively"
    with pytest.raises(Exception, match="labelled set"):
        worker.call("labelled_set", deadline=60, source=source, destination="/nowhere")
    assert "printed by native code" in worker.log.read_text()
    assert worker.call("versions", deadline=60)["runtime"] == "onnxruntime"


def print_natively() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Print past Python's own streams, as a C library would, and return an empty set."""
    os.write(1, b"printed by native code\n")
    return {}, np.zeros(0, np.int64)


def test_a_worker_dies_with_a_session_that_is_killed(tmp_path: Path) -> None:
    """When the session's process is killed outright, the kernel ends its worker too."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from harness.workers.client import WorkerClient\n"
        "from harness.workers.subject import Subject\n"
        f"client = WorkerClient(Subject('onnxruntime'), Path({str(tmp_path)!r}), 'worker')\n"
        "client.call('versions', deadline=60)\n"
        "print(client.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    session = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert session.stdout is not None
    worker = psutil.Process(int(session.stdout.readline()))
    session.kill()
    session.wait()
    session.stdout.close()
    worker.wait(timeout=10)


def test_closing_twice_is_harmless(worker: WorkerClient) -> None:
    """A closed worker is gone, and closing it again does nothing."""
    worker.call("versions", deadline=60)
    worker.close()
    worker.close()
    assert not worker.alive
