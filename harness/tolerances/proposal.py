"""From what was measured to what may be demanded: floors, findings and proposals. Numbers in, records out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from harness.accuracy.agreement import LEAST_SQNR_DB
from harness.cases.tolerance import Tolerance, tolerance_for
from harness.tolerances.spread import BuildSpread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.accuracy.reference_noise import NoiseFloor
    from harness.cases import Model, Precision
    from harness.tolerances.readings import Reading

# Nearer than this to its proposal a tolerance is left as it is: other inputs move the floor by as much.
SLACK_DB = 3.0

Standing = Literal["fits", "below its floor", "too near its floor", "wider than needed", "exact"]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What one output of a model may be asked for in one precision.

    Attributes:
        model: its name.
        precision: its name.
        output: its name.
        noise_db: the reference's own noise, as a ratio of signal to error in dB.
        rounding_db: what the precision's recipe leaves of the output, likewise.
        spread: what engines of the history reached.
        floor_db: what a sound engine reaches at worst: the least of the noise, of the rounding less the spread between
            builds, and of what the worst engine reached.
        allowed: the tolerance that holds now.
        proposed: the tolerance that is proposed: the floor less the margin, and the limits of ``allowed`` in other
            measures but the cosine, which follows from the ratio; None where nothing differs.
        standing: how ``allowed`` stands to the two.
    """

    model: str
    precision: str
    output: str
    noise_db: float
    rounding_db: float
    spread: BuildSpread
    floor_db: float
    allowed: Tolerance
    proposed: Tolerance | None
    standing: Standing

    @property
    def changes(self) -> bool:
        """Whether the catalogue ought to be edited."""
        return self.proposed is not None and self.standing != "fits"


def propose(
    model: Model, precision: Precision, reading: Reading, spreads: Mapping[str, BuildSpread], *, margin_db: float
) -> list[Proposal]:
    """Return a proposal for each output that was measured in ``precision``.

    Args:
        model: as the catalogue has it now.
        precision: one of its precisions that ``reading`` has.
        reading: what was measured.
        spreads: what engines of the history reached, by output.
        margin_db: how far below the floor a tolerance shall lie.
    """
    proposals = []
    for output, rounding in reading.rounding[precision.name].items():
        noise = reading.noise[output]
        allowed = tolerance_for(output, "outputs", model.tolerances_for(precision))
        if allowed is None:
            continue
        spread = spreads.get(output, BuildSpread())
        reached = [] if spread.worst is None else [spread.worst]
        floor = min(noise.sqnr_db, rounding.sqnr_db - (spread.decibels or 0.0), *reached)
        proposed = _proposed(output, allowed, floor, margin_db)
        proposals.append(
            Proposal(
                model=model.name,
                precision=precision.name,
                output=output,
                noise_db=noise.sqnr_db,
                rounding_db=rounding.sqnr_db,
                spread=spread,
                floor_db=floor,
                allowed=allowed,
                proposed=proposed,
                standing=_standing(allowed, proposed, floor, (noise, rounding)),
            )
        )
    return proposals


def _proposed(output: str, allowed: Tolerance, floor: float, margin: float) -> Tolerance | None:
    if not math.isfinite(floor):
        return None
    # Other kernels sum in another order: of FP32 no more can be asked than that explains, however well two of one
    # library agree.
    ratio = float(math.floor(min(floor - margin, LEAST_SQNR_DB)))
    return replace(allowed, tensors=output, sqnr_db=ratio, cosine=None)


def _standing(allowed: Tolerance, proposed: Tolerance | None, floor: float, measured: Sequence[NoiseFloor]) -> Standing:
    if any(each.breaks(allowed) for each in measured) or (allowed.sqnr_db is not None and allowed.sqnr_db > floor):
        return "below its floor"
    if proposed is None or proposed.sqnr_db is None:
        return "exact"
    if allowed.sqnr_db is None or allowed.sqnr_db < proposed.sqnr_db - SLACK_DB:
        return "wider than needed"
    return "too near its floor" if allowed.sqnr_db > proposed.sqnr_db + SLACK_DB else "fits"


@dataclass(frozen=True, kw_only=True)
class Check:
    """Which planted faults a precision's tolerances notice.

    Attributes:
        model: its name.
        precision: its name.
        noticed: faults that break the tolerance of some output.
        passed: faults that pass, and would not if tolerances lay at the proposed distance from their floor.
        hidden: faults that no tolerance above the floor could notice, since they are smaller than the rounding that
            it must allow.
    """

    model: str
    precision: str
    noticed: tuple[str, ...]
    passed: tuple[str, ...]
    hidden: tuple[str, ...]


def check_faults(model: Model, precision: Precision, reading: Reading, proposals: Sequence[Proposal]) -> Check:
    """Hold the faults of ``reading`` against the tolerances of one precision.

    A fault's error is taken as if it were the only one, which in a sound engine it is not: rounding comes on top.

    Args:
        model: as the catalogue has it now.
        precision: one of its precisions.
        reading: what was measured, with faults.
        proposals: of this model in this precision.
    """
    own = model.tolerances_for(precision)
    wanted = [proposal.proposed for proposal in proposals if proposal.proposed]
    found: dict[str, list[str]] = {"noticed": [], "passed": [], "hidden": []}
    for fault in reading.faults:
        by_own, by_proposed = _notices(fault.errors, own), _notices(fault.errors, wanted)
        found["noticed" if by_own else "passed" if by_proposed else "hidden"].append(fault.description)
    return Check(model=model.name, precision=precision.name, **{kind: tuple(named) for kind, named in found.items()})


def _notices(errors: Mapping[str, NoiseFloor], tolerances: Sequence[Tolerance]) -> bool:
    applying = {output: tolerance_for(output, "outputs", tolerances) for output in errors}
    return any(tolerance and errors[output].breaks(tolerance) for output, tolerance in applying.items())
