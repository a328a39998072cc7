"""Where the errors of layers come from: what each adds when it runs alone, and what does not fit its number type."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import text
from reports.layer_chart import LayerBar, layer_chart
from reports.trials import measured, number_of, ratio_or_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from harness.history.records import TensorErrorRecord
    from reports.points import PointData


@dataclass(frozen=True)
class OriginsView:
    """What each layer adds by itself: the drawing, and a sentence."""

    chart: Markup
    sentence: str


def analysis_of(error: TensorErrorRecord) -> Mapping[str, Any]:
    """Return where a layer's error comes from, as far as the history says; see ``TensorErrorRecord``."""
    found: Mapping[str, Any] = getattr(error, "analysis", None) or {}
    return found


def ratio_of(relative: Any) -> float | None:
    """Return an error relative to its signal as a ratio of signal to error in dB: −20 log₁₀ of it."""
    number = number_of(relative)
    if number is None or number < 0:
        return None
    return math.inf if number == 0 else -math.inf if number == math.inf else -20.0 * math.log10(number)


def misfits_text(counts: Mapping[str, Any]) -> str:
    """Write the counts of what does not fit a number type: of the output, then of what is quantised for it."""
    own = [f"{text.plain(str(name), 30)} {number:,}" for name, number in counts.items() if isinstance(number, int)]
    inputs = counts.get("inputs")
    for tensor, misfits in inputs.items() if isinstance(inputs, dict) else ():
        said = ", ".join(f"{text.plain(str(name), 30)} {number:,}" for name, number in misfits.items())
        own.append(f"in {text.plain(str(tensor), 60)}: {said}")
    return "; ".join(own)


def origins_view(errors: Sequence[TensorErrorRecord], identity: str, data: PointData) -> OriginsView | None:
    """Return what each layer adds by itself, drawn as chart ``identity`` of ``data``; None where nobody looked."""
    looked_into = [error for error in errors if "made" in analysis_of(error)]
    if not looked_into:
        return None
    bars = [
        LayerBar(
            name=text.plain(error.tensor, 120),
            operator=text.plain(error.operator, 60),
            sqnr_db=ratio_of(analysis_of(error)["made"]),
            limit_db=None,
            passed=False if analysis_of(error).get("by_engine") else None,
        )
        for error in looked_into
    ]
    data.layers[identity] = [
        data.names([(bar.name, bar.operator) for bar in bars]),
        [ratio_or_word(bar.sqnr_db) for bar in bars],
        [None] * len(bars),
    ]
    sentence = _sentence(looked_into, bars)
    return OriginsView(layer_chart(bars, identity=identity, description=sentence), sentence)


def _sentence(errors: Sequence[TensorErrorRecord], bars: Sequence[LayerBar]) -> str:
    ratios = [bar.sqnr_db if bar.sqnr_db is not None else math.inf for bar in bars]
    most = min(range(len(bars)), key=ratios.__getitem__)
    if ratios[most] == math.inf:
        return "Each layer was run alone on its reference's inputs: none adds an error of its own."
    reason = text.plain(str(analysis_of(errors[most]).get("reason", "")), 400)
    engine = sum(bool(analysis_of(error).get("by_engine")) for error in errors)
    blamed = f" {text.count(engine, 'layer')} {'is' if engine == 1 else 'are'} computed otherwise than in the graph."
    return (
        f"Each layer was run alone on its reference's inputs. {bars[most].name} adds most: what it makes of exact "
        f"inputs has a ratio of signal to error of {measured('sqnr_db', ratios[most])}."
        f"{f' Why: {reason}.' if reason else ''}{blamed if engine else ''}"
    )
