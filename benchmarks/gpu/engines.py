"""Engines of the catalogue's models, built in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cases import Model, Precision, make_inputs
from harness.errors import ConfigurationError, unknown_value
from harness.graphs.prepare import PrepareRequest, prepare
from harness.runtimes.base import BuildRequest, BuildResult
from suites.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

    from harness.runtimes.base import BuildOption, Runtime


@dataclass(frozen=True, kw_only=True)
class BuiltEngine:
    """An engine and how it is fed at the smallest point of its profile.

    Attributes:
        path: its file.
        result: of the build.
        inputs: tensors by name.
        point: label of the point.
    """

    path: Path
    result: BuildResult
    inputs: Mapping[str, np.ndarray]
    point: str


def model_named(name: str) -> Model:
    """Return the model of the catalogue that is called ``name``.

    Raises:
        ConfigurationError: there is none.
    """
    known = {model.name: model for model in CATALOGUE}
    if name not in known:
        raise ConfigurationError(unknown_value("model of the catalogue", name, known))
    return known[name]


def build_engine(
    runtime: Runtime, model: Model, precision: Precision, folder: Path, options: Mapping[str, BuildOption]
) -> BuiltEngine:
    """Build the engine of a model's first profile in ``folder``, where graphs are cached, too.

    Raises:
        BuildFailed: no engine came out of the graph.
        ModelError: the graph cannot be made.
    """
    profile = model.profiles[0]
    graph = prepare(
        PrepareRequest(
            source=model.source,
            precision=precision,
            cache=folder / "cache",
            feeds=model.feeds,
            calibration=model.calibration,
            point=profile.corner("opt"),
            batch_axis=model.batch_axis,
        )
    )
    destination = folder / f"{model.name}-{precision.name}.engine"
    result = runtime.build(
        BuildRequest(
            graph=graph.path,
            precision=precision,
            profile=profile,
            inputs=graph.inputs,
            destination=destination,
            options={**model.build_options.get(runtime.name, {}).get(precision.name, {}), **options},
        )
    )
    inputs = make_inputs(graph.inputs, model.feeds, profile.smallest, seed=model.name)
    return BuiltEngine(path=destination, result=result, inputs=inputs, point=profile.smallest.label)
