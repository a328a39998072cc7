"""The SQL views: what anyone may query, with a shell or with ``trt-harness query``, from one version to the next.

Their SQL is in the migrations; this is their description. A column may be added, but is never renamed, removed or given
another meaning without a new major version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import column as named_column
from sqlalchemy import select, table, text

from harness.errors import HistoryError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnClause, Select


@dataclass(frozen=True)
class View:
    """One documented view.

    Attributes:
        name: in SQL.
        about: what its rows are.
        columns: what each column holds, in their order.
        order: SQL terms that its rows are listed by.
    """

    name: str
    about: str
    columns: Mapping[str, str]
    order: tuple[str, ...]


_RUN = {
    "case_id": "model, precision and profile, e.g. squeezenet-fp16-batch1x4x16",
    "case_version": "raised by hand when results of before and after must not be compared",
    "model": "the model's name",
    "precision": "the recipe, e.g. fp16",
    "profile": "the profile's name",
    "metric": "what was measured, e.g. latency_host",
    "point": "sizes of the free dimensions, e.g. batch=4; empty where the metric belongs to the whole engine",
    "environment": "the machine, as a person calls it",
    "environment_hash": "SHA-256 over the facts that identify the machine",
    "subject": "the software under test, as its session called it",
    "runtime": "onnxruntime or tensorrt",
    "runtime_version": "the runtime's version",
    "subject_hash": "SHA-256 over runtime, version and libraries",
    "session_id": "12 hexadecimal digits",
    "trial_id": "number of the trial, in the order of their commits",
    "trial_index": "0 for the first trial of the case in its session, 1 and above for confirmations and comparisons",
    "started_at": "ISO 8601 in UTC",
    "outcome": "ok, failed, crashed, timed_out or unsupported",
    "quality": "ok, contended, throttled or unstable",
    "value": "in the metric's unit; NULL if it was not a number",
    "unit": "the metric's: ms, s, 1/s, B, J, dB or 1; NULL for a metric that no harness declared",
    "verdict": "pass, regressed, improved, inconclusive, insufficient, missing or quarantined; NULL if not judged",
    "effect": "change against the baseline: ratio minus 1, or a difference for metrics on a linear scale",
}
_JUDGED = {
    "baseline": "median of the baseline, in the metric's unit",
    "low": "lower end of the effect's interval",
    "high": "upper end of the effect's interval",
    "p": "two-sided probability of such an effect if nothing changed",
    "q": "the same, adjusted for the number of series judged in the session",
    "n": "runs in the baseline",
    "k": "trials that decided",
    "reason": "the verdict in a sentence",
}
_CAUSE = {
    "cause": "same engine; rebuilt, same tactics; other tactics; unknown; empty where it was not asked for",
    "cause_details": "JSON: what the cause rests on, with the layers that changed",
}
_CHANGE = {
    "unit": "the metric's",
    "effect": "change of the level: ratio minus 1, or a difference for metrics on a linear scale",
    "p": "two-sided probability of two such levels if nothing changed; 0 in a series without noise",
    "level_before": "median of the level before, in the metric's unit",
    "level_after": "median of the level since, in the metric's unit",
    "low_trial_id": "the first run at which it may have happened, with 95 % confidence",
    "high_trial_id": "the last one",
    "previous_trial_id": "the run before the first of them, still at the old level",
    "found_at": "ISO 8601 in UTC, when a session first found it",
}
_ENGINE = {
    "engine_id": "number of the build; trials of the same build share it",
    "fingerprint": "SHA-256 over layers, types and tactics: equal where a rebuild chose the same",
    "engine_bytes": "size of the serialised engine in bytes",
    "build_seconds": "how long the build took",
    "layers": "number of layers",
    "type_shares": "JSON: share of layers by number type",
    "options": "JSON: the build's options",
}
_LATER_OF_AN_ENGINE = {
    "time_shares": "JSON: share of the computing layers' time by number type; empty where no time is known",
    "warning_kinds": "JSON: how many warnings of each kind the build gave",
}
_LAYER = {
    "position": "place of the layer in its engine, from 0",
    "name": "the engine's own name for the layer",
    "operator": "the layer's type",
    "compute_type": "the number type that it computes in; empty for layers that only move or reshape data",
    "tactic": "which implementation was chosen; empty where the runtime does not say",
    "outputs": "JSON: the tensors that it makes",
    "milliseconds": "median of its time in runs under a profiler, which slows them; NULL where it was not profiled",
}
_NOT_OF_A_CHANGE = ("value", "unit", "verdict", "effect")
_NOT_OF_AN_ENGINE = ("metric", "point", "value", "unit", "verdict", "effect")

VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            "latest",
            "the newest run of each series: of a session's first trials, which are the ones that are judged",
            _RUN | _JUDGED | _CAUSE,
            ("case_id", "environment", "metric", "point"),
        ),
        View(
            "trend",
            "every run of every series",
            _RUN,
            ("trial_id DESC", "case_id", "metric", "point"),
        ),
        View(
            "regressions",
            "every run that was judged a regression",
            _RUN | _JUDGED | _CAUSE,
            ("trial_id DESC", "case_id", "metric", "point"),
        ),
        View(
            "engines",
            "the engine of every trial that has one",
            {name: text for name, text in _RUN.items() if name not in _NOT_OF_AN_ENGINE}
            | _ENGINE
            | _LATER_OF_AN_ENGINE,
            ("trial_id DESC",),
        ),
        View(
            "engine_layers",
            "the layers of every engine, beside the first trial that ran it",
            {name: text for name, text in _RUN.items() if name not in _NOT_OF_AN_ENGINE}
            | {name: _ENGINE[name] for name in ("engine_id", "fingerprint")}
            | _LAYER,
            ("trial_id DESC", "position"),
        ),
        View(
            "change_points",
            "every lasting change of a series' level, beside the first run at the new level",
            {name: text for name, text in _RUN.items() if name not in _NOT_OF_A_CHANGE} | _CHANGE,
            ("trial_id DESC", "case_id", "metric", "point"),
        ),
    )
}


def view_named(name: str) -> View:
    """Return the view called ``name``, or raise HistoryError with the nearest one."""
    try:
        return VIEWS[name]
    except KeyError:
        raise HistoryError(unknown_value("view of the history", name, VIEWS)) from None


def rows_of_view(name: str, *, where: Mapping[str, object], limit: int | None) -> Select[Any]:
    """Return the statement that selects rows of a view, in the view's order.

    Args:
        name: of the view.
        where: values that columns must have.
        limit: how many rows at most; all of them if None.

    Raises:
        HistoryError: no such view, or no such column in it.
    """
    view = view_named(name)
    columns: dict[str, ColumnClause[Any]] = {column: named_column(column) for column in view.columns}
    query = select(*columns.values()).select_from(table(name))
    for column, value in where.items():
        if column not in columns:
            raise HistoryError(unknown_value(f"column of the view {name!r}", column, columns))
        query = query.where(columns[column] == value)
    query = query.order_by(*(text(order) for order in view.order))
    return query if limit is None else query.limit(limit)
