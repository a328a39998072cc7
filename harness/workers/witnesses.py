"""The witnesses of a reference: other computations of the same FP32 graph, each heard once and remembered."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from harness.accuracy.chunks import holds_real_numbers
from harness.accuracy.metrics import compare_tensors
from harness.accuracy.reference_noise import Witness
from harness.cases import Point
from harness.errors import ConfigurationError, RunFailed, unknown_value
from harness.graphs.cache import key_of
from harness.graphs.save import replacing
from harness.graphs.sources import resolve_source, source_code_hash
from harness.runtimes.onnx_evaluator import EvaluatorLimits, evaluate
from harness.runtimes.onnxruntime_session import open_session, run_session, session_options
from harness.workers.tensors import load_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.runtimes.base import SoftwareVersions

Arrays = dict[str, "np.ndarray"]

# What is remembered of a witness is kept under this version: raise it when its meaning changes, and say so here.
# 1: as first written.
WITNESS_VERSION = 1


@dataclass(frozen=True)
class _Summons:
    """One who is to be heard.

    Attributes:
        party: its name in sentences.
        key: SHA-256 over all that its answer depends on, but for graph and inputs, of which the folder is.
        compute: (inputs, point) -> outputs by name; RunFailed says why it cannot.
    """

    party: str
    key: str
    compute: Callable[[Mapping[str, np.ndarray], Point], Arrays]


def hear_witnesses(
    request: Mapping[str, Any], folders: Mapping[str, Path], versions: SoftwareVersions
) -> dict[str, Any]:
    """Let others compute the FP32 graph on the reference's inputs, and hold what they make of it against the reference.

    The same graph under the same inputs has the same folders, whatever precision it is the reference of, and what was
    heard is written there: each is heard once for a model and a point.

    Args:
        request: ``graph`` (path), ``points`` ({label: sizes}), ``framework`` (``module:function``, or None), and
            ``reference``: who computed the reference, or None where this process's onnxruntime did, unoptimised.
        folders: ``inputs`` and ``outputs`` of each point, by its label.
        versions: of the onnxruntime in this process.

    Returns:
        ``reference``: who computed it; ``points``: by label, a list of witnesses (``Witness.to_json``).

    Raises:
        ConfigurationError: the framework's function does not exist, failed, or does not give what the graph gives.
    """
    graph = Path(request["graph"])
    called = f"{versions.runtime} {versions.version}"
    summoned = list(_summoned(graph, called, request["framework"]))
    points = {
        label: [_heard(each, folder, Point.of(request["points"][label])).to_json() for each in summoned]
        for label, folder in folders.items()
    }
    return {"reference": request["reference"] or f"{called}, unoptimised", "points": points}


def _summoned(graph: Path, onnxruntime: str, framework: str | None) -> Iterator[_Summons]:
    yield _Summons(f"{onnxruntime}, optimised", key_of("optimised", onnxruntime), _optimised(graph))
    limits = EvaluatorLimits()
    evaluator = f"onnx.reference {onnx.__version__}"
    yield _Summons(
        evaluator,
        key_of(evaluator, np.__version__, asdict(limits)),
        lambda inputs, point: evaluate(graph, inputs, point, limits),
    )
    if framework is not None:
        yield _Summons(
            repr(framework),
            key_of("framework", framework, source_code_hash(framework)),
            lambda inputs, _: _framework_outputs(framework, inputs),
        )


def _heard(summons: _Summons, folder: Path, point: Point) -> Witness:
    file = folder / "witnesses" / f"{key_of(WITNESS_VERSION, summons.key)[:24]}.json"
    try:
        return Witness.from_json(json.loads(file.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        witness = _hear(summons, folder, point)
    file.parent.mkdir(exist_ok=True)
    with replacing(file) as written:
        written.write(json.dumps(witness.to_json()).encode())
    return witness


def _hear(summons: _Summons, folder: Path, point: Point) -> Witness:
    expected = load_tensors(folder / "outputs")
    try:
        actual = summons.compute(load_tensors(folder / "inputs"), point)
    except RunFailed as failure:
        return Witness(party=summons.party, problem=str(failure))
    for name, array in expected.items():
        if name not in actual:
            raise ConfigurationError(f"{summons.party} has {unknown_value('output that it gives', name, actual)}")
        if actual[name].shape != array.shape:
            raise ConfigurationError(
                f"{summons.party} gives output {name!r} in shape {list(actual[name].shape)}, and the graph in "
                f"{list(array.shape)}"
            )
    errors = {
        name: compare_tensors(actual[name], array)
        for name, array in expected.items()
        if holds_real_numbers(array.dtype)
    }
    return Witness(party=summons.party, errors=errors)


def _optimised(graph: Path) -> Callable[[Mapping[str, np.ndarray], Point], Arrays]:
    opened: list[Any] = []  # by the first point that asks; none where all are remembered

    def compute(inputs: Mapping[str, np.ndarray], _: Point) -> Arrays:
        if not opened:
            # Other sessions are alive in this process and beside it, and waiting busily would slow them.
            options = session_options("all", spin=False)
            opened.append(open_session(graph, options, ["CPUExecutionProvider"], RunFailed))
        session = opened[0]
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, run_session(session, names, inputs), strict=True))

    return compute


def _framework_outputs(source: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
    function: Any = resolve_source(source)
    try:
        # Copies: a framework may demand memory that it can write to, and the reference's is mapped read-only.
        given = function({name: np.array(array) for name, array in inputs.items()})
        return {name: np.asarray(array) for name, array in given.items()}
    except Exception as error:
        raise ConfigurationError(
            f"framework_outputs {source!r} failed: {type(error).__name__}: {error}. It takes arrays by input name and "
            f"returns arrays by output name."
        ) from error
