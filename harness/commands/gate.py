"""``trt-harness gate``: from what a session found to an exit code; plain data in, an assessment out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from harness.cases import metric_named
from harness.errors import ConfigurationError, unknown_value
from harness.verdicts.gate import adjust

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.records import FindingRecord, VerdictRecord

Word = Literal["failed", "regressed", "missing", "inconclusive", "insufficient", "unfinished"]
Countable = Literal["missing", "inconclusive", "insufficient"]
COUNTABLE: tuple[Countable, ...] = get_args(Countable)

NOTHING_REGRESSED, REGRESSED, UNUSABLE, COUNTED = 0, 1, 2, 3

_JUDGED = ("pass", "improved", "regressed")


@dataclass(frozen=True, kw_only=True)
class GatedCase:
    """One case of a session.

    Attributes:
        id: with the subject's name where one was given.
        outcome: of its first trial.
        findings: of its first trial.
        verdicts: the last word on each of its series.
    """

    id: str
    outcome: str
    findings: Sequence[FindingRecord] = ()
    verdicts: Sequence[VerdictRecord] = ()


@dataclass(frozen=True, kw_only=True)
class GatedSession:
    """What a session left behind.

    Attributes:
        id: 12 hexadecimal digits.
        status: ``finished``, ``running`` or ``interrupted``.
        cases: what it ran.
        previous: id of the session that it is held against to see which cases it lacks, if there is one.
        lacking: cases that the previous session had and this one has not.
    """

    id: str
    status: str
    cases: Sequence[GatedCase]
    previous: str | None = None
    lacking: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Concern:
    """Something that wants attention.

    Attributes:
        word: what kind.
        case: id of the case; empty where it is about the session.
        what: the stage or the series.
        reason: one sentence.
        q: of a verdict, among all verdicts of the session.
    """

    word: Word
    case: str
    what: str
    reason: str
    q: float | None = None


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """The gate's answer on a session.

    Attributes:
        session: what was assessed.
        concerns: what wants attention, the worst first.
        words: how many series ended with which word.
        counted: the words that were asked to be counted.
    """

    session: GatedSession
    concerns: tuple[Concern, ...]
    words: Mapping[str, int]
    counted: tuple[Countable, ...]

    @property
    def exit_code(self) -> int:
        """The answer to a shell.

        0 nothing regressed, 1 something failed or regressed, 2 no case was run or the session did not finish, 3 there
        is something that is counted. What was found in a session that did not finish stands, so 1 goes first.
        """
        words = {concern.word for concern in self.concerns}
        if words & {"failed", "regressed"}:
            return REGRESSED
        if not self.session.cases or "unfinished" in words:
            return UNUSABLE
        return COUNTED if words & set(self.counted) else NOTHING_REGRESSED

    @property
    def judged(self) -> int:
        """How many series the gate could say yes or no to."""
        return sum(self.words.get(word, 0) for word in _JUDGED)

    @property
    def clean(self) -> bool:
        """Whether nothing regressed and nothing is open: only then is the answer good news."""
        return self.exit_code == NOTHING_REGRESSED and self.judged > 0 and not self.concerns

    @property
    def headline(self) -> str:
        """The answer in a few words."""
        found = Counter(concern.word for concern in self.concerns)
        if self.exit_code == UNUSABLE:
            if not self.session.cases:
                return "no case was run, so nothing can be said"
            return "the session did not finish, so nothing can be said for the cases it lacks"
        if self.exit_code == NOTHING_REGRESSED:
            return "; ".join([f"nothing regressed among {self.judged} judged series", *self._open()])
        decisive: tuple[Word, ...] = ("failed", "regressed") if self.exit_code == REGRESSED else self.counted
        said = ", ".join(f"{found[word]} {word}" for word in decisive if found[word])
        return f"{said}; the session did not finish" if found["unfinished"] else said

    def _open(self) -> list[str]:
        """Say what nothing can be said of."""
        unjudged = {word: number for word, number in sorted(self.words.items()) if word not in _JUDGED}
        total = sum(unjudged.values())
        # Where there is but one word, its number has been said.
        named = [word if len(unjudged) == 1 else f"{number} {word}" for word, number in unjudged.items()]
        said = [f"{total} series could not be judged ({', '.join(named)})"] if total else []
        if lacking := len(self.session.lacking):
            said.append(f"{lacking} {'case is' if lacking == 1 else 'cases are'} missing")
        return said


def assess(session: GatedSession, *, count: Iterable[str] = ()) -> Assessment:
    """Hold a session against the rules of the gate.

    A failed or crashed case counts as much as a regression. What could not be judged, and what is not there, is always
    listed, and decides only where ``count`` names it. A session that did not finish never passes.

    Args:
        session: what the session left behind.
        count: out of ``COUNTABLE``.

    Raises:
        ConfigurationError: ``count`` holds something else.
    """
    wanted = set(count)
    for unknown in sorted(wanted - set(COUNTABLE)):
        raise ConfigurationError(f"--count: {unknown_value('verdict that can be counted', unknown, COUNTABLE)}")
    judged = [(case, record) for case in session.cases for record in case.verdicts]
    q_values = [verdict.q for verdict in adjust([record.verdict for _, record in judged])]
    concerns = [concern for case in session.cases for concern in _failures(case)]
    concerns += [
        Concern(word=word, case=case.id, what=_series(record), reason=record.verdict.reason, q=q)
        for (case, record), q in zip(judged, q_values, strict=True)
        if (word := _word(record)) is not None
    ]
    concerns += [
        Concern(word="missing", case=case, what="", reason=f"session {session.previous} had it, this one has not")
        for case in session.lacking
    ]
    if session.status != "finished":
        told = "still runs, or was killed" if session.status == "running" else f"was {session.status}"
        concerns.append(
            Concern(word="unfinished", case="", what="", reason=f"session {session.id} {told}; cases may be lacking")
        )
    order = get_args(Word)
    return Assessment(
        session=session,
        concerns=tuple(sorted(concerns, key=lambda concern: order.index(concern.word))),
        words=Counter(record.verdict.status for _, record in judged),
        counted=tuple(word for word in COUNTABLE if word in wanted),
    )


def _failures(case: GatedCase) -> list[Concern]:
    # What the regression stage says is in the verdicts too, unless it failed before it could judge.
    judged = any(_word(record) in {"regressed", "missing"} for record in case.verdicts)
    failures = [
        Concern(word="failed", case=case.id, what=finding.stage, reason=finding.message)
        for finding in case.findings
        if finding.outcome == "failed" and not (finding.stage == "regression" and judged)
    ]
    if not failures and case.outcome in {"crashed", "timed_out"}:
        failures.append(Concern(word="failed", case=case.id, what=case.outcome, reason="it left no finding behind"))
    return failures


def _word(record: VerdictRecord) -> Word | None:
    words: dict[str, Word] = {
        "regressed": "regressed",
        "missing": "missing",
        "inconclusive": "inconclusive",
        "insufficient": "insufficient",
    }
    return words.get(record.verdict.status)


def _series(record: VerdictRecord) -> str:
    title = metric_named(record.metric).title
    return f"{title} at {record.point}" if record.point else title
