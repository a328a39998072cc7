"""From the history to the operators of each subject: the newest trial of every operator case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from harness.cases.operator import ERROR, OPERATORS
from harness.errors import HistoryError, unknown_value
from harness.history import reading
from harness.history.tables import Case, Environment, Subject, Trial
from harness.operators.table import OperatorResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from harness.history.queries import Queries


@dataclass(frozen=True, kw_only=True)
class SubjectOperators:
    """The operators of one subject on one machine.

    Attributes:
        name: what its newest session called it.
        software: runtime and version.
        environment: the machine, as a person calls it.
        environment_hash: SHA-256 of what identifies it.
        newest: when the newest of the trials started, UTC.
        results: the newest of each case and precision.
    """

    name: str
    software: str
    environment: str
    environment_hash: str
    newest: datetime
    results: tuple[OperatorResult, ...]

    @property
    def title(self) -> str:
        """Its software, and its name where it has one."""
        return self.software if self.software.startswith(f"{self.name} ") else f"{self.name} ({self.software})"

    @property
    def names(self) -> tuple[str, str, str]:
        """What it may be called by: its software, the version of that, its name."""
        return self.software, self.software.rpartition(" ")[2], self.name


def read_operators(queries: Queries) -> list[SubjectOperators]:
    """Return the operators of every subject on every machine, those that ran last first.

    Raises:
        HistoryError: the history cannot be read.
    """
    newest = (
        select(func.max(Trial.id).label("id"))
        .join(Case, Case.id == Trial.case_id)
        .where(Case.model == OPERATORS, Trial.ordinal == 0)
        .group_by(Trial.case_id, Trial.environment_id, Trial.subject_id)
        .subquery()
    )
    query = (
        select(
            *(Trial.id, Trial.subject_label, Trial.started_at, Trial.outcome, Trial.message, Trial.conditions),
            *(Case.profile, Case.precision, Environment.identity_hash, Environment.name.label("environment")),
            *(Subject.subject_hash, Subject.runtime, Subject.version),
        )
        .join(newest, newest.c.id == Trial.id)
        .join(Case, Case.id == Trial.case_id)
        .join(Environment, Environment.id == Trial.environment_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .order_by(Trial.id.desc())
    )
    # Nobody but this command asks it, so the statement is here and only the connection is borrowed.
    with queries.snapshot() as connection:
        rows: Iterable[Any] = connection.execute(query).all()
        values = reading.values_of(connection, newest)
    grouped: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        grouped.setdefault((row.identity_hash, row.subject_hash), []).append(row)
    return [
        SubjectOperators(
            name=own[0].subject_label,
            software=f"{own[0].runtime} {own[0].version}".strip(),
            environment=own[0].environment,
            environment_hash=own[0].identity_hash,
            newest=own[0].started_at,
            results=tuple(
                OperatorResult(
                    case=row.profile,
                    operator=str(row.conditions.get("operator", "")),
                    precision=row.precision,
                    outcome=row.outcome,
                    message=row.message,
                    share=values.get(row.id, {}).get((ERROR, "")),
                )
                for row in reversed(own)
            ),
        )
        for own in grouped.values()
    ]


def chosen_subject(
    subjects: Sequence[SubjectOperators], name: str, *, but: SubjectOperators | None = None
) -> SubjectOperators:
    """Return the subject of a name, of several the one that ran last.

    Args:
        subjects: the one that ran last first.
        name: what a session called it, its runtime and version, or its version alone.
        but: not this one.

    Raises:
        HistoryError: no other subject is called so.
    """
    others = [subject for subject in subjects if subject is not but]
    # Versions of one runtime share its name, so what tells them apart goes first.
    for position in range(3):
        for subject in others:
            if subject.names[position] == name:
                return subject
    known = [known for subject in others for known in subject.names]
    raise HistoryError(unknown_value("subject whose operators this history has", name, known))
