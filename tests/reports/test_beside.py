from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reports.beside import neighbours_of
from reports.detail_reading import read_details
from reports.write import site_of
from tests.reports.sample_history import NEW, OLD

if TYPE_CHECKING:
    from reports.beside import Neighbour, Neighbours
    from tests.reports.sample_history import HistoryBuilder


def neighbours(builder: HistoryBuilder) -> dict[tuple[str, str], Neighbours]:
    """Return what stands beside each engine, by precision and version of its subject."""
    site = site_of(builder.history, title="Report")
    details = read_details(site)
    return {
        (case.precision, site.reading.subjects[cell.subject_hash].version): neighbours_of(site, case, cell, details)
        for case in site.cases
        for cell in site.reading.cells[case.case_id, case.environment]
    }


@pytest.fixture
def found(builder: HistoryBuilder) -> dict[tuple[str, str], Neighbours]:
    """Return the neighbours of one model's engines in four precisions, the older subject having run them first."""
    session = builder.session(0)
    for subject in (OLD, NEW):
        for precision in ("int8", "fp32", "fp16"):
            trial = builder.trial(session, "resnet50", precision, subject=subject)
            builder.history.add_trial(trial)
            if precision == "fp16":
                case = trial.case_id.replace("fp16", "bf16")
                other = replace(trial, precision="bf16", case_id=case, case_hash=trial.case_hash[::-1])
                builder.history.add_trial(other)
    return neighbours(builder)


def test_each_pair_is_compared_once(found: dict[tuple[str, str], Neighbours]) -> None:
    """Whatever one page compares itself with, the other page of the two leads to it, and nothing else."""

    def key(neighbour: Neighbour) -> tuple[str, str]:
        return neighbour.case.precision, versions[neighbour.cell.subject_hash]

    versions = {OLD.hash: OLD.version, NEW.hash: NEW.version}
    here = {(own, key(other)) for own, beside in found.items() for other in beside.here}
    there = {(key(other), own) for own, beside in found.items() for other in beside.there}
    assert here == there
    assert not here & {(b, a) for a, b in here}
    assert len(here) == 4 + 2 * 5


def test_a_precision_stands_beside_the_plainest_and_the_nearest(found: dict[tuple[str, str], Neighbours]) -> None:
    """INT8 is held against FP32, which everybody knows, and against the half precision that it has to beat."""
    titles = [other.title for other in found["int8", NEW.version].here]
    assert titles[0].startswith("the same case under ")
    assert titles[1:] == ["fp32 under the same subject", "bf16 under the same subject"]
    assert [other.title for other in found["fp32", OLD.version].here] == []
