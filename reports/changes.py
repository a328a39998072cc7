"""Since when: the runs at which levels changed, as rows of a table and as lines in the charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.verdicts.scales import is_worse
from reports import text
from reports.charts import Step
from reports.current import metric_of
from reports.pages import ChangeView

if TYPE_CHECKING:
    from collections.abc import Container

    from harness.history.rows import ChangeRow, SeriesRow
    from reports.current import CurrentCase
    from reports.points import ModelContext

_MOST_DIFFERENCES = 6
# What fits beside a line in a chart.
_LONGEST_LABEL = 34
# The facts that a label tells before others, since they are most often why.
_TELLING = ("runtime", "driver", "commit")


def changes_of(case: CurrentCase, context: ModelContext) -> tuple[ChangeView, ...]:
    """Return the changes of every series of a case, as far as their sessions are shown, the newest first."""
    series = context.series.get((case.case_id, case.environment, case.version), ())
    changes = [change for row in series for change in _shown(row, context)]
    return tuple(_view(change) for change in sorted(changes, key=lambda change: -change.trial_id))


def steps_of(row: SeriesRow, context: ModelContext) -> list[Step]:
    """Return where to draw a line in the chart of a series."""
    changed = [
        Step(
            column=context.data.columns[change.session_id],
            label=label_of(change),
            text=f"since session {text.plain(change.session_id, 40)}: {_amount(change)}; {_told(change)}",
            accepted=bool(change.acknowledged),
        )
        for change in _shown(row, context)
    ]
    return [*changed, *_renames(row, context, {step.column for step in changed})]


def label_of(change: ChangeRow) -> str:
    """Return what changed with the level, as short as a chart needs it: the most telling difference, else how far."""
    differences = sorted(
        change.differences, key=lambda each: _TELLING.index(each.name) if each.name in _TELLING else len(_TELLING)
    )
    if not differences or not differences[0].after:
        return _amount(change)
    first = differences[0]
    value = first.after if first.name == "runtime" else f"{first.name} {first.after}"
    return value if len(value) <= _LONGEST_LABEL else f"{value[: _LONGEST_LABEL - 1]}…"


def _renames(row: SeriesRow, context: ModelContext, taken: Container[int]) -> list[Step]:
    """Return a faint line before the first run under each later name of a case; no word where a change has one."""
    columns = context.data.columns
    return [
        Step(
            column=columns[rename.then],
            label="" if columns[rename.then] in taken else "renamed",
            text=f"before session {text.plain(rename.then, 40)} called {text.plain(rename.former, 160)}",
            accepted=True,
        )
        for rename in context.reading.renames.get((row.case_id, row.environment_hash), ())
        if rename.then in columns
    ]


def _shown(row: SeriesRow, context: ModelContext) -> list[ChangeRow]:
    return [change for change in context.reading.changes.get(row.id, ()) if change.session_id in context.data.columns]


def _view(change: ChangeRow) -> ChangeView:
    metric = metric_of(change.series.metric)
    told = [text.plain(str(difference), 160) for difference in change.differences]
    more = [f"and {len(told) - _MOST_DIFFERENCES} more"] if len(told) > _MOST_DIFFERENCES else []
    point = f" at {text.point(change.series.point)}" if change.series.point else ""
    return ChangeView(
        since=text.moment(change.started_at),
        session=text.plain(change.session_id, 40),
        series=f"{text.plain(metric.title, 80)}{point}",
        before=text.quantity(change.level_before, metric.unit),
        after=text.quantity(change.level_after, metric.unit),
        change=_amount(change),
        better=not is_worse(change.effect, metric.direction),
        differences=(*told[:_MOST_DIFFERENCES], *more),
        accepted=text.plain(change.acknowledged, 200),
    )


def _amount(change: ChangeRow) -> str:
    metric = metric_of(change.series.metric)
    return text.change(change.effect, metric.scale, metric.unit)


def _told(change: ChangeRow) -> str:
    told = [text.plain(str(difference), 80) for difference in change.differences[:_MOST_DIFFERENCES]]
    return ", ".join(told) or "nothing else that is known changed"
