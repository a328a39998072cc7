"""Named tensors in a folder: how they travel between processes and stay in the cache."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_INDEX = "index.json"
# Each loses to one other session that renames at the same moment.
_TRIES = 8


def save_tensors(folder: Path, tensors: Mapping[str, np.ndarray] | Iterable[tuple[str, np.ndarray]]) -> None:
    """Write ``tensors`` under ``folder``, all or nothing, replacing what was there.

    Args:
        folder: made with its parents.
        tensors: arrays of any dtype and shape by name; names may hold any character.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        index = []
        pairs = tensors.items() if hasattr(tensors, "items") else tensors
        for position, (name, array) in enumerate(pairs):
            file = f"{position:05d}.bin"
            contiguous = np.ascontiguousarray(array)
            contiguous.tofile(scratch / file)
            index.append({"name": name, "file": file, "dtype": str(array.dtype), "shape": list(array.shape)})
        (scratch / _INDEX).write_text(json.dumps(index))
        _put_in_place(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def load_tensors(folder: Path) -> dict[str, np.ndarray]:
    """Map the tensors that ``save_tensors`` wrote under ``folder`` into memory, read only, by name."""
    index = json.loads((folder / _INDEX).read_text())
    return {entry["name"]: _map(folder / entry["file"], entry["dtype"], tuple(entry["shape"])) for entry in index}


def has_tensors(folder: Path) -> bool:
    """Whether ``save_tensors`` finished writing under ``folder``."""
    return (folder / _INDEX).is_file()


def _put_in_place(scratch: Path, folder: Path) -> None:
    """Rename ``scratch`` to ``folder``, and first move aside what is there: sessions share a cache, and its folders."""
    aside = scratch.with_name(f"{scratch.name}.old")
    for more_tries in reversed(range(_TRIES)):
        try:
            scratch.rename(folder)
        except OSError:  # it is not renamed onto a folder that holds something
            if not more_tries:
                raise
            with contextlib.suppress(FileNotFoundError):  # another session has just moved it aside
                folder.rename(aside)
                shutil.rmtree(aside)
        else:
            return


def _map(file: Path, dtype_name: str, shape: tuple[int, ...]) -> np.ndarray:
    dtype = _dtype(dtype_name)
    if 0 in shape or not shape:
        return np.fromfile(file, dtype=dtype).reshape(shape)
    mapped: np.ndarray = np.memmap(file, dtype=dtype, mode="r", shape=shape)
    return mapped


def _dtype(name: str) -> np.dtype:
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # onnx depends on it; numpy alone knows no bfloat16

        dtype: np.dtype = np.dtype(getattr(ml_dtypes, name))
        return dtype
