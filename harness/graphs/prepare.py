"""What a worker asks for: the graph of a model in a precision, as a file, made once and then found in milliseconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from harness.cases import Calibration, Feed, Point, Precision, TensorSpec, specs_from_json, specs_to_json
from harness.cases.calibration import MINMAX
from harness.cases.feed import feed_from_json, feed_to_json
from harness.errors import ConfigurationError
from harness.graphs.base import BaseGraph, base_graph, package_versions
from harness.graphs.cache import GraphCache, key_of
from harness.graphs.calibration import Sample, calibration_samples, hash_samples
from harness.graphs.load import check_names
from harness.graphs.recipes import RECIPE_VERSIONS, apply_recipe, type_shares
from harness.graphs.sources import source_code_hash
from harness.graphs.structure import GraphStructure, cached_structure

if TYPE_CHECKING:
    from collections.abc import Mapping

# What of a request an invented calibration set is made of.
_INVENTED_FROM = ("feeds", "calibration", "point", "batch_axis")


@dataclass(frozen=True, kw_only=True)
class PrepareRequest:
    """Which graph is wanted.

    Attributes:
        source: a path, or ``module:function`` of no arguments that returns an ``onnx.ModelProto``.
        precision: what it is to compute in.
        cache: the folder that graphs are kept in; made if there is none.
        feeds: how inputs are filled, by name: what invented calibration samples are made of.
        calibration: where INT8 scales come from.
        point: the size of each free dimension in invented calibration samples: the profile's ``opt``.
        batch_axis: the free dimension that is 1 in them, whatever ``point`` says.
    """

    source: str | Path
    precision: Precision
    cache: Path
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    point: Point = field(default_factory=Point)
    batch_axis: str | None = "batch"

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain data."""
        return {
            "source": str(self.source),
            "source_is_path": isinstance(self.source, Path),
            "precision": self.precision.to_json(),
            "cache": str(self.cache),
            "feeds": {name: feed_to_json(feed) for name, feed in self.feeds.items()},
            "calibration": self.calibration.to_json(),
            "point": dict(self.point.sizes),
            "batch_axis": self.batch_axis,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PrepareRequest:
        """Make a request from what ``to_json`` returned."""
        return cls(
            source=Path(data["source"]) if data["source_is_path"] else data["source"],
            precision=Precision.from_json(data["precision"]),
            cache=Path(data["cache"]),
            feeds={name: feed_from_json(feed) for name, feed in data["feeds"].items()},
            calibration=Calibration(**data["calibration"]),
            point=Point.of(data["point"]),
            batch_axis=data["batch_axis"],
        )


@dataclass(frozen=True, kw_only=True)
class PreparedGraph:
    """A graph in its precision, and the FP32 graph that it is held against.

    Attributes:
        path: the ONNX file; its name is its hash.
        hash: SHA-256 over graph and weights.
        fp32_path: the FP32 graph's file; the same as ``path`` for recipes that leave the graph alone.
        fp32_hash: its hash.
        inputs: what both graphs are fed.
        outputs: what both give back.
        structure: how the graph's nodes are wired.
        notes: what the recipe had to say, e.g. that weights were clamped.
        type_shares: share of computing nodes by number type; see ``harness.graphs.recipes.type_shares``.
        cached: whether the graph was found rather than made.
        seconds: wall seconds that this call took.
    """

    path: Path
    hash: str
    fp32_path: Path
    fp32_hash: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    structure: GraphStructure
    notes: tuple[str, ...] = ()
    type_shares: Mapping[str, float] = field(default_factory=dict)
    cached: bool = False
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the graph's description as plain data."""
        return {
            **vars(self),
            "path": str(self.path),
            "fp32_path": str(self.fp32_path),
            "inputs": specs_to_json(self.inputs),
            "outputs": specs_to_json(self.outputs),
            "structure": self.structure.to_json(),
            "notes": list(self.notes),
            "type_shares": dict(self.type_shares),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PreparedGraph:
        """Make a description from what ``to_json`` returned."""
        return cls(**{
            **data,
            "path": Path(data["path"]),
            "fp32_path": Path(data["fp32_path"]),
            "inputs": specs_from_json(data["inputs"]),
            "outputs": specs_from_json(data["outputs"]),
            "structure": GraphStructure.from_json(data["structure"]),
            "notes": tuple(data["notes"]),
        })  # fmt: skip


def prepare(request: PrepareRequest) -> PreparedGraph:
    """Return the graph that ``request`` wants, made now or found in its cache.

    Raises:
        ModelError: the model cannot be read or used, or ``feeds`` names an input that it lacks.
        CalibrationError: the calibration set does not fit the graph, or is not finite.
        ConfigurationError: a source or a node that does not exist, a function that failed, or a cache that cannot be
            written to.
        ProfileError: a free dimension has no size in ``point``, and samples must be invented.
    """
    start = time.perf_counter()
    cache = GraphCache(request.cache)
    try:
        base = base_graph(request.source, cache)
        check_names("input of the graph", request.feeds, (spec.name for spec in base.inputs))
        record, cached = _recipe_record(request, base, cache)
        structure = cached_structure(record["hash"], cache)
    except OSError as error:
        raise ConfigurationError(
            f"the graph cache {str(request.cache)!r} cannot be used: {error}. Name another folder, or make room in it."
        ) from error
    return PreparedGraph(
        path=cache.path_of(record["hash"]),
        hash=record["hash"],
        fp32_path=cache.path_of(base.hash),
        fp32_hash=base.hash,
        inputs=base.inputs,
        outputs=base.outputs,
        structure=structure,
        notes=tuple(record["notes"]),
        type_shares=record["type_shares"],
        cached=cached,
        seconds=time.perf_counter() - start,
    )


def _recipe_record(request: PrepareRequest, base: BaseGraph, cache: GraphCache) -> tuple[dict[str, Any], bool]:
    """Return the record of the recipe's graph, and whether there was one.

    It is looked for twice: by how its calibration set is made, which is quickly told, and by what that set holds, which
    is still the same after most changes of the code that makes it.
    """
    recipe = request.precision.recipe
    ingredients = (base.hash, recipe, RECIPE_VERSIONS[recipe], request.precision.keep_fp32, package_versions())
    key = key_of(*ingredients, _calibration_description(request))
    record = cache.read("recipes", key)
    if record is not None:
        return record, True
    samples: list[Sample] | None = None
    content_key = key
    if recipe == "int8":
        samples = calibration_samples(
            request.calibration, base.inputs, request.feeds, request.point, request.batch_axis
        )
        method = request.calibration.method
        content_key = key_of(*ingredients, hash_samples(samples), *(() if method == MINMAX else (method,)))
        record = cache.read("recipes", content_key)
    found = record is not None
    if record is None:
        record = _made(request, base, samples, cache)
        cache.write("recipes", content_key, record)
    if content_key != key:
        cache.write("recipes", key, record)
    return record, found


def _made(request: PrepareRequest, base: BaseGraph, samples: list[Sample] | None, cache: GraphCache) -> dict[str, Any]:
    model = onnx.load(str(cache.path_of(base.hash)))
    result = apply_recipe(model, request.precision, samples, request.calibration.method)
    return {
        "hash": base.hash if result.model is model else cache.store(result.model),
        "notes": list(result.notes),
        "type_shares": type_shares(result.model),
    }


def _calibration_description(request: PrepareRequest) -> dict[str, Any] | None:
    if request.precision.recipe != "int8":
        return None
    if request.calibration.source is not None:
        # How many samples it has is for the source to say.
        described = {name: value for name, value in request.calibration.to_json().items() if name != "samples"}
        return {**described, "code": source_code_hash(request.calibration.source)}
    plain = request.to_json()
    return {name: plain[name] for name in _INVENTED_FROM}
