"""Engines to put into a store: small files with the records of large ones."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from harness.cases import FP16
from harness.engines import BuildFacts, EngineKey, EngineStore, StoredEngine

if TYPE_CHECKING:
    from pathlib import Path

KEY = EngineKey(
    graph="ab" * 32,
    precision=FP16.to_json(),
    axes={"batch": (1, 4, 16)},
    runtime="tensorrt",
    version="8.6.0",
    libraries={"cuda": "12.0", "cudnn": "8.8.0"},
    gpu="NVIDIA H200",
    capability="9.0",
    options={"optimization_level": 1},
    plugins={"roi.so": "cd" * 32},
)
FACTS = BuildFacts(
    case="squeezenet-fp16-batch1x4x16",
    seconds=21.5,
    fingerprint="ef" * 32,
    options={"optimization_level": 1},
    type_shares={"float16": 0.9, "float32": 0.1},
    layers=27,
    warnings=("a layer fell back",),
    more={"provider": "TensorRT"},
)


def key(number: int) -> EngineKey:
    """Return the key of the engine of this number."""
    return replace(KEY, graph=f"{number:064x}")


def engine_file(folder: Path, content: bytes = b"a plan") -> Path:
    """Write a file as a build leaves it."""
    path = folder / "built.engine"
    path.write_bytes(content)
    return path


def store_engines(store: EngineStore, folder: Path, *sizes: int) -> list[StoredEngine]:
    """Store engines 0, 1, 2 … of these sizes in bytes, the first used today, each next one a day before."""
    stored = []
    for number, size in enumerate(sizes):
        facts = replace(FACTS, case=f"model{number}-fp16-static")
        engine = store.put(key(number), engine_file(folder, bytes([number]) * size), facts)
        use(store, engine, days_ago=number)
        stored.append(engine)
    return stored


def replace_content(store: EngineStore, stored: StoredEngine, file: Path) -> None:
    """Put ``file`` in the place of an engine, as if its build had made that."""
    assert store.put(EngineKey(**stored.parts), file, stored.facts).key == stored.key


def use(store: EngineStore, engine: StoredEngine, *, days_ago: float) -> None:
    """Have an engine been used last so many days ago."""
    moment = (engine.built_at - timedelta(days=days_ago)).timestamp()
    os.utime(store.folder / f"{engine.key}.json", (moment, moment))


def set_time(path: Path, **ago: Any) -> None:
    """Have a file been changed last so long ago."""
    moment = path.stat().st_mtime - timedelta(**ago).total_seconds()
    os.utime(path, (moment, moment))
