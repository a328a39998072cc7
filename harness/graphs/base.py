"""The FP32 graph of a model: read from its file or built by its function, checked, normalised, kept in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnx import ModelProto

from harness.cases import TensorSpec, specs_from_json, specs_to_json
from harness.errors import ModelError
from harness.graphs.cache import GraphCache, key_of
from harness.graphs.load import (
    check_model,
    external_data_files,
    input_specs,
    load_model,
    normalise,
    output_specs,
    parse_model,
)
from harness.graphs.sources import call_source, is_function_source, source_code_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What is made of a source is cached under this version: raise it when ``normalise`` changes, and say so here.
# 1: as first written.
BASE_VERSION = 1


@dataclass(frozen=True)
class BaseGraph:
    """The FP32 graph of a model.

    Attributes:
        hash: ``graph_hash`` of it; the cache knows its path.
        inputs: what it is fed.
        outputs: what it gives back.
    """

    hash: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def base_graph(source: str | Path, cache: GraphCache) -> BaseGraph:
    """Return the FP32 graph of ``source``, from ``cache`` if nothing that it depends on has changed.

    A file's graph is made anew when the size or the time of change of it or of its external data differ; a function's
    when the code of its module or of that module's package differs, or the onnx or numpy package. What else a function
    reads is not seen: delete the cache after changing it.

    Args:
        source: a path, or ``module:function`` of no arguments that returns an ``onnx.ModelProto``.
        cache: where graphs are kept.

    Raises:
        ModelError: the graph cannot be read or used; see ``load_model`` and ``input_specs``.
        ConfigurationError: there is no such function, or it failed.
        OSError: the cache cannot be written to.
    """
    if isinstance(source, str) and is_function_source(source):
        return _from_function(source, cache)
    return _from_file(Path(source).absolute(), cache)


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that graphs are made with; ``none`` for one that is not installed."""
    return {
        "onnx": _version("onnx"),
        "numpy": _version("numpy"),
        "onnxruntime": _version("onnxruntime", "onnxruntime-gpu"),
    }


def _from_function(source: str, cache: GraphCache) -> BaseGraph:
    versions = package_versions()
    key = key_of(BASE_VERSION, source_code_hash(source), versions["onnx"], versions["numpy"])
    record = cache.read("sources", key)
    if record is not None:
        return _from_record(record)
    model = call_source(source)
    if not isinstance(model, ModelProto):
        raise ModelError(f"{source!r} returned a {type(model).__name__}; it must return an onnx.ModelProto")
    check_model(model, repr(source))
    return _stored(model, key, {}, cache)


def _from_file(path: Path, cache: GraphCache) -> BaseGraph:
    key = key_of(BASE_VERSION, str(path), _version("onnx"))
    record = cache.read("sources", key)
    if record is not None and record.get("files") == _stamps(record.get("files", {})):
        return _from_record(record)
    # Taken before reading: a file that changes meanwhile then no longer matches its stamp, and is read again next time.
    files = _stamps((str(path), *map(str, external_data_files(parse_model(path), path.parent))))
    return _stored(load_model(path), key, files, cache)


def _stored(model: ModelProto, key: str, files: Mapping[str, Any], cache: GraphCache) -> BaseGraph:
    normal = normalise(model)
    inputs, outputs = input_specs(normal), output_specs(normal)
    base = BaseGraph(cache.store(normal), inputs, outputs)
    cache.write("sources", key, {
        "hash": base.hash,
        "inputs": specs_to_json(base.inputs),
        "outputs": specs_to_json(base.outputs),
        "files": files,
    })  # fmt: skip
    return base


def _from_record(record: Mapping[str, Any]) -> BaseGraph:
    return BaseGraph(record["hash"], specs_from_json(record["inputs"]), specs_from_json(record["outputs"]))


def _stamps(files: Iterable[str]) -> dict[str, list[int] | None]:
    return {file: _stamp(Path(file)) for file in files}


def _stamp(file: Path) -> list[int] | None:
    """Return size in bytes and time of change in nanoseconds, or None where there is no such file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _version(*packages: str) -> str:
    return next((found for package in packages if (found := _version_of(package)) is not None), "none")


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
