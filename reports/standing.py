"""Standings: the one word that a cell of the matrix says, from how a trial ended and what the gate said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Key = Literal[
    "crashed", "timed_out", "failed", "regressed", "missing", "inconclusive", "insufficient", "unjudged", "quarantined",
    "improved", "pass", "unsupported",
]  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """A word with the symbol that carries it where colour does not.

    Attributes:
        key: the word in the database and in style sheets.
        label: the word on the page.
        symbol: one character.
        attention: whether somebody should look.
        meaning: one sentence for the legend.
    """

    key: Key
    label: str
    symbol: str
    attention: bool
    meaning: str


# From the worst to the best; where several hold, the first one is said.
_ALL = (
    Standing("crashed", "crashed", "✖", True, "The worker process died."),
    Standing("timed_out", "timed out", "✖", True, "The worker did not finish before its deadline and was killed."),
    Standing("failed", "failed", "✖", True, "The build failed, or a check of the engine or its numbers did."),
    Standing("regressed", "regressed", "▲", True, "A gated metric is worse than its baseline, beyond the noise."),
    Standing("missing", "missing", "?", True, "It ran before and not in a later session that asked for it."),
    Standing("inconclusive", "inconclusive", "≈", True, "Outside the expected interval, and not confirmed."),
    Standing("insufficient", "insufficient", "◔", False, "Too few baseline runs to judge by; not a pass."),
    Standing("unjudged", "not judged", "◔", False, "It ran, and the gate said nothing about it; not a pass."),
    Standing("quarantined", "quarantined", "◫", False, "Known to be unreliable; measured and not gated."),
    Standing("improved", "improved", "▼", False, "A gated metric is better than its baseline, beyond the noise."),
    Standing("pass", "pass", "✔", False, "Everything held, and no gated metric moved."),
    Standing("unsupported", "skipped", "⊘", False, "The runtime or the target cannot run this; the reason is given."),
)  # fmt: skip

STANDINGS: dict[str, Standing] = {standing.key: standing for standing in _ALL}
_SEVERITY = {standing.key: place for place, standing in enumerate(_ALL)}


def worst(standings: Iterable[Standing]) -> Standing:
    """Return the standing that most wants to be looked at; there must be at least one."""
    return min(standings, key=severity)


def severity(standing: Standing) -> int:
    """Return a sort key: smaller is worse."""
    return _SEVERITY[standing.key]


def judge_trial(outcome: str, findings: Mapping[str, str], verdicts: Iterable[str]) -> Standing:
    """Return the standing of one trial.

    Args:
        outcome: how the trial ended: ``ok failed crashed timed_out unsupported``.
        findings: how each stage ended (``passed failed skipped``), by the stage's name.
        verdicts: the statuses of its gated series.
    """
    if outcome in ("crashed", "timed_out", "unsupported"):
        return STANDINGS[outcome]
    failed = {stage for stage, ended in findings.items() if ended == "failed"}
    # A regression is a failed stage too, so that pytest sees it; it has a word of its own here.
    if failed - {"regression"} or (outcome == "failed" and not failed):
        return STANDINGS["failed"]
    statuses = set(verdicts)
    if failed:
        statuses.add("regressed")
    return worst([STANDINGS.get(status, STANDINGS["unjudged"]) for status in statuses] or [STANDINGS["unjudged"]])


def tally(standings: Iterable[Standing]) -> list[tuple[Standing, int]]:
    """Count standings, the worst first."""
    counted = Counter(standing.key for standing in standings)
    return [(standing, counted[standing.key]) for standing in _ALL if counted[standing.key]]
