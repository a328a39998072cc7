"""What a session compares its runs with, and what people decided about its cases: found out once, then asked."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from harness.cases import metric_named
from harness.checkout import lineage_of, merge_base, target_branch
from harness.errors import HistoryError
from harness.history.decisions import expired_between, former_names, in_force, last_day, quarantine_of
from harness.history.identity import series_fingerprint
from harness.history.named_baselines import newest_revision

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.cases import Case
    from harness.history.decisions import Decision
    from harness.history.named_baselines import NamedBaseline
    from harness.history.store import History
    from harness.settings import Settings
    from harness.verdicts.baseline import Lineage

_COMMIT_DIGITS = 12
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class SessionBaselines:
    """The baselines of a session's series.

    Args:
        history: where they come from; without one there are none.
        settings: the settings in force.
        root: the checkout that holds the suite.
        session: the session's id: its own runs are no part of its baselines.
        environment_hash: of the machine.

    Attributes:
        remarks: what a reader of the session's verdicts should know, for its header, a sentence each.

    Raises:
        HistoryError: the settings name a baseline that the history does not have.
    """

    def __init__(
        self, history: History | None, settings: Settings, root: Path, *, session: str, environment_hash: str
    ) -> None:
        if history is None and settings.baseline:
            raise HistoryError(f"--baseline {settings.baseline!r}: there is no history at {settings.shown_db!r} yet")
        self._history, self._settings = history, settings
        self._session, self._environment_hash = session, environment_hash
        self._decisions: list[Decision] = in_force(history.queries.decisions()) if history else []
        renamed = any(decision.action == "alias" for decision in self._decisions)
        self._case_names = history.queries.case_names() if history and renamed else []
        self._at = datetime.now(timezone.utc)
        self._named: NamedBaseline | None = None
        self._lineage: Lineage | None = None
        self.remarks: list[str] = []
        if history and settings.baseline:
            self._named = newest_revision(history.queries.named_baselines(), settings.baseline)
            self.remarks.append(_about_named(self._named))
        elif target := target_branch(settings.baseline_branch):
            base = merge_base(root, target)
            self._lineage = lineage_of(root, base) if base else None
            self.remarks.append(self._about_branch(target, base))
        self.remarks += self._about_expired()

    def values(self, case: Case, metric: str, point: str, runtime: str) -> Sequence[float]:
        """Return the baseline of a series, oldest run first, in the metric's unit."""
        if self._history is None:
            return ()
        timed = metric_named(metric).timed
        return self._history.queries.baseline_values(
            case.id,
            case.model.version,
            self._environment_hash,
            metric,
            point,
            last=self._settings.baseline_runs,
            before_session=self._session,
            any_quality=not timed,
            pace=self._settings.pace if timed else None,
            runtime=runtime,
            lineage=self._lineage,
            named=self._named.id if self._named else None,
            former_names=former_names(case.id, self._decisions, self._case_names),
        )

    def fingerprints(self, case: Case, metric: str, point: str) -> list[str]:
        """Return the fingerprint of a series, then of those that it goes on with under the case's former names."""
        return [
            series_fingerprint(name, case.model.version, self._environment_hash, metric, point)
            for name in (case.id, *former_names(case.id, self._decisions, self._case_names))
        ]

    def quarantine(self, case: Case, metric: str) -> Decision | None:
        """Return the quarantine that a series is in, if it was in one when the session began."""
        return quarantine_of(self._decisions, case.id, metric, at=self._at)

    def _about_branch(self, target: str, base: str | None) -> str:
        if base is None or self._lineage is None:
            return (
                f"baseline: runs of every branch, since git does not know here where {target!r} and this checkout part "
                "(a shallow clone lacks the commits: git fetch --unshallow)"
            )
        runs = self._settings.baseline_runs
        return f"baseline: the last {runs} good runs on {target}, up to {base[:_COMMIT_DIGITS]}"

    def _about_expired(self) -> list[str]:
        """Tell of the quarantines that ended since the last session: to the next one it is this one that was last."""
        if self._history is None or not any(decision.action == "quarantine" for decision in self._decisions):
            return []
        start = self._history.queries.last_start(but=self._session) or _LONG_AGO
        return [
            f"expired: the quarantine of {d.case} {d.metric} ended on {last_day(d.until)} ({d.describe()})"
            for d in expired_between(self._decisions, start, self._at)
            if d.until is not None
        ]


def _about_named(named: NamedBaseline) -> str:
    return (
        f"baseline: {named.name}, revision {named.revision}: {named.described} "
        f"({named.author}, {named.created_at:%Y-%m-%d}: {named.reason})"
    )
