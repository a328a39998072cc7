"""One operator case in a worker: built, run and judged in one request; nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.accuracy.metrics import compare_tensors
from harness.accuracy.operators import judge_operator
from harness.cases import Precision, Profile, TensorSpec
from harness.errors import BuildFailed, ModelError, ProfileError, RunFailed
from harness.operators.case_files import load_case
from harness.runtimes.base import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from harness.accuracy.operators import OperatorJudgement
    from harness.errors import HarnessError
    from harness.runtimes.base import Runtime


def run_operator(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """Build the graph of a case, run it on the case's inputs and hold its outputs against the case's.

    Args:
        runtime: what is under test.
        request: ``graph`` (path), ``tensors`` (path), ``nearby`` (path, or empty), ``precision``, ``destination`` of
            the engine, ``options`` of the build.

    Returns:
        ``outcome``: ``ok``, ``failed`` or, where the runtime refuses to build it, ``unsupported``; ``message``: what is
        off, or the runtime's reason; ``share``: the largest error as a multiple of what is allowed, None where there
        are no outputs; ``errors``: of the outputs that are off, measures by output.
    """
    inputs, expected = load_case(Path(request["tensors"]))
    precision = Precision.from_json(request["precision"])
    destination = Path(request["destination"])
    build = BuildRequest(
        graph=Path(request["graph"]),
        precision=precision,
        profile=Profile(),
        inputs=tuple(TensorSpec(name, str(array.dtype), array.shape) for name, array in inputs.items()),
        destination=destination,
        options=request["options"],
    )
    try:
        runtime.build(build)
    except (BuildFailed, ModelError, ProfileError) as refusal:
        return _answer("unsupported", refusal, build)
    try:
        actual = _run(runtime, destination, inputs)
    except RunFailed as failure:
        return _answer("failed", failure, build)
    nearby = load_case(Path(request["nearby"]))[1] if request["nearby"] else {}
    judged = judge_operator(actual, expected, precision.recipe, nearby)
    wrong = [judgement for judgement in judged if not judgement.passed]
    return {
        "outcome": "failed" if wrong else "ok",
        "message": "\n".join(judgement.sentence for judgement in wrong),
        "share": max(judgement.share for judgement in judged),
        "errors": _errors(wrong, actual, expected),
    }


def _run(runtime: Runtime, engine: Path, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    loaded = runtime.load(engine)
    try:
        # An engine may lend its outputs, and takes them back as it is closed.
        return {name: array.copy() for name, array in loaded.run(inputs).items()}
    finally:
        loaded.close()


def _answer(outcome: str, failure: HarnessError, build: BuildRequest) -> dict[str, Any]:
    """Return the answer of a case that has no outputs; the folders of this machine are no part of a reason."""
    message = str(failure)
    for file in (build.graph, build.destination):
        message = message.replace(f"{file.parent}/", "")
    return {"outcome": outcome, "message": message, "share": None, "errors": {}}


def _errors(
    wrong: list[OperatorJudgement], actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    errors = {}
    for judgement in wrong:
        try:
            error = compare_tensors(actual[judgement.output], expected[judgement.output])
        except (KeyError, RunFailed):
            continue  # it is not there or of another shape, as the judgement's sentence says
        errors[judgement.output] = error.to_json()
    return errors
