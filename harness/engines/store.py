"""A folder of engines.

``<key>.json`` describes an engine and names its file, ``<key>.<beginning of its SHA-256>.engine``. A file is written
before the sidecar that names it, each all at once, and is called by its content: so a sidecar never describes another
build than the one it names, however many sessions store, take and prune at the same time, and no lock is needed. The
time of a sidecar is when its engine was last used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engines.records import Discarded, StoredEngine, line_of, read_discarded, read_sidecar, sidecar_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.engines.key import EngineKey
    from harness.engines.records import BuildFacts

_CHUNK = 1 << 20

# A file without a sidecar is either being stored right now or left over; nobody takes this long to store one.
_LEFT_OVER_AFTER = timedelta(hours=1)


class EngineStore:
    """The engines in a folder, by their keys.

    Args:
        folder: made when the first engine is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def below(cls, cache: Path) -> EngineStore:
        """Return the store in the cache of graphs and references."""
        return cls(cache / "engines")

    def find(self, key: EngineKey) -> StoredEngine | None:
        """Return what is stored under ``key``, without marking it as used; None if nothing whole is."""
        return self._whole(key.hash)

    def take(self, key: EngineKey, destination: Path) -> StoredEngine | Discarded | None:
        """Copy the engine of ``key`` to ``destination``, and mark it as used; return None where there is none.

        A copy, since another session may prune the store while this one still loads the engine into its workers. One
        whose content is not what was stored is discarded, and that is what is returned.

        Raises:
            OSError: ``destination`` cannot be written to.
        """
        stored = self._described(key.hash)
        if stored is None:
            return None
        destination.parent.mkdir(parents=True, exist_ok=True)
        try:
            digest = _copy(stored.path, destination)
        except FileNotFoundError:
            # Replaced or pruned between the two looks; a replacement is there by now.
            again = self._described(key.hash)
            return self.take(key, destination) if again is not None and again.path != stored.path else None
        if digest != stored.sha256:
            destination.unlink()
            return self.discard(key, f"its file of {stored.bytes} bytes no longer holds what was stored")
        with contextlib.suppress(FileNotFoundError):  # pruned meanwhile, and no loss: the copy is made
            os.utime(self._sidecar(key.hash))
        return stored

    def put(self, key: EngineKey, file: Path, facts: BuildFacts) -> StoredEngine:
        """Store a copy of ``file`` under ``key``, in the place of one that is there already.

        Raises:
            OSError: the folder cannot be written to, or the disk is full; the store is then as it was.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        before = self.find(key)
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".storing-")
        os.close(descriptor)
        temporary = Path(name)
        try:
            digest = _copy(file, temporary)
            temporary.chmod(0o644)  # others' sessions may share the store
            now = datetime.now(timezone.utc)
            stored = StoredEngine(
                key=key.hash,
                parts=key.to_json(),
                path=self.folder / f"{key.hash}.{digest[:16]}.engine",
                bytes=temporary.stat().st_size,
                sha256=digest,
                built_at=now,
                last_used=now,
                facts=facts,
            )
            temporary.replace(stored.path)
            temporary.write_bytes(sidecar_of(stored))
            temporary.chmod(0o644)
            temporary.replace(self._sidecar(key.hash))
        finally:
            temporary.unlink(missing_ok=True)
        if before is not None and before.path != stored.path:
            before.path.unlink(missing_ok=True)
        return stored

    def list(self) -> tuple[StoredEngine, ...]:
        """Return every engine that is whole, the one used last first."""
        found = (self._whole(path.stem) for path in self.folder.glob("*.json"))
        engines = [engine for engine in found if engine is not None]
        return tuple(sorted(engines, key=lambda engine: (engine.last_used, engine.key), reverse=True))

    def prunable(
        self, *, max_bytes: int | None = None, older_than: timedelta | None = None, keep_last: int | None = None
    ) -> tuple[StoredEngine, ...]:
        """Return the engines that ``prune`` would remove, the one used last first.

        Args:
            max_bytes: going from the one used last, keep those that fit into so many bytes together.
            older_than: keep those used within this time.
            keep_last: keep no more than so many, those used last.
        """
        now = datetime.now(timezone.utc)
        going, kept_bytes = [], 0
        for place, engine in enumerate(self.list()):
            if (
                (keep_last is not None and place >= keep_last)
                or (older_than is not None and now - engine.last_used > older_than)
                or (max_bytes is not None and kept_bytes + engine.bytes > max_bytes)
            ):
                going.append(engine)
            else:
                kept_bytes += engine.bytes
        return tuple(going)

    def prune(
        self, *, max_bytes: int | None = None, older_than: timedelta | None = None, keep_last: int | None = None
    ) -> tuple[StoredEngine, ...]:
        """Remove the engines that no longer fit, and whatever a killed session left over; return the former.

        Args:
            max_bytes: see ``prunable``, as for all that follow.
            older_than: see ``prunable``.
            keep_last: see ``prunable``.
        """
        going = self.prunable(max_bytes=max_bytes, older_than=older_than, keep_last=keep_last)
        for engine in going:
            self._remove(engine)
        self._remove_left_overs()
        return going

    def discard(self, key: EngineKey, why: str) -> Discarded:
        """Remove the engine of ``key``, which proved to be of no use, note why, and return the note.

        Args:
            key: of the engine; one that is not there is noted all the same.
            why: in a sentence, e.g. what the runtime said when it would not load it.
        """
        stored = self._described(key.hash)
        case = stored.facts.case if stored else ""
        if stored is not None:
            self._remove(stored)
        self._sidecar(key.hash).unlink(missing_ok=True)
        entry = Discarded(key=key.hash, case=case, why=why, at=datetime.now(timezone.utc))
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._discarded_file().open("ab") as file:
            file.write(line_of(entry))  # one short write, which the system does not mix with another's
        return entry

    def discarded(self) -> tuple[Discarded, ...]:
        """Return what was discarded, in the order in which it was."""
        try:
            lines = self._discarded_file().read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        return tuple(entry for line in lines if (entry := read_discarded(line)) is not None)

    def _sidecar(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _discarded_file(self) -> Path:
        return self.folder / "discarded.jsonl"

    def _described(self, key: str) -> StoredEngine | None:
        """Return what the sidecar of ``key`` says, whatever has become of the file that it names."""
        sidecar = self._sidecar(key)
        try:
            text, used = sidecar.read_bytes(), sidecar.stat().st_mtime
        except FileNotFoundError:
            return None
        return read_sidecar(text, self.folder, datetime.fromtimestamp(used, timezone.utc))

    def _whole(self, key: str) -> StoredEngine | None:
        stored = self._described(key)
        try:
            return stored if stored is not None and stored.path.stat().st_size == stored.bytes else None
        except FileNotFoundError:
            return None

    def _remove(self, engine: StoredEngine) -> None:
        # The sidecar first: without it the engine is not found, so nobody looks for a file that is gone.
        self._sidecar(engine.key).unlink(missing_ok=True)
        engine.path.unlink(missing_ok=True)

    def _remove_left_overs(self) -> None:
        now = datetime.now(timezone.utc)
        whole = {path for engine in self.list() for path in (engine.path, self._sidecar(engine.key))}
        for path in _files_of_engines(self.folder):
            if path not in whole and now - _changed(path, now) > _LEFT_OVER_AFTER:
                path.unlink(missing_ok=True)


def _files_of_engines(folder: Path) -> Iterable[Path]:
    for pattern in ("*.engine", "*.json", ".storing-*"):
        yield from folder.glob(pattern)


def _changed(path: Path, otherwise: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    except FileNotFoundError:
        return otherwise


def _copy(source: Path, destination: Path) -> str:
    """Copy a file and return the SHA-256 (hex) of what was read.

    Raises:
        FileNotFoundError: there is no ``source``.
    """
    digest = hashlib.sha256()
    with source.open("rb") as read, destination.open("wb") as write:
        while chunk := read.read(_CHUNK):
            digest.update(chunk)
            write.write(chunk)
    shutil.copymode(source, destination)
    return digest.hexdigest()
