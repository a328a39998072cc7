"""Verdicts as sentences: for the failure of a test and for the end of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cases import metric_named
from harness.verdicts.findings import grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.records import VerdictRecord


def describe_verdict(record: VerdictRecord) -> str:
    """Say a verdict in one sentence that names its series."""
    where = f" at {record.point}" if record.point else ""
    return f"{metric_named(record.metric).title}{where}: {record.verdict.reason}"


def describe_findings(records: Sequence[VerdictRecord]) -> list[str]:
    """Say verdicts of one case and status: a line for each finding, and under it those that moved with it, indented."""
    lines = []
    for finding in grouped(records):
        lines.append(describe_verdict(finding.lead))
        lines += [f"  also {describe_verdict(other)}" for other in finding.others]
    return lines
