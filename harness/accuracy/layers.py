"""Layer by layer: where in the graph an engine leaves its reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.accuracy.judge import Judgement, judge_tensor
from harness.cases.tolerance import tolerance_for
from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from harness.accuracy.tensor_error import TensorError
    from harness.cases.tolerance import Tolerance

# A layer whose reference has an RMS below this is quiet: its ratios would compare rounding with rounding, so they are
# taken relative to this instead. FP16's smallest step, 6e-8, rounds with an RMS of 1.7e-8, which is 35 dB below: such
# numbers pass however they are rounded, and an error of 1e-5 fails.
QUIET_RMS = 1e-6
# What makes a pattern of a name.
_WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class LayerError:
    """The error of one layer's output.

    Attributes:
        position: place in graph order, from 0.
        tensor: the output's name.
        operator: type of the node that makes it; ``""`` if unknown.
        error: how far it is from its reference.
    """

    position: int
    tensor: str
    operator: str
    error: TensorError

    def __str__(self) -> str:
        return f"{self.tensor!r} ({self.operator or 'unknown operator'}, position {self.position})"


@dataclass(frozen=True)
class LayerJudgement:
    """A layer, held against the tolerance that applies to it.

    Attributes:
        layer: the layer and its error, as measured.
        judgement: of that error, or None where no tolerance applies. In a quiet layer the error judged has its SQNR
            taken relative to the floor; cosine and relative error, which have no such form, are not judged.
        quiet: whether its reference is below the floor.
    """

    layer: LayerError
    judgement: Judgement | None
    quiet: bool

    @property
    def outside(self) -> bool:
        """Whether a tolerance applies and is not kept."""
        return self.judgement is not None and not self.judgement.passed

    @property
    def described(self) -> str:
        """The layer and its error in dB of its own signal, so below zero: the negative of its SQNR."""
        if self.layer.error.mismatched_nonfinite:
            return f"{self.layer} NaN or Inf"
        return f"{self.layer} {'no error' if self.sqnr_db == math.inf else f'{-self.sqnr_db:.1f} dB'}"

    @property
    def sqnr_db(self) -> float:
        """The SQNR by which layers are ranked: relative to the floor where the layer is quiet, -inf with stray NaN."""
        if self.layer.error.mismatched_nonfinite:
            return -math.inf
        return self.layer.error.sqnr_db if self.judgement is None else self.judgement.error.sqnr_db


@dataclass(frozen=True)
class LayerReport:
    """All layers in graph order."""

    layers: tuple[LayerJudgement, ...]

    @property
    def passed(self) -> bool:
        """Whether at least one layer was judged and none is outside its tolerance."""
        return self.judged > 0 and self.outside == 0

    @property
    def judged(self) -> int:
        """Number of layers that a tolerance applies to."""
        return sum(layer.judgement is not None for layer in self.layers)

    @property
    def outside(self) -> int:
        """Number of layers outside their tolerance."""
        return sum(layer.outside for layer in self.layers)

    @property
    def first_outside(self) -> LayerJudgement | None:
        """The first layer in graph order that leaves its tolerance."""
        return next((layer for layer in self.layers if layer.outside), None)

    @property
    def worst(self) -> tuple[LayerJudgement, ...]:
        """Up to three layers, lowest SQNR first: the one measure that does not depend on a layer's scale."""
        return tuple(sorted(self.layers, key=lambda layer: layer.sqnr_db)[:3])

    def describe(self) -> str:
        """Say in a few lines where the graph first leaves its tolerance, what surrounds that, and what is worst."""
        if not self.layers:
            return "no layers were compared"
        if not self.judged:
            return f"none of {len(self.layers)} layers has a tolerance, so none was judged"
        worst = "worst: " + "; ".join(layer.described for layer in self.worst)
        first = self.first_outside
        if first is None or first.judgement is None:
            return f"all {self.judged} judged layers of {len(self.layers)} are within their tolerance\n{worst}"
        place = self.layers.index(first)
        around = [
            f"{word} it: {neighbour.described}"
            for word, neighbours in (("before", self.layers[:place][-1:]), ("after", self.layers[place + 1 :][:1]))
            for neighbour in neighbours
        ]
        return "\n".join(
            [
                f"outside their tolerance: {self.outside} of {self.judged} judged layers",
                f"first: {first.layer}: {first.judgement.sentence}",
                *around,
                worst,
            ]
        )


def judge_layers(
    layers: Iterable[LayerError],
    tolerances: Sequence[Tolerance],
    *,
    others: Collection[str] = (),
    quiet_rms: float = QUIET_RMS,
) -> LayerReport:
    """Hold every layer against the tolerance that applies to it.

    A layer whose reference is (nearly) zero has no meaningful ratio of signal to error; it is judged as if its signal's
    RMS were ``quiet_rms``: SQNR = 20 log₁₀(quiet_rms / rmse). So it passes if it is as quiet as its reference and fails
    if it is not. A tolerance that gives no SQNR but a cosine or relative error asks for 0 dB there.

    Args:
        layers: in any order.
        tolerances: as ``Model.tolerances_for`` gives them; those of scope ``layers`` count.
        others: tensors of the graph that are not among ``layers``, which a tolerance may name all the same: its
            outputs, and layers that this engine does not have.
        quiet_rms: RMS of the reference below which a layer is quiet, in the tensor's unit.

    Returns:
        The layers in graph order, judged; those that no tolerance applies to have no judgement.

    Raises:
        ConfigurationError: a tolerance names a tensor that the graph does not have. A pattern may match nothing: which
            layers are left depends on the precision.
    """
    in_order = sorted(layers, key=lambda layer: layer.position)
    known = {*others, *(layer.tensor for layer in in_order)}
    for tolerance in tolerances:
        if tolerance.scope == "layers" and tolerance.tensors not in known and not _WILDCARDS & set(tolerance.tensors):
            raise ConfigurationError(
                f"a tolerance applies to nothing: {unknown_value('tensor of the graph', tolerance.tensors, known)}"
            )
    return LayerReport(
        tuple(_judge_layer(layer, tolerance_for(layer.tensor, "layers", tolerances), quiet_rms) for layer in in_order)
    )


def _judge_layer(layer: LayerError, tolerance: Tolerance | None, quiet_rms: float) -> LayerJudgement:
    error = layer.error
    quiet = error.expected_rms < quiet_rms
    if tolerance is None:
        return LayerJudgement(layer, None, quiet)
    if quiet:
        # Without an error there is nothing to set the floor against, and the SQNR is infinite already.
        if error.rmse > 0.0:
            error = replace(error, sqnr_db=20.0 * math.log10(quiet_rms / error.rmse))
        if tolerance.limits.keys() & {"cosine", "max_rel", "sqnr_db"}:
            decibels = 0.0 if tolerance.sqnr_db is None else tolerance.sqnr_db
            tolerance = replace(tolerance, cosine=None, max_rel=None, sqnr_db=decibels)
    return LayerJudgement(layer, judge_tensor(error, tolerance), quiet)
