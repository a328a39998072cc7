"""Two configurations held against each other: a ratio for each case and point, with its interval and a word."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness.commands.compare_result import ComparedSeries, settle
from harness.verdicts.gate import judge
from reports import text
from reports.current import LATENCIES, metric_of
from reports.versions_levels import NEWEST, Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.verdicts.gate import Verdict
    from reports.versions_levels import Configuration, Levels

# What a cell may say: a symbol and a label. Between machines "slower" is a fact about them, so "regressed" is not here.
WORDS = {
    "slower": ("▲", "slower"),
    "faster": ("▼", "faster"),
    "same": ("=", "no change"),
    "undecided": ("≈", "not decided"),
    "few": ("◔", "too few runs"),
    "absent": ("⊘", ""),
}
_WORD_OF_STATUS = {
    "regressed": "slower",
    "improved": "faster",
    "pass": "same",
    "inconclusive": "undecided",
    "insufficient": "few",
    "missing": "few",
}
# Ratios from which a cell has the second and the third shade.
_SHADES = (1.05, 1.2)


@dataclass(frozen=True)
class Slot:
    """One case at one point: a cell of the heat map."""

    model: str
    precision: str
    profile: str
    case_id: str
    version: int
    point: str


@dataclass(frozen=True)
class HeatCell:
    """What a cell says.

    Attributes:
        word: a key of ``WORDS``.
        shade: 0 for no colour, up to 3.
        label: the word as it is shown, or why there is no ratio.
        change: the ratio; empty where there is none.
        interval: of the ratio; empty where none is known.
        runs: how many runs each side has, where that is fewer than it could be.
    """

    word: str
    shade: int
    label: str
    change: str = ""
    interval: str = ""
    runs: str = ""


@dataclass(frozen=True)
class Pair:
    """Two configurations, compared.

    Attributes:
        sentence: what came of it.
        metric: what was compared, in words.
        across: whether they are two machines.
        cells: by slot.
        sizes: the size of the change by slot, as a logarithm: decided ones before the others, and absent ones last.
    """

    sentence: str
    metric: str
    across: bool
    cells: tuple[HeatCell, ...]
    sizes: tuple[tuple[int, float], ...]


def compare_pair(
    a: Configuration,
    b: Configuration,
    slots: Sequence[Slot],
    levels: Levels,
    *,
    absence: Callable[[Configuration, Slot], str],
    names: tuple[str, str],
) -> Pair:
    """Compare ``b`` with ``a`` by the gate's method, case by case and point by point.

    Ratios are of medians of the newest 20 runs of either, and the interval is the gate's at 99.9 %, or at 95 % where
    ``b`` has a single run. Among so many cells some seem to have changed by chance, so changes with a q above 0.05
    (Benjamini & Hochberg 1995) are not decided.

    Args:
        a: what ``b`` is held against.
        b: the other.
        slots: the cells.
        levels: what was measured.
        absence: says why a configuration has no value for a cell.
        names: of the two.
    """
    metric = metric_of_both(a, b, levels)
    settled = judge_slots(a, b, metric, slots, levels)
    cells = tuple(
        _cell(settled[slot]) if slot in settled else _absent((a, b), slot, metric, levels, absence) for slot in slots
    )
    decided = [
        verdict.effect
        for slot, cell in zip(slots, cells, strict=True)
        if cell.word in ("slower", "faster", "same") and (verdict := settled[slot]).effect is not None
    ]
    return Pair(
        sentence=_sentence(cells, decided, names) + _between(a, b),
        metric=metric_of(metric).title,
        across=a.environment != b.environment,
        cells=cells,
        sizes=tuple(_size(settled.get(slot), cell) for slot, cell in zip(slots, cells, strict=True)),
    )


def metric_of_both(a: Configuration, b: Configuration, levels: Levels) -> str:
    """Return the latency that both have of most cells, the quieter one of several."""
    common = levels.measured(a).keys() & levels.measured(b).keys()
    counted = Counter(key.metric for key in common if key.metric in LATENCIES)
    return max(LATENCIES, key=lambda metric: counted[metric])


def judge_slots(
    a: Configuration, b: Configuration, metric: str, slots: Sequence[Slot], levels: Levels
) -> Mapping[Slot, Verdict]:
    """Return the verdict on ``b`` against ``a`` of each cell that both have at one pace, with q among all of them."""
    series, judged = [], []
    for slot in slots:
        shared = levels.shared(a, b, Measured(slot.case_id, slot.version, metric, slot.point))
        if shared:
            verdict = _judge(metric, *shared)
            series.append(
                ComparedSeries(case=slot.case_id, metric=metric, point=slot.point, verdict=verdict, word=verdict.status)
            )
            judged.append(slot)
    return {slot: each.verdict for slot, each in zip(judged, settle(series), strict=True)}


def word_of(verdict: Verdict) -> str:
    """Return the key of ``WORDS`` for a verdict; what may hide a change is not ``same``."""
    if verdict.effect is None or not math.isfinite(verdict.effect):
        return "absent"
    word = _WORD_OF_STATUS[verdict.status]
    return "undecided" if word == "same" and _may_hide_a_change(verdict) else word


def ratio_text(effect: float) -> str:
    """Write a change of time: as percents, and as a factor from half and from double on."""
    if effect >= 1 or effect <= -0.5:
        return f"× {text.significant(1 + effect)}"
    return text.percent(effect, signed=True)


def _judge(name: str, a: Sequence[float], b: Sequence[float]) -> Verdict:
    metric = metric_of(name)
    return judge(
        a,
        b,
        direction=metric.direction,
        smallest_effect=metric.smallest_effect,
        scale=metric.scale,
        resolution=metric.resolution,
    )


def _cell(verdict: Verdict) -> HeatCell:
    word, effect = word_of(verdict), verdict.effect
    if effect is None or word == "absent":
        return HeatCell("absent", 0, "no usable value")
    interval = ""
    if verdict.low is not None and verdict.high is not None:
        interval = f"{ratio_text(verdict.low)} … {ratio_text(verdict.high)}"
    few = verdict.n < NEWEST or verdict.k < NEWEST
    return HeatCell(
        word=word,
        shade=1 + sum(abs(math.log1p(effect)) >= math.log(ratio) for ratio in _SHADES) if _decided(word) else 0,
        label=_label(word, verdict),
        change=ratio_text(effect),
        interval=interval,
        runs=f"{verdict.n} and {verdict.k} runs" if few else "",
    )


def _may_hide_a_change(verdict: Verdict) -> bool:
    """Tell whether the interval reaches beyond the smallest effect: what moved so far would have been missed."""
    ends = [end for end in (verdict.low, verdict.high) if end is not None]
    return any(abs(end) > verdict.smallest_effect for end in ends)


def _label(word: str, verdict: Verdict) -> str:
    """Return the word, and for a change that chance does not explain, but that is too small for one, how small."""
    beyond_chance = verdict.low is not None and verdict.high is not None and verdict.low * verdict.high > 0
    if word == "same" and beyond_chance:
        return f"below {text.percent(verdict.smallest_effect)}"
    return WORDS[word][1]


def _absent(
    both: tuple[Configuration, Configuration],
    slot: Slot,
    metric: str,
    levels: Levels,
    absence: Callable[[Configuration, Slot], str],
) -> HeatCell:
    key = Measured(slot.case_id, slot.version, metric, slot.point)
    lacking = [(side, each) for side, each in zip("AB", both, strict=True) if key not in levels.measured(each)]
    if not lacking:
        return HeatCell("absent", 0, "measured at different paces")
    reasons = {side: absence(each, slot) for side, each in lacking}
    if len(set(reasons.values())) == 1 and len(reasons) == 2:
        return HeatCell("absent", 0, f"A and B: {reasons['A']}")
    return HeatCell("absent", 0, ", ".join(f"{side}: {reason}" for side, reason in reasons.items()))


def _decided(word: str) -> bool:
    return word in ("slower", "faster")


def _size(verdict: Verdict | None, cell: HeatCell) -> tuple[int, float]:
    if verdict is None or verdict.effect is None or cell.word == "absent":
        return 2, 0.0
    return (0 if _decided(cell.word) else 1), -abs(math.log1p(verdict.effect))


def _sentence(cells: Sequence[HeatCell], decided: Sequence[float], names: tuple[str, str]) -> str:
    """Say how many cells changed how; of how much only where that is decided: the others' ratios are mostly chance."""
    if all(cell.word == "absent" for cell in cells):
        return f"{names[0]} and {names[1]} have no case in common that was timed with both."
    counted = Counter(cell.word for cell in cells)
    counted["not decided"] = counted["undecided"] + counted["few"]
    words = {"faster": "faster", "slower": "slower", "same": "unchanged", "not decided": "not decided"}
    told = [f"{said} in {counted[word]}" for word, said in words.items() if counted[word]]
    measured = len(cells) - counted["absent"]
    said = f"{names[1]} against {names[0]}: {text.listed(told)} of {measured}"
    if decided:
        middle = ratio_text(math.expm1(median(math.log1p(effect) for effect in decided)))
        said += (
            f"; median of the {len(decided)} decided {middle}" if len(decided) > 1 else f"; the decided one {middle}"
        )
    said += "."
    if counted["absent"]:
        said += f" {counted['absent']} cannot be compared."
    return said


def _between(a: Configuration, b: Configuration) -> str:
    """Say what a comparison of two machines is worth; nothing of one machine."""
    if a.environment == b.environment:
        return ""
    differs = "the hardware" if a.subject == b.subject else "hardware and software"
    return f" These are two machines: what differs is {differs}, and nothing here is a regression."
