"""Which layer makes an error, told from those that only pass it on.

Errors are relative here: of a tensor, ε = RMSE / RMS of its reference (10^(−SQNR / 20)), infinite where NaN or Inf is
on one side only. For each layer, whose inputs j were compared as well:

    handed    h = max ε(j)       what it was handed; 0 where it reads the model's inputs alone
    added     a                  ε of what its graph makes of its reference's inputs, on a CPU
    whole     g                  ε where the whole graph runs on a CPU
    passed on p                  ε of what its graph makes of the reference with Gaussian noise of RMSE(j) on each input
    explained e = max(h, g, p) + a
    made      m = a              or, where ε > 4 e and ε > 10⁻⁴, ε − e, and the engine is blamed

Precision is made in the graph, so ``a`` is what the precision costs there, whatever engine runs it. An engine that
computes something else than its graph shows as an error that neither what it was handed nor the graph explains.
Differences of nearly equal numbers magnify what they are given, so where ``h`` alone would blame the engine ``g`` is
asked for, and where that would, ``p``. What an engine hands on is no noise: a layer that magnifies its error by more
than 4, and noise by less, is blamed; and an error of the engine that is smaller than what the layer was handed cannot
be told. 10⁻⁴ is 80 dB, which FP32 in another order of summation explains (``harness.accuracy.agreement``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.accuracy.agreement import LEAST_SQNR_DB
from harness.accuracy.layers import QUIET_RMS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.accuracy.layers import LayerError
    from harness.accuracy.tensor_error import TensorError

# How many times what is explained an engine's error must be. Of the catalogue's sound engines none comes near.
_UNEXPLAINED = 4.0
_LEAST = 10.0 ** (-LEAST_SQNR_DB / 20.0)


@dataclass(frozen=True, kw_only=True)
class LayerOrigin:
    """Where the error of one layer comes from; the numbers are relative errors, as the module has it.

    Attributes:
        layer: the layer, with its error as measured on the engine.
        accumulated: of its output.
        handed: the largest among its inputs.
        added: what its graph makes of its reference's inputs; None where it could not be run alone.
        explained: what its output may be off by if the engine does what its graph says.
        made: its own part.
        by_engine: whether the engine computes something else than the graph.
    """

    layer: LayerError
    accumulated: float
    handed: float
    added: float | None
    explained: float
    made: float
    by_engine: bool

    def __str__(self) -> str:
        return (
            f"{self.layer}: makes {decibels(self.made)}, is handed {decibels(self.handed)}, leaves with "
            f"{decibels(self.accumulated)}"
        )


def attribute(
    layers: Sequence[LayerError],
    inputs: Mapping[str, Sequence[str]],
    added: Mapping[str, TensorError],
    *further: Mapping[str, TensorError],
) -> tuple[LayerOrigin, ...]:
    """Tell of each layer what it was handed and what it makes.

    Args:
        layers: their errors on the engine, in graph order.
        inputs: the tensors that each layer reads, by its output's name; those not among ``layers`` are exact.
        added: errors of the layers run alone on their reference's inputs, by tensor.
        further: what else an error may be explained by: of the whole graph, and of layers with noise on their inputs.

    Returns:
        An origin for each layer, in the same order.
    """
    measured = {layer.tensor: relative_error(layer.error) for layer in layers}
    origins = []
    for layer in layers:
        name = layer.tensor
        handed = max((measured[source] for source in inputs.get(name, ()) if source in measured), default=0.0)
        alone = relative_error(added[name]) if name in added else None
        passed_on = max([handed, *(relative_error(errors[name]) for errors in further if name in errors)])
        explained = passed_on + (alone or 0.0)
        # Of an infinite error that was handed on infinite nothing is left over.
        by_engine = measured[name] > max(_UNEXPLAINED * explained, _LEAST)
        origins.append(
            LayerOrigin(
                layer=layer,
                accumulated=measured[name],
                handed=handed,
                added=alone,
                explained=explained,
                made=measured[name] - explained if by_engine else alone or 0.0,
                by_engine=by_engine,
            )
        )
    return tuple(origins)


def culprit(
    origins: Sequence[LayerOrigin],
    inputs: Mapping[str, Sequence[str]],
    *,
    failing: Collection[str],
    unranked: Collection[str] = (),
) -> LayerOrigin | None:
    """Return the layer that makes the most of the error, the first of equals; None where nothing fails.

    Only layers that fail, and those that these depend on, come into question.

    Args:
        origins: of all layers, in graph order.
        inputs: as for ``attribute``.
        failing: the tensors outside their tolerance.
        unranked: tensors whose tolerance is in their own unit: whoever wrote it says that ratios tell nothing there.
    """
    involved: set[str] = set()
    waiting = list(failing)
    while waiting:
        name = waiting.pop()
        if name not in involved:
            involved.add(name)
            waiting += inputs.get(name, ())
    candidates = [o for o in origins if o.layer.tensor in involved and o.layer.tensor not in unranked]
    return max(candidates, key=lambda origin: origin.made, default=None)


def relative_error(error: TensorError) -> float:
    """Return RMSE / RMS of the reference, ``QUIET_RMS`` at least; infinite where NaN or Inf is on one side only."""
    if error.mismatched_nonfinite or math.isnan(error.rmse):
        return math.inf
    return error.rmse / max(error.expected_rms, QUIET_RMS)


def decibels(relative: float) -> str:
    """Return a relative error as a person reads it: in dB of its signal, e.g. ``-42.1 dB``."""
    if relative == 0.0:
        return "no error"
    return "NaN or Inf" if math.isinf(relative) else f"{20.0 * math.log10(relative):.1f} dB"
