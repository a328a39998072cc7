"""How subjects, machines and sessions are called throughout one report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reports import text
from reports.pages import EnvironmentView, Fact, SessionView, SubjectView
from reports.points import commit_of

if TYPE_CHECKING:
    from harness.history.records import EnvironmentRecord, SubjectRecord
    from harness.history.rows import SessionRow
    from reports.reading import Reading, TrialBrief


@dataclass(frozen=True)
class Names:
    """Subjects and machines by their hashes, numbered once for a report: every page gives them the same colour."""

    subjects: Mapping[str, SubjectView]
    environments: Mapping[str, EnvironmentView]

    @cached_property
    def state(self) -> str:
        """A digest of all names: as long as it is the same, every page calls and colours everything as before."""
        told = repr((list(self.subjects.items()), list(self.environments.items())))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


def names_of(reading: Reading) -> Names:
    """Number and label what ``reading`` has seen."""
    return Names(
        {key: _subject_view(i, record, reading) for i, (key, record) in enumerate(reading.subjects.items())},
        {key: _environment_view(i, record, reading) for i, (key, record) in enumerate(reading.environments.items())},
    )


def session_views(
    sessions: Iterable[SessionRow], trials: Mapping[str, Sequence[TrialBrief]], names: Names
) -> tuple[SessionView, ...]:
    """Return sessions as rows of a table, with counts over ``trials`` (by session id), in the order given."""
    return tuple(_session_view(session, trials.get(session.record.id, ()), names) for session in sessions)


def facts_of(mapping: Mapping[str, object]) -> tuple[Fact, ...]:
    """Return a mapping as names and values, nested ones with dotted names."""
    facts: list[Fact] = []
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            facts.extend(Fact(f"{text.plain(str(name), 60)}.{fact.name}", fact.value) for fact in facts_of(value))
        else:
            facts.append(Fact(text.plain(str(name), 60), _value(value)))
    return tuple(facts)


def _value(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return text.significant(value)
    if isinstance(value, (list, tuple)):
        return text.plain(", ".join(map(_value, value)), 400) or "none"
    return text.plain(str(value), 400)


def _subject_view(index: int, record: SubjectRecord, reading: Reading) -> SubjectView:
    label = f"{record.runtime} {record.version or '(version unknown)'}"
    alike = [o for o in reading.subjects.values() if (o.runtime, o.version) == (record.runtime, record.version)]
    # Where runtime and version are not enough to tell two apart, the library that differs does.
    differing = {k: v for k, v in record.libraries.items() if any(other.libraries.get(k) != v for other in alike)}
    if differing:
        label += f" ({', '.join(f'{k} {v}' for k, v in differing.items())})"
    named = {"name": record.name, "runtime": record.runtime, "version": record.version, **record.libraries}
    return SubjectView(index, text.plain(label, 80), facts_of(named))


def _environment_view(index: int, record: EnvironmentRecord, reading: Reading) -> EnvironmentView:
    alike = [other for other in reading.environments.values() if other.name == record.name]
    label = text.plain(record.name, 80) + (f" [{record.hash[:8]}]" if len(alike) > 1 else "")
    return EnvironmentView(index, label, facts_of({**record.identity, **record.facts}))


def _session_view(session: SessionRow, trials: Sequence[TrialBrief], names: Names) -> SessionView:
    record = session.record
    commit = commit_of(session)
    branch = f" on {text.plain(record.branch, 40)}" if record.branch else ""
    bad = sum(trial.quality != "ok" for trial in trials)
    words = sorted({trial.quality for trial in trials if trial.quality != "ok"})
    wall = (session.finished_at - record.started_at).total_seconds() if session.finished_at else None
    return SessionView(
        id=text.plain(record.id, 40),
        started=text.moment(record.started_at),
        command=text.plain(record.command, 300),
        commit=f"{commit}{branch}{' with local changes' if record.dirty else ''}" if commit else "",
        subjects=tuple(names.subjects[key] for key in dict.fromkeys(trial.subject for trial in trials)),
        environments=tuple(names.environments[key] for key in dict.fromkeys(trial.environment for trial in trials)),
        cases=len({(trial.case_id, trial.environment) for trial in trials}),
        failed=len({(t.case_id, t.environment) for t in trials if t.failed}),
        regressed=len({(t.case_id, t.environment) for t in trials if t.regressed}),
        wall="" if wall is None else text.duration(wall),
        status=text.plain(session.status, 20),
        qualities=f"{bad} of {len(trials)} {text.listed(words)}" if bad else "ok",
    )
