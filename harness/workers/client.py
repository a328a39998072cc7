"""The near end of a worker: starts it, asks it, and notices when it dies, hangs or fails."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
from harness.errors import WorkerCrashed, WorkerTimedOut
from harness.workers import protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.workers.subject import Subject

_TAIL_LINES = 30
_TAIL_BYTES = 16_384
_EXIT_GRACE = 5.0


class WorkerClient:
    """One worker process.

    It starts at once but is first waited for in ``call``, so a worker can be started ahead of its use.

    Args:
        subject: what it hosts.
        folder: where its log and the link to this package go.
        name: names the log file.
        import_paths: further folders that it can import from, for models given as ``module:function``.
    """

    def __init__(self, subject: Subject, folder: Path, name: str, import_paths: Sequence[Path] = ()) -> None:
        self.subject = subject
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{name}.log"
        paths = [_import_root(folder), *import_paths]
        inherited = os.environ.get("PYTHONPATH")
        environment = {
            **os.environ,
            **subject.environment,
            "PYTHONPATH": os.pathsep.join([*map(str, paths), *([inherited] if inherited else [])]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [subject.python, "-m", "harness.workers", "--runtime", subject.runtime],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the session, which then ends its workers
            )
        self._buffer = b""
        self._requests = 0

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def call(self, method: str, *, deadline: float, **params: Any) -> Any:
        """Ask the worker to do ``method`` and wait for its answer.

        Args:
            method: a method of ``harness.workers.server.Server``.
            deadline: seconds after which the worker is killed.
            params: plain data.

        Returns:
            Plain data.

        Raises:
            WorkerCrashed: the process ended before it answered.
            WorkerTimedOut: the deadline passed.
            HarnessError: what the method itself raised.
        """
        self._requests += 1
        log_start = self.log.stat().st_size
        try:
            self._send({"id": self._requests, "method": method, "params": params})
            answer = self._receive(method, deadline, log_start)
        except BaseException:
            self.kill()  # after anything but an answer, Ctrl-C included, its state is unknown
            raise
        if "error" in answer:
            protocol.raise_described(answer["error"], method)
        return answer["result"]

    def dismiss(self) -> None:
        """Tell the worker to end, without waiting for it; ``close`` does that later."""
        if self._process.stdin and not self._process.stdin.closed:
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # the server ends at the end of its input

    def close(self) -> None:
        """End the worker: politely, then by force. May be called twice."""
        self.dismiss()
        try:
            self._process.wait(timeout=_EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
        if self._process.stdout:
            self._process.stdout.close()

    def kill(self) -> None:
        """End the worker and everything that it started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(protocol.encode(message))
            self._process.stdin.flush()
        except OSError:
            return  # it is dead; reading says how it died

    def _receive(self, method: str, deadline: float, log_start: int) -> dict[str, Any]:
        assert self._process.stdout is not None
        end = time.monotonic() + deadline
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(timeout=max(0.0, end - time.monotonic())):
                    raise WorkerTimedOut(method, deadline, log_tail=self.log_tail(log_start))
                chunk = os.read(self._process.stdout.fileno(), 1 << 20)
                if not chunk:
                    raise WorkerCrashed(method, self._exit_code(), log_tail=self.log_tail(log_start))
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return protocol.decode(line)

    def _exit_code(self) -> int:
        try:
            return self._process.wait(timeout=_EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def log_tail(self, start: int = 0) -> str:
        """Return the last lines that the worker wrote, from byte ``start`` of its log on."""
        with self.log.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(start, log.tell() - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-_TAIL_LINES:])


def _import_root(folder: Path) -> Path:
    """Make a folder that holds nothing but this package, for an interpreter of another version to import from.

    The folder around an installed package would also offer that interpreter our numpy, which is not built for it.
    """
    root = folder / "import"
    root.mkdir(exist_ok=True)
    link = root / "harness"
    package = Path(harness.__file__).resolve().parent
    if not (link.is_symlink() and link.resolve() == package):
        scratch = root / f".harness.{os.getpid()}"
        scratch.symlink_to(package)
        scratch.replace(link)  # atomic: another session may be doing the same
    return root.resolve()
