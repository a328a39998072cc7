"""Named tensors in a folder: how they travel between processes and stay in the cache."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.accuracy.chunks import holds_real_numbers, largest_magnitude
from harness.runtimes.dtypes import dtype_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_INDEX = "index.json"


def save_tensors(folder: Path, tensors: Mapping[str, np.ndarray] | Iterable[tuple[str, np.ndarray]]) -> None:
    """Write ``tensors`` under ``folder``, all or nothing, unless a complete set is there already.

    Folders are named by what is in them, so a set that another session wrote meanwhile is the same, and it may be
    reading it: it is left alone.

    Args:
        folder: made with its parents.
        tensors: arrays of any dtype and shape by name; names may hold any character.
    """
    with _unfinished(folder) as scratch:
        index = []
        pairs = tensors.items() if hasattr(tensors, "items") else tensors
        for position, (name, array) in enumerate(pairs):
            file = f"{position:05d}.bin"
            np.ascontiguousarray(array).tofile(scratch / file)
            index.append({"name": name, "file": file, "dtype": str(array.dtype), "shape": list(array.shape)})
        (scratch / _INDEX).write_text(json.dumps(index))


def save_stacked(folder: Path, parts: Iterable[Iterable[tuple[str, np.ndarray]]]) -> None:
    """Write tensors that come in parts as ``save_tensors`` does, with the number of the part as first dimension.

    One part is held at a time. A tensor whose shape or dtype is not the same in every part is left out.

    Args:
        folder: made with its parents.
        parts: the same names in each; arrays of any dtype.
    """
    with _unfinished(folder) as scratch:
        index: dict[str, dict[str, Any]] = {}
        uneven: set[str] = set()
        count = 0
        for tensors in parts:
            for name, array in tensors:
                told = {"dtype": str(array.dtype), "shape": list(array.shape)}
                new = {"name": name, "file": f"{len(index):05d}.bin", "magnitude": 0.0, **told}
                entry = index.setdefault(name, new)
                if any(entry[key] != value for key, value in told.items()):
                    uneven.add(name)
                if name not in uneven:
                    with (scratch / entry["file"]).open("ab") as file:
                        np.ascontiguousarray(array).tofile(file)
                    if holds_real_numbers(array.dtype):
                        entry["magnitude"] = max(entry["magnitude"], largest_magnitude(array))
                del array  # before the next part is made
            del tensors
            count += 1
        kept = [{**entry, "shape": [count, *entry["shape"]]} for name, entry in index.items() if name not in uneven]
        (scratch / _INDEX).write_text(json.dumps(kept))


def load_part(folder: Path, number: int) -> dict[str, np.ndarray]:
    """Map one part of what ``save_stacked`` wrote under ``folder`` into memory, read only, by name."""
    index = json.loads((folder / _INDEX).read_text())
    return {
        entry["name"]: _map(folder / entry["file"], entry["dtype"], tuple(entry["shape"][1:]), part=number)
        for entry in index
    }


def load_magnitudes(folder: Path) -> dict[str, float]:
    """Return the largest finite magnitude of each tensor that ``save_stacked`` wrote under ``folder``, by name."""
    return {entry["name"]: entry["magnitude"] for entry in json.loads((folder / _INDEX).read_text())}


def load_tensors(folder: Path) -> dict[str, np.ndarray]:
    """Map the tensors that ``save_tensors`` wrote under ``folder`` into memory, read only, by name."""
    index = json.loads((folder / _INDEX).read_text())
    return {entry["name"]: _map(folder / entry["file"], entry["dtype"], tuple(entry["shape"])) for entry in index}


def has_tensors(folder: Path) -> bool:
    """Whether ``save_tensors`` finished writing under ``folder``."""
    return (folder / _INDEX).is_file()


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """Lend a folder that becomes ``folder`` when the block ends well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield scratch
        _put_in_place(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put_in_place(scratch: Path, folder: Path) -> None:
    try:
        scratch.rename(folder)
    except OSError:  # a folder is not renamed onto one that holds something
        if not has_tensors(folder):
            raise


def _map(file: Path, dtype_name: str, shape: tuple[int, ...], *, part: int = 0) -> np.ndarray:
    dtype = dtype_named(dtype_name)
    count = math.prod(shape)
    offset = part * count * dtype.itemsize
    if 0 in shape or not shape:
        return np.fromfile(file, dtype=dtype, count=count, offset=offset).reshape(shape)
    mapped: np.ndarray = np.memmap(file, dtype=dtype, mode="r", shape=shape, offset=offset)
    return mapped
