"""Graphs told apart by their content, and written so that no reader ever sees half a file."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnx import ModelProto, TensorProto, helper, numpy_helper

from harness.graphs.walk import without_initialisers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

# Protobuf cannot write 2 GiB or more into one file; what the weights leave of that is for the rest of the graph.
EXTERNAL_DATA_BYTES = 1_900_000_000

# Only tensors worth a page of their own go outside, each to the start of a page, so that runtimes can map them.
_PAGE = 4096


def graph_hash(model: ModelProto) -> str:
    """Return SHA-256 (hex) over the graph and all its weights, wherever a file keeps them.

    ``model`` must hold its external data, as ``load_model`` returns it. Equal content gives an equal hash, whether its
    weights were stored inside, outside, as raw bytes or as numbers.
    """
    digest = hashlib.sha256(without_initialisers(model).SerializeToString(deterministic=True))
    for tensor in model.graph.initializer:
        digest.update(f"|{tensor.name}|{tensor.data_type}|{list(tensor.dims)}|".encode())
        digest.update(_content(tensor))
    return digest.hexdigest()


def save_model(model: ModelProto, path: Path) -> None:
    """Write ``model`` to ``path``, all at once: a reader finds the old file, none, or the whole new one.

    Weights go to ``<path>.data`` where they are more than ``EXTERNAL_DATA_BYTES``. ``model`` is not changed.

    Raises:
        OSError: the folder cannot be written to, or the disk is full; ``path`` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if needs_external_data(model):
        data = path.with_name(f"{path.name}.data")
        with replacing(data) as file:
            content = _moved_outside(model, data.name, file).SerializeToString()
    else:
        content = model.SerializeToString()
    with replacing(path) as file:
        file.write(content)


def needs_external_data(model: ModelProto) -> bool:
    """Tell whether the weights of ``model`` are more than ``EXTERNAL_DATA_BYTES``."""
    return sum(_bytes_of(tensor) for tensor in model.graph.initializer) > EXTERNAL_DATA_BYTES


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path`` that takes its place when the block ends well, and is removed otherwise."""
    # Not NamedTemporaryFile, whose own clean-up would miss the file after it was renamed.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        # mkstemp makes files that only their owner may read; a cache may be shared.
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _moved_outside(model: ModelProto, location: str, file: BinaryIO) -> ModelProto:
    shell = without_initialisers(model)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.STRING or _bytes_of(tensor) < _PAGE:
            shell.graph.initializer.append(tensor)
            continue
        file.write(b"\0" * (-file.tell() % _PAGE))
        content = _content(tensor)
        outside = TensorProto(
            name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, data_location=TensorProto.EXTERNAL
        )
        entries: dict[str, Any] = {"location": location, "offset": file.tell(), "length": len(content)}
        for key, value in entries.items():
            outside.external_data.add(key=key, value=str(value))
        shell.graph.initializer.append(outside)
        file.write(content)
    return shell


def _content(tensor: TensorProto) -> bytes:
    if tensor.HasField("raw_data"):
        return bytes(tensor.raw_data)
    if tensor.data_type == TensorProto.STRING:
        return bytes(tensor.SerializeToString(deterministic=True))
    # There and back, because ONNX packs its 4-bit types and is little-endian everywhere.
    return bytes(numpy_helper.from_array(numpy_helper.to_array(tensor)).raw_data)


def _bytes_of(tensor: TensorProto) -> int:
    itemsize: int = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return int(math.prod(tensor.dims)) * itemsize
