"""Named baselines: fixed sets of trials that a person chose to compare with, and their revisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from harness.errors import ConfigurationError, HistoryError, unknown_value
from harness.history.decisions import check_signed
from harness.history.tables import Baseline, BaselineMember

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class NamedBaseline:
    """A revision of a named baseline.

    Attributes:
        name: as ``--baseline`` takes it.
        revision: 1 when it was pinned, one more for each promotion.
        source: the sessions or the commit that its runs are of, in words.
        reason: why, in a person's words.
        author: who.
        created_at: when; UTC.
        trials: how many trials it consists of.
        id: its number; 0 before it is stored.
    """

    name: str
    revision: int
    source: str
    reason: str
    author: str
    created_at: datetime
    trials: int = 0
    id: int = 0

    @property
    def described(self) -> str:
        """What it consists of, in words."""
        return f"{self.trials} trial{'' if self.trials == 1 else 's'} of {self.source}"

    def __post_init__(self) -> None:
        check_signed(self.reason, self.author)
        if not self.name.strip() or self.name != self.name.strip():
            raise ConfigurationError(
                f"a baseline's name has text in it, and no blanks around that, unlike {self.name!r}"
            )


def newest_revision(baselines: Iterable[NamedBaseline], name: str) -> NamedBaseline:
    """Return the revision of a named baseline that is in force.

    Raises:
        HistoryError: there is none of that name.
    """
    newest = {baseline.name: baseline for baseline in sorted(baselines, key=lambda each: each.revision)}
    if name not in newest:
        how = "one is made by: trt-harness baseline pin NAME --session ID --reason TEXT"
        raise HistoryError(f"{unknown_value('named baseline of this history', name, newest)} {how}")
    return newest[name]


def named_baselines(connection: Connection) -> list[NamedBaseline]:
    """Return every revision of every named baseline, in the order in which they were made."""
    query = (
        select(Baseline.__table__, func.count(BaselineMember.trial_id).label("trials"))
        .outerjoin(BaselineMember, BaselineMember.baseline_id == Baseline.id)
        .group_by(Baseline.id)
        .order_by(Baseline.id)
    )
    return [NamedBaseline(**row._asdict()) for row in connection.execute(query)]


def add_baseline(connection: Connection, baseline: NamedBaseline, trial_ids: Collection[int]) -> int:
    """Store a revision of a named baseline with its members, and return its number."""
    columns = {name: value for name, value in vars(baseline).items() if name not in ("id", "trials")}
    key = connection.execute(insert(Baseline).values(**columns)).inserted_primary_key
    assert key is not None, "every table has a primary key"
    members = [{"baseline_id": int(key[0]), "trial_id": trial_id} for trial_id in sorted(trial_ids)]
    connection.execute(insert(BaselineMember), members)
    return int(key[0])
