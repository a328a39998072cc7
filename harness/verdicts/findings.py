"""Verdicts that have one cause are one finding: the most trustworthy leads, the others are told under it.

An engine that became slower is slower by every clock and at every point, and its throughput is lower for the same
reason. A list of twelve series says no more than its first line, and hides what else there is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from harness.verdicts import scales

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.verdicts.gate import Verdict

# Metrics that move together, in each family the most trustworthy first: replays of a CUDA graph scatter least, round
# trips from the host most; the plan's size is exact, and peaks depend on what else the process holds.
_FAMILIES = (
    (
        *("latency_graph", "latency_stream", "latency_host", "latency_host_p90", "latency_host_p99"),
        *("throughput", "throughput_streams", "roofline_distance"),
    ),
    ("engine_bytes", "context_memory", "device_memory_peak", "host_memory_peak", "weight_bytes"),
)
_FAMILY = {metric: number for number, family in enumerate(_FAMILIES) for metric in family}
_TRUST = {metric: place for family in _FAMILIES for place, metric in enumerate(family)}


class Judged(Protocol):
    """A verdict on a series; ``harness.history.records.VerdictRecord`` is one."""

    @property
    def metric(self) -> str:
        """Name of the metric."""

    @property
    def point(self) -> str:
        """Label of the point."""

    @property
    def verdict(self) -> Verdict:
        """The gate's word."""


T = TypeVar("T", bound=Judged)


@dataclass(frozen=True)
class Finding(Generic[T]):
    """Verdicts of one case that belong together.

    Attributes:
        lead: the most trustworthy.
        others: the others, in the order of trust.
    """

    lead: T
    others: tuple[T, ...]


def grouped(verdicts: Iterable[T]) -> list[Finding[T]]:
    """Group verdicts of one case and one status into findings, in the order in which each family first occurs.

    Latency and throughput, at all points, are one family; sizes and memory are another. Any other metric has its points
    together and stands alone. Within a family the metric decides (CUDA graph, stream, host, throughput), then how many
    times its uncertainty the effect is.
    """
    families: dict[int | str, list[T]] = {}
    for each in verdicts:
        families.setdefault(_FAMILY.get(each.metric, each.metric), []).append(each)
    return [_finding(members) for members in families.values()]


def _finding(members: Sequence[T]) -> Finding[T]:
    lead, *others = sorted(members, key=lambda each: (_TRUST.get(each.metric, 0), -_clearness(each.verdict)))
    return Finding(lead, tuple(others))


def _clearness(verdict: Verdict) -> float:
    """Return the effect over half of its interval, both as shifts; an exact comparison is as clear as can be."""
    if verdict.effect is None:
        return 0.0
    if verdict.low is None or verdict.high is None:
        return math.inf
    low, shift, high = (_shift(effect, verdict) for effect in (verdict.low, verdict.effect, verdict.high))
    return abs(shift) / ((high - low) / 2) if math.isfinite(shift) and high > low else math.inf


def _shift(effect: float, verdict: Verdict) -> float:
    if verdict.scale == "log" and effect <= -1:
        return -math.inf
    return scales.shift_of(effect, verdict.scale)
