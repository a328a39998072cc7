"""Sessions of onnxruntime: how they are opened and run, and what its errors mean. Shared by its providers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import BuildFailed, ModelError, RunFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Provider = str | tuple[str, dict[str, str]]

_TOO_NEW = re.compile(
    r"Unsupported model IR version: (?P<ir>\d+), max supported IR version: (?P<max_ir>\d+)"
    r"|Opset (?P<opset>\d+) is under development.*?till opset (?P<max_opset>\d+)",
    re.DOTALL,
)
# onnxruntime prefixes its messages with an address in its own source.
_NOISE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : |/\S+/onnxruntime/\S+:\d+ ")


def session_options(level: str, *, spin: bool = True) -> Any:
    """Return ``SessionOptions``.

    Args:
        level: of optimisation: ``disabled``, ``basic``, ``extended`` or ``all``.
        spin: whether threads without work wait busily; two sessions at once are faster if they do not.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = {
        "disabled": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
        "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
        "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    }[level]
    options.log_severity_level = 3  # its warnings about saved layouts do not concern a machine-local file
    if not spin:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def open_session(
    graph: Path | bytes, options: Any, providers: Sequence[Provider], failure: type[BuildFailed | RunFailed]
) -> Any:
    """Return an ``InferenceSession``.

    Args:
        graph: an ONNX file, or its content.
        options: as ``session_options`` makes them.
        providers: of execution, the preferred one first, with their own options where they need some.
        failure: what is raised where onnxruntime refuses the graph.

    Raises:
        ModelError: the graph is newer than this onnxruntime reads.
    """
    import onnxruntime

    source = graph if isinstance(graph, bytes) else str(graph)
    try:
        # Without its fallback: what fails on a GPU must not be tried again on the CPU in silence.
        return onnxruntime.InferenceSession(source, options, providers=list(providers), enable_fallback=0)
    except Exception as error:  # noqa: BLE001 - its exceptions share no base class of their own
        newer = _TOO_NEW.search(str(error))
        if newer:
            what, has, reads = (
                ("IR version", newer["ir"], newer["max_ir"])
                if newer["ir"]
                else ("opset", newer["opset"], newer["max_opset"])
            )
            raise ModelError(
                f"the graph has {what} {has}, but onnxruntime {onnxruntime.__version__} reads {what} up to {reads}. "
                f"Export it with an older one, convert it with onnx.version_converter, or take a newer onnxruntime."
            ) from None
        raise failure(f"onnxruntime {onnxruntime.__version__} refused the graph: {reason(error)}") from None


def run_session(session: Any, outputs: list[str] | None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the named outputs, or all of them, for one batch of ``inputs``.

    Raises:
        RunFailed: onnxruntime refused or failed.
    """
    try:
        values = session.run(outputs, dict(inputs))
    except Exception as error:  # noqa: BLE001 - its exceptions share no base class of their own
        raise RunFailed(f"onnxruntime could not run the graph: {reason(error)}") from None
    return [np.asarray(value) for value in values]


def reason(error: Exception) -> str:
    """Return what an exception of onnxruntime says, without the address in its source that it says it from."""
    return _NOISE.sub("", str(error)).strip()
