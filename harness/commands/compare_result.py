"""What a comparison found: series with a word each, what could not be compared, and the exit code of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Literal

from harness.accuracy.agreement import LEAST_SQNR_DB
from harness.cases import metric_named
from harness.verdicts import scales
from harness.verdicts.compare import compare_blocks
from harness.verdicts.gate import Verdict, adjust

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.verdicts.gate import Status

Way = Literal["interleaved", "stored"]
Which = Literal["a", "b"]

NOTHING_SLOWER, REGRESSED, UNUSABLE, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 130

# Of the changes that a comparison tells, so large a share may be false (Benjamini & Hochberg 1995).
_FALSE_DISCOVERIES = 0.05
_UNDECIDED: tuple[Status, ...] = ("inconclusive", "insufficient", "missing")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One of the two that were compared.

    Attributes:
        name: what columns are called.
        software: runtime and version, and what else a person tells it by.
        environments: where it ran, by name.
    """

    name: str
    software: str
    environments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ComparedSeries:
    """One metric at one point of one case.

    Attributes:
        case: its id, with what tells it from others of the same id where there are any.
        metric: a name out of ``harness.cases.METRICS``.
        point: the point's label; empty where the metric belongs to the whole engine.
        verdict: ``baseline`` is the level of A and ``value`` that of B, ``n`` and ``k`` how many values each is of.
        word: the verdict's status; None between environments, where no change for the worse is a regression.
    """

    case: str
    metric: str
    point: str
    verdict: Verdict
    word: Status | None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A case of which nothing, or not all, could be compared.

    Attributes:
        case: its id.
        side: which of the two it is about.
        reason: one line.
        broken: whether it failed; otherwise it is not there, or cannot be run by design.
        hinders: whether the case was not compared for that.
    """

    case: str
    side: Which
    reason: str
    broken: bool = True
    hinders: bool = True


@dataclass(frozen=True, kw_only=True)
class ComparisonResult:
    """What a comparison found.

    Attributes:
        a: what B is held against.
        b: the other.
        way: whether both were run now, in turns, or are of the history.
        evidence: a sentence on what the words are worth.
        series: what was compared, case by case.
        problems: what could not be.
        left_out: by case, how many blocks were left out since the machine was not fit.
        session: under which the trials are in the history, where they were run now.
        interrupted: whether Ctrl-C ended it.
    """

    a: Compared
    b: Compared
    way: Way
    evidence: str
    series: tuple[ComparedSeries, ...]
    problems: tuple[Problem, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    session: str | None = None
    interrupted: bool = False

    @property
    def words(self) -> Mapping[str, int]:
        """How many series ended with which word; empty between environments."""
        return Counter(series.word for series in self.series if series.word is not None)

    @property
    def broken(self) -> tuple[str, ...]:
        """The cases that fail with B and do not with A: worse than any that is slower."""
        failing = {side: [p.case for p in self.problems if p.broken and p.side == side] for side in ("a", "b")}
        return tuple(dict.fromkeys(case for case in failing["b"] if case not in failing["a"]))

    def exit_code(self, *, strict: bool = False) -> int:
        """Return the answer to a shell.

        Args:
            strict: whether what could not be decided counts.

        Returns:
            1 if a series regressed from A to B or a case fails with B alone, 2 if nothing could be compared, 3 if
            ``strict`` and something is open, 130 if it was interrupted, else 0.
        """
        if self.interrupted:
            return INTERRUPTED
        if self.words.get("regressed") or self.broken:
            return REGRESSED
        if not self.series:
            return UNUSABLE
        undecided = any(self.words.get(word) for word in _UNDECIDED) or self._lacking
        return UNDECIDED if strict and undecided else NOTHING_SLOWER

    @property
    def _lacking(self) -> bool:
        """Whether a case was not compared that at least one of the two is meant to run."""
        hindered = [problem for problem in self.problems if problem.hinders]
        by_design = Counter(problem.case for problem in hindered if not problem.broken)
        return any(by_design[problem.case] < 2 for problem in hindered)

    @property
    def headline(self) -> str:
        """The result in one sentence, from A to B."""
        if not self.series:
            said = "nothing could be compared"
        elif not self.words:
            said = f"{len(self.series)} series side by side, none of them judged"
        else:
            order = ("regressed", "improved", "pass", *_UNDECIDED)
            counted = [f"{self.words[word]} {word}" for word in order if self.words.get(word)]
            said = f"from {self.a.name} to {self.b.name}: {', '.join(counted)}"
        if self.broken:
            said += f"; {len(self.broken)} {'case fails' if len(self.broken) == 1 else 'cases fail'} with {self.b.name}"
        return said + ("; interrupted" if self.interrupted else "")


def settle(series: Iterable[ComparedSeries]) -> tuple[ComparedSeries, ...]:
    """Return series with q among all of them, and with no change told that so many comparisons bring by themselves.

    A change whose q is above 0.05 becomes ``inconclusive``. Exact comparisons that have no p are as they are.

    Args:
        series: of one comparison.
    """
    several = list(series)
    settled = []
    for each, verdict in zip(several, adjust([each.verdict for each in several]), strict=True):
        told, word = verdict, each.word
        if word in ("regressed", "improved") and verdict.q is not None and verdict.q > _FALSE_DISCOVERIES:
            word = "inconclusive"
            reason = f"{verdict.reason}; among {len(several)} series chance brings as much (q = {verdict.q:.2g})"
            told = replace(verdict, status=word, reason=reason)
        settled.append(replace(each, verdict=told, word=word))
    return tuple(settled)


def verdict_of_blocks(
    metric_name: str, a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], *, alpha: float = 0.01
) -> Verdict:
    """Compare what interleaved blocks measured.

    Args:
        metric_name: a name out of ``harness.cases.METRICS``.
        a: [blocks][trials] values of A in the metric's unit; NaN in a block that does not count.
        b: the same of B.
        alpha: chance of calling two equal subjects different.
    """
    metric = metric_named(metric_name)
    found = compare_blocks(
        a,
        b,
        direction=metric.direction,
        smallest_effect=metric.smallest_effect,
        scale=metric.scale,
        resolution=metric.resolution,
        alpha=alpha,
    )
    levels = [_median(side) for side in (a, b)]
    level_a, level_b = (levels[0], levels[1]) if found.a is None else (found.a, found.b)
    effect = found.effect
    if effect is None and level_a is not None and level_b is not None:
        shift = scales.difference(scales.scaled(level_b, metric.scale), scales.scaled(level_a, metric.scale))
        effect = scales.effect_of(shift, metric.scale)
    return Verdict(
        status=found.status,
        direction=found.direction,
        scale=found.scale,
        smallest_effect=found.smallest_effect,
        reason=found.reason,
        n=found.blocks,
        k=found.blocks,
        baseline=level_a,
        value=level_b,
        effect=effect,
        low=found.low,
        high=found.high,
        p=found.p,
        spread=found.spread,
        detectable=found.detectable,
    )


def verdict_of_one(metric_name: str, a: float | None, b: float | None) -> Verdict:
    """Compare two values that do not vary from trial to trial: the errors of two engines, or their sizes.

    Two ratios of signal to error that are both beyond what FP32 rounds to in another order of summation are equal.

    Args:
        metric_name: a name out of ``harness.cases.METRICS``.
        a: of A, in the metric's unit; None where it is not there.
        b: of B.
    """
    metric = metric_named(metric_name)

    def verdict(status: Status, reason: str, effect: float | None = None) -> Verdict:
        return Verdict(
            status=status,
            direction=metric.direction,
            scale=metric.scale,
            smallest_effect=metric.smallest_effect,
            reason=reason,
            n=int(a is not None),
            k=int(b is not None),
            baseline=a,
            value=b,
            effect=effect,
        )

    if a is None or b is None or not (scales.is_usable(a, metric.scale) and scales.is_usable(b, metric.scale)):
        return verdict("missing", f"A has {_shown(a)} and B has {_shown(b)}, so nothing can be said")
    shift = scales.difference(scales.scaled(b, metric.scale), scales.scaled(a, metric.scale))
    effect = scales.effect_of(shift, metric.scale)
    if metric.timed:
        return verdict("insufficient", "it was measured once with each, which shows no spread", effect)
    if metric_name == "output_sqnr_db" and min(a, b) >= LEAST_SQNR_DB:
        return verdict("pass", f"both are above {LEAST_SQNR_DB:g} dB, where FP32 itself rounds", effect)
    smallest = scales.shift_of(metric.smallest_effect, metric.scale)
    beyond = abs(scales.difference(b, a)) > metric.resolution and abs(shift) >= smallest - scales.ROUNDING
    size = f"B is {scales.shown(abs(effect), metric.scale)} {'above' if effect > 0 else 'below'} A" if shift else ""
    worth = f"{scales.shown(metric.smallest_effect, metric.scale)} is the smallest effect worth a word"
    reason = f"{size or 'B is equal to A'}, exactly; {worth}"
    if not beyond:
        return verdict("pass", reason, effect)
    return verdict("regressed" if scales.is_worse(shift, metric.direction) else "improved", reason, effect)


def _median(blocks: Sequence[Sequence[float]]) -> float | None:
    values = [value for block in blocks for value in block if value == value]  # noqa: PLR0124 - NaN is not
    return median(values) if values else None


def _shown(value: float | None) -> str:
    return "none" if value is None else f"the value {value!r}"
