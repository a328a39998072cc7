from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.history.records import VerdictRecord
from reports.finding import FindingReference, write_finding
from reports.links import INDEX, verdict_file
from reports.site import SiteFile
from tests.reports.sample_history import a_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reports.site import Site
    from tests.reports.sample_history import HistoryBuilder

CASE = "resnet50-fp16-batch1x4x16"
WORDS = {
    ("engine_bytes", ""): a_verdict(status="improved", effect=-0.4),
    ("latency_host", "batch=1"): a_verdict(effect=0.06),
    ("latency_host", "batch=4"): a_verdict(effect=0.2),
    ("latency_host", "batch=16"): a_verdict(status="pass"),
}


@pytest.fixture
def trial(builder: HistoryBuilder, monkeypatch: pytest.MonkeyPatch) -> int:
    """Add a trial of which three verdicts have pages that only say what they are, and return its number."""
    session = builder.session(0)
    verdicts = tuple(VerdictRecord(metric=m, point=p, verdict=verdict) for (m, p), verdict in WORDS.items())
    number = builder.history.add_trial(builder.trial(session, "resnet50", "fp16", verdicts=verdicts))

    def section(site: Site) -> Iterator[SiteFile]:
        yield SiteFile(INDEX, "", lambda: "first page")
        for metric, point in list(WORDS)[:3]:
            said = f"{metric} {point} {site.links.to(INDEX)!r} {site.navigation}"
            yield SiteFile(verdict_file(number, CASE, metric, point), "", lambda said=said: said)  # type: ignore[misc]

    monkeypatch.setattr("reports.finding.SECTIONS", (section,))
    return number


@pytest.mark.parametrize(
    ("reference", "chosen"),
    [
        pytest.param("{}", "latency_host batch=4", id="the worst of the trial"),
        pytest.param("{}:latency_host", "latency_host batch=4", id="the worst of a metric"),
        pytest.param("{}:latency_host:batch=1", "latency_host batch=1", id="one series"),
        pytest.param("{}:engine_bytes", "engine_bytes ", id="a metric of the whole engine"),
    ],
)
def test_a_finding_is_one_file_without_links(
    builder: HistoryBuilder, tmp_path: Path, trial: int, reference: str, chosen: str
) -> None:
    """What is meant is the worst of what the reference includes; to its page the report has no other files."""
    finding = FindingReference.of(reference.format(trial))
    file = write_finding(builder.history, finding, tmp_path / "mail" / "one.html", folder=tmp_path)
    assert file.read_text(encoding="utf-8") == f"{chosen} '' []"


def test_a_finding_is_called_as_in_a_report_by_default(builder: HistoryBuilder, tmp_path: Path, trial: int) -> None:
    """Without a name of its own the file is that of the report, in the folder given."""
    file = write_finding(builder.history, FindingReference(trial), None, folder=tmp_path)
    assert file == tmp_path / verdict_file(trial, CASE, "latency_host", "batch=4")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        pytest.param("{}:latency_host:batch=16", r"Known: 1:engine_bytes, 1:latency_host:batch=1, ", id="it passed"),
        pytest.param("99", r"trial 99 has no verdict .* trt-harness query regressions", id="no such trial"),
    ],
)
def test_what_has_no_page_is_an_error(
    builder: HistoryBuilder, tmp_path: Path, trial: int, reference: str, said: str
) -> None:
    """It lists the findings of the trial, or says where trials are listed."""
    with pytest.raises(UsageError, match=said):
        write_finding(builder.history, FindingReference.of(reference.format(trial)), None, folder=tmp_path)


@pytest.mark.parametrize("text", ["", "latency_host", "-1", "1.5:latency_host", "²"])
def test_a_reference_begins_with_a_number(text: str) -> None:
    """Anything else is an error that shows the form."""
    with pytest.raises(UsageError, match=r"TRIAL\[:METRIC\[:POINT\]\]"):
        FindingReference.of(text)


def test_a_file_that_cannot_be_written_is_a_usage_error(builder: HistoryBuilder, tmp_path: Path, trial: int) -> None:
    """The error names the file and the option that chooses another."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"cannot be written to '.*file.one\.html'.*--output"):
        write_finding(builder.history, FindingReference(trial), tmp_path / "file" / "one.html", folder=tmp_path)
