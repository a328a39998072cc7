"""Whether an error is within its tolerance, and in which words to say so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.accuracy.metrics import compare_tensors
from harness.cases.tolerance import UPPER_LIMITS, Tolerance, tolerance_for
from harness.errors import ConfigurationError, RunFailed, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from harness.accuracy.tensor_error import TensorError


@dataclass(frozen=True)
class BrokenLimit:
    """A limit that an error does not keep.

    Attributes:
        measure: a limit of ``Tolerance``, or ``mismatched_nonfinite``, of which none are ever allowed.
        measured: the value.
        allowed: the largest one allowed, or the smallest for ``cosine`` and ``sqnr_db``.
    """

    measure: str
    measured: float
    allowed: float

    def __str__(self) -> str:
        if self.measure == "mismatched_nonfinite":
            return f"NaN or Inf on one side only in {self.measured:.0f} element{'s' if self.measured > 1 else ''}"
        bound = ">=" if _is_lower(self.measure) else "<="
        if math.isnan(self.measured):
            return f"{self.measure} is NaN, which is not {bound} {self.allowed:g}"
        measured, allowed = _distinct(self.measured, self.allowed)
        return f"{self.measure} {measured} {'<' if bound == '>=' else '>'} {allowed}"


@dataclass(frozen=True)
class Judgement:
    """An error, held against a tolerance.

    Attributes:
        error: what was measured.
        tolerance: what was allowed.
        broken: the limits that were not kept, mismatched NaN and Inf first.
    """

    error: TensorError
    tolerance: Tolerance
    broken: tuple[BrokenLimit, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every limit was kept."""
        return not self.broken

    @property
    def sentence(self) -> str:
        """E.g. ``max_abs 0.31 > 0.01 at [0, 17] (actual 1.2, expected 0.9), cosine 0.91 < 0.999``."""
        if self.passed:
            kept = (
                f"{measure} {getattr(self.error, measure):.4g} {'>=' if _is_lower(measure) else '<='} {limit:g}"
                for measure, limit in self.tolerance.limits.items()
            )
            return ", ".join(kept)
        texts = [str(limit) for limit in self.broken]
        if self.broken[0].measure in {"mismatched_nonfinite", "max_abs"}:
            texts[0] += f" {self.error.worst}"
            return ", ".join(texts)
        return f"{', '.join(texts)}; max_abs {self.error.max_abs:.4g} {self.error.worst}"


@dataclass(frozen=True)
class OutputJudgement:
    """One final output, held against its reference.

    Attributes:
        output: its name.
        judgement: how far it is and may be from its reference, or None where the two could not be compared.
        problem: why they could not.
    """

    output: str
    judgement: Judgement | None = None
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was compared and every limit was kept."""
        return self.judgement is not None and self.judgement.passed

    @property
    def sentence(self) -> str:
        """The output's name and what is the matter with it, or what it keeps."""
        return f"output {self.output!r}: {self.problem if self.judgement is None else self.judgement.sentence}"


def judge_tensor(error: TensorError, tolerance: Tolerance) -> Judgement:
    """Hold ``error`` against every limit of ``tolerance``.

    A measure that is NaN keeps no limit, and a tensor with NaN or Inf on one side only is within no tolerance.
    """
    broken = []
    if error.mismatched_nonfinite:
        broken.append(BrokenLimit("mismatched_nonfinite", error.mismatched_nonfinite, 0))
    for measure, allowed in tolerance.limits.items():
        measured = getattr(error, measure)
        if not (measured >= allowed if _is_lower(measure) else measured <= allowed):
            broken.append(BrokenLimit(measure, measured, allowed))
    return Judgement(error, tolerance, tuple(broken))


def judge_outputs(
    actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], tolerances: Sequence[Tolerance]
) -> list[OutputJudgement]:
    """Compare final outputs by name and hold each against the tolerance that applies to it.

    Args:
        actual: the engine's outputs by name.
        expected: the reference's, of the same shapes.
        tolerances: as ``Model.tolerances_for`` gives them; those of scope ``outputs`` count.

    Returns:
        One judgement per output, in the reference's order; those that the reference does not have come last. Outputs
        that are missing, surplus, or of another shape are failures of their own.

    Raises:
        ConfigurationError: no tolerance applies to an output, or a tolerance applies to none.
        RunFailed: neither side has outputs.
    """
    if not expected and not actual:
        raise RunFailed("there are no outputs to compare, neither of the engine nor of its reference")
    for tolerance in tolerances:
        # Its limits would never be looked at, and whoever wrote them would believe that they hold.
        if tolerance.scope == "outputs" and not any(tolerance_for(name, "outputs", [tolerance]) for name in expected):
            raise ConfigurationError(
                f"a tolerance applies to nothing: {unknown_value('output of the graph', tolerance.tensors, expected)}"
            )
    chosen: dict[str, Tolerance] = {}
    for name in expected:
        applying = tolerance_for(name, "outputs", tolerances)
        if applying is None:
            patterns = ", ".join(repr(t.tensors) for t in tolerances if t.scope == "outputs") or "none"
            raise ConfigurationError(
                f"no tolerance applies to output {name!r}; the patterns for outputs are: {patterns}. "
                f"Add Tolerance(tensors={name!r}, …) to the model's tolerances."
            )
        chosen[name] = applying
    judgements = [_judge_output(name, actual, expected[name], tolerance) for name, tolerance in chosen.items()]
    judgements += [
        OutputJudgement(name, problem=unknown_value("output of the reference", name, expected))
        for name in actual
        if name not in expected
    ]
    return judgements


def _judge_output(
    name: str, actual: Mapping[str, np.ndarray], expected: np.ndarray, tolerance: Tolerance
) -> OutputJudgement:
    if name not in actual:
        return OutputJudgement(name, problem=unknown_value("output of the engine", name, actual))
    try:
        error = compare_tensors(actual[name], expected)
    except RunFailed as failure:
        return OutputJudgement(name, problem=str(failure))
    return OutputJudgement(name, judge_tensor(error, tolerance))


def _is_lower(measure: str) -> bool:
    return measure not in UPPER_LIMITS


def _distinct(measured: float, allowed: float) -> tuple[str, str]:
    """Write two different numbers with as many digits as it takes to see that they differ."""
    digits = 4
    while f"{measured:.{digits}g}" == f"{allowed:.{digits}g}" and digits < 17:
        digits += 1
    return f"{measured:.{digits}g}", f"{allowed:.{digits}g}"
