"""A model's page: its cases on every machine, in full."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reports import text
from reports.changes import changes_of
from reports.current import sentence_of
from reports.drawing import marker_definitions
from reports.engine_view import EngineRoom
from reports.links import Links, case_file
from reports.names import session_views
from reports.pages import CaseView, ModelPage
from reports.points import ModelContext, PointData
from reports.rerun import command_again
from reports.standing import severity, tally
from reports.trends import trends_of
from reports.trials import MEASURES, trial_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.rows import SeriesRow
    from reports.current import CurrentCase
    from reports.names import Names
    from reports.reading import Reading, TrialBrief
    from reports.verdict_links import VerdictLinks


def file_names(models: Sequence[str]) -> dict[str, str]:
    """Return a file name for each model: ``model-<name>.html``, with a number where two would be the same file."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for model in models:
        stem = name = f"model-{text.slug(model)}"
        number = 1
        # Some file systems do not tell capitals from small letters.
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.lower())
        chosen[model] = f"{name}.html"
    return chosen


def anchor_of(case: CurrentCase, names: Names) -> str:
    """Return the id of a case's section: unique within its model's page."""
    return f"case-{names.environments[case.environment].index}-{text.slug(f'{case.precision}-{case.profile}')}"


def model_page(
    model: str,
    cases: Sequence[CurrentCase],
    reading: Reading,
    names: Names,
    *,
    title: str,
    written: str,
    file_name: str,
    links: Links | None = None,
    verdicts: VerdictLinks | None = None,
) -> ModelPage:
    """Return the page of ``model``, whose ``cases`` are those of that model on any machine.

    What other pages of the report show in full, every series of a case and the layers of a trial, is linked and left
    out here.
    """
    trials: dict[str, list[TrialBrief]] = defaultdict(list)
    for trial in reading.trials:
        if trial.model == model:
            trials[trial.session_id].append(trial)
    series: dict[tuple[str, str, int], list[SeriesRow]] = defaultdict(list)
    for row in reading.series:
        if row.model == model:
            series[row.case_id, row.environment_hash, row.case_version].append(row)
    sessions = [session for session in reading.sessions if session.record.id in trials]
    context = ModelContext(
        reading=reading,
        names=names,
        dates=[text.moment(session.record.started_at)[:10] for session in sessions],
        series=series,
        data=PointData({session.record.id: column for column, session in enumerate(sessions)}),
        engine_room=EngineRoom.among(sum(len(case.cells) for case in cases)),
        links=links or Links(),
        verdicts=verdicts,
    )
    views = tuple(_case_view(case, context) for case in sorted(cases, key=lambda case: severity(case.standing)))
    subjects = {trial.subject: names.subjects[trial.subject] for own in trials.values() for trial in own}
    return ModelPage(
        title=title,
        model=text.plain(model, 120),
        file_name=file_name,
        written=written,
        totals=tuple(tally(case.standing for case in cases)),
        cases=views,
        sessions=session_views(reversed(sessions), trials, names),
        subjects=tuple(sorted(subjects.values(), key=lambda subject: subject.index)),
        environments=tuple(names.environments[key] for key in dict.fromkeys(case.environment for case in cases)),
        measures=tuple(head for _, head in MEASURES),
        markers=marker_definitions(len(names.subjects)),
        data=context.data.to_json(sessions, names),
    )


def _case_view(case: CurrentCase, context: ModelContext) -> CaseView:
    address = context.links.to(case_file(case.case_id, case.version, case.environment))
    trends, more_trends = trends_of(case, context, all_series=not address)
    sentence = sentence_of(case)
    return CaseView(
        anchor=anchor_of(case, context.names),
        case_id=text.plain(case.case_id, 160),
        precision=text.plain(case.precision, 60),
        profile=text.plain(case.profile, 80),
        version=case.version,
        environment=context.names.environments[case.environment],
        standing=case.standing,
        label=case.label,
        awaited=context.reading.renamings.told_of_awaited(case.case_id, case.environment),
        sentence=text.plain(f"{sentence[:1].upper()}{sentence[1:]}", 600),
        command=text.plain(command_of(case), 300),
        trials=tuple(trial_view(cell, context) for cell in case.cells),
        trends=trends,
        more_trends=more_trends,
        changes=changes_of(case, context),
        href=address,
    )


def command_of(case: CurrentCase) -> str:
    """Return the command that runs the case again as its last session did."""
    parts = {"model": case.model, "precision": case.precision, "profile": case.profile}
    return command_again(case.session.record, **parts)
