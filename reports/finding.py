"""One finding as one file, to be sent to somebody: the page of a verdict, without links to the rest of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from harness.errors import UsageError
from harness.history import reading
from harness.history.tables import Case, Environment, Series, Trial
from harness.history.tables import Verdict as VerdictTable
from reports.files import replace_file
from reports.links import verdict_file
from reports.sections import SECTIONS
from reports.standing import STANDINGS, severity
from reports.write import site_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.history.store import History
    from harness.verdicts.gate import Verdict
    from reports.renamings import Renamings

_MOST_NAMED = 12


@dataclass(frozen=True)
class FindingReference:
    """Which verdict is meant.

    Attributes:
        trial: its number in the history.
        metric: name of the metric; empty for the worst of the trial's verdicts.
        point: label of the point; empty for the worst of that metric's.
    """

    trial: int
    metric: str = ""
    point: str = ""

    @classmethod
    def of(cls, text: str) -> FindingReference:
        """Read ``TRIAL[:METRIC[:POINT]]``.

        Raises:
            UsageError: it does not begin with a number.
        """
        trial, _, series = text.partition(":")
        metric, _, point = series.partition(":")
        if not (trial.isascii() and trial.isdigit()):
            raise UsageError(
                f"--finding takes TRIAL[:METRIC[:POINT]], e.g. 17 or 17:latency_host:batch=4, not {text!r}; "
                "trt-harness query regressions lists trials"
            )
        return cls(int(trial), metric, point)

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.trial, self.metric, self.point) if part)


def write_finding(history: History, finding: FindingReference, file: Path | None, *, folder: Path) -> Path:
    """Write the page of one verdict as a file that needs no other, and return its path.

    Args:
        history: that has the verdict.
        finding: which one; where several are meant, the worst of them with the largest effect.
        file: where to; by default a file in ``folder`` that is called as it is in a report.
        folder: see there.

    Raises:
        UsageError: no such verdict has a page, or the file cannot be written.
        HistoryError: the history cannot be read.
    """
    site = site_of(history, title="TensorRT harness")
    # What the report has is not offered to its links, so that none leads out of the file.
    pages = {file.name: file for section in SECTIONS for file in section(site)}
    verdicts = _verdicts(history, finding.trial, site.reading.renamings)
    with_page = {reference: verdict for (reference, name), verdict in verdicts.items() if name in pages}
    meant = {reference: verdict for reference, verdict in with_page.items() if _includes(finding, reference)}
    if not meant:
        raise UsageError(_absent(finding, with_page))
    chosen = min(meant, key=lambda each: (severity(STANDINGS[meant[each].status]), -abs(meant[each].effect or 0.0)))
    name = next(name for reference, name in verdicts if reference == chosen)
    target = file or folder / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, pages[name].content())
    except OSError as error:
        raise UsageError(
            f"the finding cannot be written to {str(target)!r}: {error.strerror or error}. Give a file that can be "
            "written: --output FILE.html"
        ) from error
    return target


def _verdicts(history: History, trial: int, renamings: Renamings) -> dict[tuple[FindingReference, str], Verdict]:
    """Return the verdicts on a trial, each by what it is called and by the name that its page would have."""
    query = (
        select(Case.name, Environment.identity_hash, Series.metric, Series.point, *reading.VERDICT_COLUMNS)
        .select_from(VerdictTable)
        .join(Trial, Trial.id == VerdictTable.trial_id)
        .join(Series, Series.id == VerdictTable.series_id)
        .join(Case, Case.id == Series.case_id)
        .join(Environment, Environment.id == Series.environment_id)
        .where(Trial.id == trial)
        .order_by(VerdictTable.id)
    )
    with history.queries.snapshot() as connection:
        return {
            (
                FindingReference(trial, metric, point),
                verdict_file(trial, renamings.name(case, machine), metric, point),
            ): verdict
            for case, machine, metric, point, *columns in connection.execute(query)
            if (verdict := reading.verdict(columns)) is not None
        }


def _includes(wanted: FindingReference, reference: FindingReference) -> bool:
    return wanted.metric in ("", reference.metric) and wanted.point in ("", reference.point)


def _absent(finding: FindingReference, known: dict[FindingReference, Verdict]) -> str:
    if not known:
        return (
            f"trial {finding.trial} has no verdict with a page of its own: the newest that did not pass have one; "
            "trt-harness query regressions lists trials"
        )
    named = ", ".join(str(reference) for reference in list(known)[:_MOST_NAMED])
    more = f" … and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return f"{str(finding)!r} is no verdict with a page of its own. Known: {named}{more}."
