"""What is demanded of every engine. Each test is one stage; the stages of a case share what they build."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.plugin import EngineCase


def test_build(engine_case: EngineCase) -> None:
    """The runtime builds an engine from the model's graph in this precision."""
    engine_case.check("build")


def test_precision(engine_case: EngineCase) -> None:
    """The engine computes in the number type that was asked for."""
    engine_case.check("precision")


def test_reference(engine_case: EngineCase) -> None:
    """Others make the same of the FP32 graph as the reference does, with less noise than is tolerated."""
    engine_case.check("reference")


def test_outputs(engine_case: EngineCase) -> None:
    """Every output is within its tolerance of the reference, at every point of the profile."""
    engine_case.check("outputs")


def test_layers(engine_case: EngineCase) -> None:
    """Every layer is within its tolerance of the reference, at the smallest point."""
    engine_case.check("layers")


def test_invariance(engine_case: EngineCase) -> None:
    """Neighbours, padding and runs at the same time change no answer, and unusual inputs get a sane one."""
    engine_case.check("invariance")


def test_task(engine_case: EngineCase) -> None:
    """The engine keeps the FP32 graph's score on labelled data."""
    engine_case.check("task")


def test_latency(engine_case: EngineCase, latency_benchmark: Callable[[Sequence[float]], None]) -> None:
    """The engine runs in a fresh process, and is timed there."""
    engine_case.check("latency")
    latency_benchmark(engine_case.latency_samples())


def test_regression(engine_case: EngineCase) -> None:
    """No gated metric is worse than its baseline."""
    engine_case.check("regression")
