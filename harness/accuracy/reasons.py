"""Why a layer makes an error, in words: from counts of what does not fit its number type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.accuracy.attribution import decibels
from harness.accuracy.ranges import FLOAT_RANGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.accuracy.attribution import LayerOrigin
    from harness.accuracy.ranges import QuantisedRange, Spread

# Shares of a tensor's elements from which a misfit is worth naming: below, no ratio over the whole tensor shows it.
_SATURATED = 1e-4
_LOST = 0.01
# INT8 with a scale from the largest of a Gaussian's million numbers rounds 7 % of them to zero.
_LOST_BY_QUANTISING = 0.5


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of one layer beside its errors.

    Attributes:
        number_type: what its output is held in: ``float32``, ``float16`` or ``bfloat16``.
        reference: its reference's spread, held against that type.
        broken: elements that become NaN or infinite on one side only when it runs alone.
        quantised: what it rounds to integers of the values that it reads: range and spread, by tensor.
        weights: the spreads of its weights, in the tensor's unit, by name.
    """

    number_type: str
    reference: Spread
    broken: int = 0
    quantised: Mapping[str, tuple[QuantisedRange, Spread]]
    weights: Mapping[str, Spread]

    @property
    def counts(self) -> dict[str, Any]:
        """The misfits that there are: of the output, and under ``inputs`` of what is quantised."""
        inputs = {name: spread.misfits for name, (_, spread) in self.quantised.items() if spread.misfits}
        broken = {"broken": self.broken} if self.broken else {}
        return {**self.reference.misfits, **broken, **({"inputs": inputs} if inputs else {})}


def reason(origin: LayerOrigin, evidence: Evidence) -> str:
    """Say why a layer makes what it makes: the gravest misfit that was counted, else that there is none."""
    if origin.by_engine:
        return (
            "the engine computes it otherwise than its graph, of which a CPU makes "
            f"{decibels(origin.added or 0.0)} from the reference's inputs"
        )
    return (
        _overflow(evidence)
        or _saturation(evidence)
        or _lost(evidence)
        or _weights(evidence)
        or (
            "its graph computes something else than the reference from the same inputs"
            if evidence.number_type == "float32" and not evidence.quantised
            else "it rounds: nothing overflows, saturates or underflows"
        )
    )


def _overflow(evidence: Evidence) -> str:
    spread, kind = evidence.reference, evidence.number_type
    if spread.overflow:
        return f"overflows {kind}: {spread.overflow} of {spread.count} values beyond {FLOAT_RANGES[kind].largest:g}"
    if evidence.broken:
        return (
            f"makes {evidence.broken} of {spread.count} values NaN or infinite, where its reference's range "
            f"{_range(spread)} fits {kind}"
        )
    return ""


def _saturation(evidence: Evidence) -> str:
    shares = {name: s.saturated / max(s.count, 1) for name, (_, s) in evidence.quantised.items()}
    worst = max(shares, key=lambda name: shares[name], default="")
    if not worst or shares[worst] < _SATURATED:
        return ""
    kind, spread = evidence.quantised[worst]
    return (
        f"saturates: {shares[worst]:.2%} of the values of {worst!r} at the {kind.name} clamp, range {_range(spread)} "
        f"with scale {kind.scale:.3g}"
    )


def _lost(evidence: Evidence) -> str:
    lost = {name: s.underflow / max(s.count - s.zeros, 1) for name, (_, s) in evidence.quantised.items()}
    worst = max(lost, key=lambda name: lost[name], default="")
    if worst and lost[worst] >= _LOST_BY_QUANTISING:
        kind, spread = evidence.quantised[worst]
        return (
            f"rounds to zero: {lost[worst]:.0%} of the values of {worst!r} are below half a step of {kind.name}, range "
            f"{_range(spread)} with scale {kind.scale:.3g}"
        )
    spread, kind_name = evidence.reference, evidence.number_type
    for count, what in ((spread.underflow, "underflows"), (spread.subnormal, "is subnormal in")):
        if count >= _LOST * max(spread.count, 1):
            return f"{what} {kind_name}: {count} of {spread.count} values, RMS {spread.rms:.3g}"
    return ""


def _weights(evidence: Evidence) -> str:
    for name, spread in evidence.weights.items():
        if evidence.number_type == "float16" and spread.maximum >= FLOAT_RANGES["float16"].largest:
            return f"its weights {name!r} are clamped at {FLOAT_RANGES['float16'].largest:g}"
        if evidence.quantised and spread.share_of_zeros >= _LOST_BY_QUANTISING:
            return f"its weights {name!r} are coarse: {spread.share_of_zeros:.0%} are zero, range {_range(spread)}"
    return ""


def _range(spread: Spread) -> str:
    return f"{spread.minimum:.4g}..{spread.maximum:.4g}"
