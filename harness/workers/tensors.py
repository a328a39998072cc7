"""Named tensors in a folder: how they travel between processes and stay in the cache."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_INDEX = "index.json"


def save_tensors(folder: Path, tensors: Mapping[str, np.ndarray] | Iterable[tuple[str, np.ndarray]]) -> None:
    """Write ``tensors`` under ``folder``, all or nothing, unless a complete set is there already.

    Folders are named by what is in them, so a set that another session wrote meanwhile is the same, and it may be
    reading it: it is left alone.

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
    try:
        scratch.rename(folder)
    except OSError:  # a folder is not renamed onto one that holds something
        if not has_tensors(folder):
            raise


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
