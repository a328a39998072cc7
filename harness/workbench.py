"""The workers and folders of one session in one process."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.workers.client import WorkerClient
from harness.workers.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Workbench:
    """Starts workers when they are needed and replaces those that died.

    Three kinds: one for graphs and references, always under the harness's own interpreter, and beside it one for
    references on a GPU where they are wanted; one for each subject that builds and compares and lives from case to
    case; and a fresh one for each trial, started ahead so that its start-up overlaps with other work.

    Args:
        folder: for logs and engines of this session.
        cache: for graphs, references and engines, kept from session to session.
        import_paths: folders that ``module:function`` sources are imported from.
        cuda: what computes references on a GPU; None where the CPU's are wanted.
    """

    def __init__(self, folder: Path, cache: Path, import_paths: Sequence[Path], *, cuda: Subject | None = None) -> None:
        self.folder = folder.resolve()
        self.cache = cache.resolve()
        # Several processes may share a session; none may meet, or remove, engines of another.
        (self.folder / "engines").mkdir(parents=True, exist_ok=True)
        self.engines = Path(tempfile.mkdtemp(dir=self.folder / "engines"))
        self._import_paths = [path.resolve() for path in import_paths]
        self._cuda = cuda
        self._kept: dict[str, WorkerClient] = {}
        self._ahead: dict[str, WorkerClient] = {}
        self._leaving: list[WorkerClient] = []
        self._started = 0

    def reference(self) -> WorkerClient:
        """Return the worker for graphs and references."""
        return self._keep("reference", Subject("reference"))

    def cuda_reference(self) -> WorkerClient | None:
        """Return the worker for references on a GPU, or None where they are not wanted."""
        return self._keep(self._cuda.name, self._cuda) if self._cuda else None

    def builder(self, subject: Subject) -> WorkerClient:
        """Return the worker that builds and compares for ``subject``."""
        return self._keep(f"builder-{subject.name}", subject)

    def start_ahead(self, subject: Subject) -> None:
        """Start the worker of the next trial, so that it is up when ``trial`` asks for it."""
        if subject.name not in self._ahead:
            self._ahead[subject.name] = self._start(subject, f"trial-{subject.name}")

    @contextmanager
    def trial(self, subject: Subject) -> Iterator[WorkerClient]:
        """Lend a worker that has done nothing yet; it is told to end with the block, and waited for before the next."""
        self._see_off()
        self.start_ahead(subject)
        worker = self._ahead.pop(subject.name)
        try:
            yield worker
        finally:
            worker.dismiss()
            self._leaving.append(worker)

    def _see_off(self) -> None:
        for worker in self._leaving:
            worker.close()
        self._leaving.clear()

    def close(self) -> None:
        """End every worker, and remove the engines; logs stay."""
        self._see_off()
        for worker in (*self._kept.values(), *self._ahead.values()):
            worker.close()
        self._kept.clear()
        self._ahead.clear()
        shutil.rmtree(self.engines, ignore_errors=True)
        with suppress(OSError):  # another process has engines there
            self.engines.parent.rmdir()

    def _keep(self, name: str, subject: Subject) -> WorkerClient:
        worker = self._kept.get(name)
        if worker is None or not worker.alive:
            if worker is not None:
                worker.close()
            worker = self._kept[name] = self._start(subject, name)
        return worker

    def _start(self, subject: Subject, name: str) -> WorkerClient:
        self._started += 1
        return WorkerClient(subject, self.folder / "logs", f"{self._started:03d}-{name}", self._import_paths)


class Phases:
    """Wall seconds by phase, each second counted once."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the block towards ``name``."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - started)

    def add(self, name: str, seconds: float) -> None:
        """Count ``seconds`` towards ``name``; negative ones move time that was counted elsewhere."""
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    def read(self) -> Mapping[str, float]:
        """Return seconds by phase; ``harness`` is what passed since the start outside of all of them."""
        total = time.perf_counter() - self._started
        return {**self._seconds, "harness": max(0.0, total - sum(self._seconds.values()))}
