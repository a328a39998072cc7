"""``trt-harness gate``: from what a session found to an exit code; plain data in, an assessment out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, get_args

from harness.cases import metric_named
from harness.commands.extent import Extent
from harness.errors import ConfigurationError, unknown_value
from harness.verdicts.findings import grouped
from harness.verdicts.gate import adjust

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from harness.history.records import FindingRecord, VerdictRecord
    from harness.history.session_kinds import SessionKind
    from harness.verdicts.gate import Verdict

Word = Literal["failed", "regressed", "missing", "quarantined", "inconclusive", "insufficient", "unfinished"]
Countable = Literal["missing", "inconclusive", "insufficient"]
COUNTABLE: tuple[Countable, ...] = get_args(Countable)

NOTHING_REGRESSED, REGRESSED, UNUSABLE, COUNTED = 0, 1, 2, 3

_KINDS: Mapping[SessionKind, str] = {
    "suite": "suite",
    "check": "check",
    "operators": "operators alone",
    "comparison": "comparison of two subjects",
}
_JUDGED = ("pass", "improved", "regressed")


@dataclass(frozen=True, kw_only=True)
class GatedCase:
    """One case of a session under one subject.

    Attributes:
        id: with the subject's name where one was given.
        outcome: of its first trial.
        findings: of its first trial.
        verdicts: the last word on each of its series.
        model: its name, by which the catalogue's record is found.
        name: without the subject's; by default its id.
        subject: what stands for the software that it ran under.
        environment: what stands for the machine that it ran on.
    """

    id: str
    outcome: str
    findings: Sequence[FindingRecord] = ()
    verdicts: Sequence[VerdictRecord] = ()
    model: str = ""
    name: str = ""
    subject: str = ""
    environment: str = ""


@dataclass(frozen=True, kw_only=True)
class GatedSession:
    """What a session left behind.

    Attributes:
        id: 12 hexadecimal digits.
        status: ``finished``, ``running`` or ``interrupted``.
        cases: what it ran, under each of its subjects.
        kind: what it was for; see ``harness.history.session_kinds``.
        previous: id of the newest session that it is held against to see which cases it lacks, if there is one.
        lacking: cases that it should have had, each with the id of the session that had it last.
        narrowed: how cases were left out on purpose, so that nothing is said of missing ones; empty if they were not.
        source: what held its models: ``module:NAME`` of a catalogue, or an ONNX file; empty where it is not known.
        started_at: UTC.
        machines: names of the environments that it ran in.
        software: the runtimes under test, with their versions.
        commit: of the checkout that held the suite; None outside git.
    """

    id: str
    status: str
    cases: Sequence[GatedCase]
    kind: SessionKind = "suite"
    previous: str | None = None
    lacking: Mapping[str, str] = field(default_factory=dict)
    narrowed: str = ""
    source: str = ""
    started_at: datetime | None = None
    machines: Sequence[str] = ()
    software: Sequence[str] = ()
    commit: str | None = None

    @property
    def title(self) -> str:
        """Which session this is, what it was for and when it was started."""
        told = f"check of {PurePath(self.source).name}" if self.kind == "check" else _KINDS[self.kind]
        started = f", started {self.started_at:%Y-%m-%d %H:%M} UTC" if self.started_at else ""
        return f"session {self.id} ({told}{started})"

    @property
    def extent(self) -> Extent:
        """How much it ran."""
        return Extent(
            cases=len({(case.name or case.id, case.environment) for case in self.cases}),
            subjects=len({case.subject for case in self.cases}),
            trials=len(self.cases),
        )


@dataclass(frozen=True, kw_only=True)
class Concern:
    """Something that wants attention.

    Attributes:
        word: what kind.
        case: id of the case; empty where it is about the session.
        what: the stage or the series.
        reason: one sentence.
        q: of a verdict, among all verdicts of the session.
        model: of the case; empty where it is not known.
        record: the verdict with its effect, interval and cause, where it is about a series.
        also: other series of the case that changed with it, a line each.
    """

    word: Word
    case: str
    what: str
    reason: str
    q: float | None = None
    model: str = ""
    record: VerdictRecord | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """The gate's answer on a session.

    Attributes:
        session: what was assessed.
        concerns: what wants attention, the worst first.
        words: how many series ended with which word.
        counted: the words that are counted: ``missing``, and those that were asked for.
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

    def decides(self, word: str) -> bool:
        """Tell whether one concern of this kind is enough to block."""
        return word in {"failed", "regressed", "unfinished", *self.counted}

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
        return [f"{total} series could not be judged ({', '.join(named)})"] if total else []


def assess(session: GatedSession, *, count: Iterable[str] = ()) -> Assessment:
    """Hold a session against the rules of the gate.

    A failed or crashed case counts as much as a regression. What is not there is never passed over. What could not be
    judged is always listed, and decides only where ``count`` names it. A session that did not finish never passes.

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
    adjusted = iter(adjust([record.verdict for _, record in judged]))
    concerns = [concern for case in session.cases for concern in _failures(case)]
    concerns += [concern for case in session.cases for concern in _concerns(case, adjusted)]
    concerns += [
        Concern(word="missing", case=case, what="", reason=f"session {had_it} had it, this one has not")
        for case, had_it in session.lacking.items()
    ]
    if told := told_of_unfinished(session.id, session.status):
        concerns.append(Concern(word="unfinished", case="", what="", reason=told))
    order = get_args(Word)
    return Assessment(
        session=session,
        concerns=tuple(sorted(concerns, key=lambda concern: order.index(concern.word))),
        words=Counter(record.verdict.status for _, record in judged),
        counted=tuple(word for word in COUNTABLE if word in {"missing", *wanted}),
    )


def told_of_unfinished(session: str, status: str) -> str:
    """Say of a session, given by id and status, that it did not come to its end; empty for one that did."""
    if status == "finished":
        return ""
    told = "still runs, or was killed" if status == "running" else f"was {status}"
    return f"session {session} {told}; cases may be lacking"


def _failures(case: GatedCase) -> list[Concern]:
    # What the regression stage says is in the verdicts too, unless it failed before it could judge.
    judged = any(word_of(record) in {"regressed", "missing"} for record in case.verdicts)
    failures = [
        Concern(word="failed", case=case.id, what=finding.stage, reason=finding.message, model=case.model)
        for finding in case.findings
        if finding.outcome == "failed" and not (finding.stage == "regression" and judged)
    ]
    if not failures and case.outcome in {"crashed", "timed_out"}:
        failures.append(
            Concern(
                word="failed", case=case.id, what=case.outcome, reason="it left no finding behind", model=case.model
            )
        )
    return failures


def _concerns(case: GatedCase, adjusted: Iterator[Verdict]) -> Iterator[Concern]:
    """Yield what the verdicts of a case give to worry about; regressions that have one cause are one concern.

    Args:
        case: of the session.
        adjusted: the verdicts of the session that come next, with their q.
    """
    records = [replace(record, verdict=next(adjusted)) for record in case.verdicts]
    findings = [(finding.lead, finding.others) for finding in grouped(r for r in records if word_of(r) == "regressed")]
    findings += [(record, ()) for record in records if word_of(record) != "regressed"]
    for lead, others in findings:
        word = word_of(lead)
        if word is not None:
            yield Concern(
                word=word,
                case=case.id,
                what=series_title(lead),
                reason=lead.verdict.reason,
                q=lead.verdict.q,
                model=case.model,
                record=lead,
                also=tuple(f"{series_title(other)}: {other.verdict.reason}" for other in others),
            )


def word_of(record: VerdictRecord) -> Word | None:
    """Return the kind of concern that a verdict is; None where it is none."""
    words: dict[str, Word] = {
        "regressed": "regressed",
        "missing": "missing",
        "quarantined": "quarantined",
        "inconclusive": "inconclusive",
        "insufficient": "insufficient",
    }
    return words.get(record.verdict.status)


def series_title(record: VerdictRecord) -> str:
    """Name the series of a verdict within its case."""
    title = metric_named(record.metric).title
    return f"{title} at {record.point}" if record.point else title
