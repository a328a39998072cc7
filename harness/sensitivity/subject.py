"""What is studied: a model in a recipe, its calibration, its inputs, and onnxruntime to run its graphs."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from harness.cases import Point, make_inputs
from harness.cases.calibration import MINMAX
from harness.errors import ConfigurationError, RunFailed
from harness.graphs.base import BaseGraph, base_graph, package_versions
from harness.graphs.cache import GraphCache, key_of
from harness.graphs.calibration import Sample, calibration_samples, hash_samples
from harness.graphs.clipping import activation_ranges, magnitude_histograms
from harness.graphs.cost import multiply_adds_by_node
from harness.graphs.int8 import to_folded_and_int8
from harness.graphs.load import check_names
from harness.graphs.recipes import RECIPE_VERSIONS, apply_recipe
from harness.graphs.save import save_model
from harness.graphs.switches import SwitchedGraph, switched_fp16, switched_int8
from harness.runtimes.onnxruntime import SessionEngine
from harness.runtimes.onnxruntime_session import open_session, session_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from onnx import ModelProto

    from harness.cases import Model, Precision
    from harness.cases.precision import Recipe
    from harness.graphs.thresholds import MagnitudeHistogram

Arrays = dict[str, "np.ndarray"]


class Subject:
    """A model that is to be converted by a recipe.

    Args:
        model: its graph, feeds, first profile and calibration.
        recipe: ``fp16`` or ``int8``.
        cache: the folder that graphs are kept in.

    Raises:
        UsageError: the graph, its profile or its feeds cannot be used, or neither can the cache.
    """

    def __init__(self, model: Model, recipe: Recipe, cache: Path) -> None:
        self.recipe = recipe
        self._model = model
        try:
            graphs = GraphCache(cache)
            self._base: BaseGraph = base_graph(model.source, graphs)
            self._graph: ModelProto = onnx.load(str(graphs.path_of(self._base.hash)))
        except OSError as error:
            raise ConfigurationError(
                f"the graph cache {str(cache)!r} cannot be used: {error}. Name another folder, or make room in it."
            ) from error
        check_names("input of the graph", model.feeds, (spec.name for spec in self._base.inputs))
        profile = model.profiles[0]
        profile.check_against(self._base.inputs)
        self._tuned = profile.corner("opt")
        largest = profile.corner("max")
        self._point = Point(
            tuple((name, largest.size(name) if name == model.batch_axis else size) for name, size in self._tuned.sizes)
        )

    @property
    def point(self) -> str:
        """Label of the point of ``reference``."""
        return self._point.label

    def key(self, inputs: Mapping[str, np.ndarray]) -> str:
        """Return SHA-256 (hex) over all that the errors at ``inputs`` depend on."""
        method = self._model.calibration.method
        said = "" if method == MINMAX else f" {method}"
        calibration = f"{hash_samples(self._calibration)}{said}" if self.recipe == "int8" else ""
        measured = hash_samples([dict(inputs)])
        recipe_version = RECIPE_VERSIONS[self.recipe]
        return key_of(self._base.hash, self.recipe, recipe_version, package_versions(), calibration, measured)

    def switched(self) -> SwitchedGraph:
        """Return the graph with a switch for each tensor that the recipe rounds."""
        if self.recipe == "fp16":
            return switched_fp16(self._graph)
        return switched_int8(self._graph, self._calibration, self._model.calibration.method)

    def converted(self, precision: Precision) -> ModelProto:
        """Return the graph that the recipe itself makes."""
        calibration = self._calibration if precision.recipe == "int8" else None
        return apply_recipe(self._graph, precision, calibration, self._model.calibration.method).model

    def folded_and_quantised(self, keep: Sequence[str]) -> tuple[ModelProto, ModelProto]:
        """Return the float32 graph with folded batch norms, and its INT8 by MinMax; see ``to_folded_and_int8``."""
        return to_folded_and_int8(self._graph, self._calibration, keep)

    def histograms(self, folded: ModelProto, quantised: ModelProto) -> dict[str, MagnitudeHistogram]:
        """Count the magnitudes of each quantised activation over the calibration set; see ``magnitude_histograms``."""
        return magnitude_histograms(folded, self._calibration, activation_ranges(folded, quantised))

    def fp32(self) -> ModelProto:
        """Return the FP32 graph that everything is held against."""
        return self._graph

    def reference(self, seed: str) -> tuple[Arrays, Arrays]:
        """Return inputs made from ``seed`` at the opt point with the largest batch, and what FP32 makes of them."""
        inputs = make_inputs(self._base.inputs, self._model.feeds, self._point, seed=seed)
        return inputs, runner(self._graph)(inputs)

    def multiply_adds(self) -> dict[str, int]:
        """Return the multiply-adds of each node that has any, for one run at the point of ``reference``."""
        return multiply_adds_by_node(self._graph, self._point)

    @cached_property
    def _calibration(self) -> list[Sample]:
        model = self._model
        return calibration_samples(model.calibration, self._base.inputs, model.feeds, self._tuned, model.batch_axis)


def runner(model: ModelProto) -> Callable[[Mapping[str, np.ndarray]], Arrays]:
    """Return a function that runs ``model`` as ``engine_of`` does and returns its outputs by name."""
    return engine_of(model).run


def engine_of(model: ModelProto) -> SessionEngine:
    """Return ``model`` on onnxruntime's CPU provider.

    Raises:
        ModelError: the graph is newer than this onnxruntime reads.
        RunFailed: onnxruntime cannot load it; a run of it raises the same.
    """
    with tempfile.TemporaryDirectory(prefix="sensitivity-") as folder:
        # As a file: a graph of more than 2 GB has no other way.
        path = Path(folder) / "graph.onnx"
        save_model(model, path)
        # Not "all", at which onnxruntime 1.31.1 dies of an LSTM in FP16.
        session = open_session(path, session_options("extended", spin=False), ["CPUExecutionProvider"], RunFailed)
    return SessionEngine(session)
