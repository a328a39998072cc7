from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, fromstring

import pytest

from harness.history.records import VerdictRecord
from harness.history.store import History
from reports.feed import feed, moved_series
from reports.links import FEED, INDEX, verdict_file
from reports.write import site_of, write_report
from tests.reports.sample_history import HistoryBuilder, a_verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.verdicts.gate import Verdict

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "a</title><script>&\x1b[31m\x00"


def moved(builder: HistoryBuilder, index: int, *verdicts: tuple[str, str, Verdict], confirm: bool = False) -> int:
    """Add a session whose only case moved as given, by (metric, point, verdict), and return its trial."""
    session = builder.session(index)
    records = tuple(VerdictRecord(metric=metric, point=point, verdict=verdict) for metric, point, verdict in verdicts)
    trial = builder.trial(session, "resnet50", "fp16", verdicts=records)
    number = builder.history.add_trial(trial)
    if confirm:
        builder.history.add_trial(replace(trial, index=1, verdicts=records[:1]))
    builder.history.finish_session(session.id)
    return number


def parsed(builder: HistoryBuilder, *offered: str) -> Element:
    """Return the feed of a history, whose report has the files ``offered``."""
    site = site_of(builder.history, title="Sample")
    site.links.offer([INDEX, *offered])
    return fromstring(feed(moved_series(builder.history.queries), site))  # noqa: S314 - it was just written


def text_of(element: Element, name: str) -> str:
    """Return the text of a child, with plain spaces."""
    return str(element.findtext(f"{ATOM}{name}")).replace("\u00a0", " ")


def test_a_case_that_moved_is_an_entry(builder: HistoryBuilder) -> None:
    """It names the case, the largest change and how many more, and lists all of them."""
    slower = ("latency_host", "batch=4", a_verdict())
    larger = ("engine_bytes", "", a_verdict(effect=0.3, value=1.3e6, baseline=1e6, low=None, high=None))
    moved(builder, 0, slower, larger)
    (entry,) = parsed(builder).findall(f"{ATOM}entry")
    assert text_of(entry, "title").startswith("resnet50-fp16-batch1x4x16 regressed: engine size: ")
    assert text_of(entry, "title").endswith(" and 1 more series")
    assert "latency, host to host, median at batch=4: 1.23 ms instead of 1.15 ms (+7.3 %" in text_of(entry, "summary")
    assert "session 000000000000 of 2026-01-05 03:32 UTC, onnxruntime 1.31.1 on cpu: AMD" in text_of(entry, "summary")


def test_a_feed_is_valid_atom(sample_report: Path) -> None:
    """Feed and entries have what RFC 4287 demands: unique URIs as ids, titles, times with a zone, an author."""
    root = fromstring((sample_report / FEED).read_text(encoding="utf-8"))  # noqa: S314 - likewise
    entries = root.findall(f"{ATOM}entry")
    assert root.tag == f"{ATOM}feed"
    assert entries
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "trt-harness"
    ids = [text_of(each, "id") for each in (root, *entries)]
    assert len(ids) == len(set(ids))
    for element in (root, *entries):
        assert re.fullmatch(r"tag:trt-harness\.invalid,2026:[\w./-]+", text_of(element, "id"))
        assert text_of(element, "title")
        assert datetime.fromisoformat(text_of(element, "updated")).tzinfo
        alternates = [link for link in element.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
        assert len(alternates) == 1
        assert (sample_report / alternates[0].attrib["href"]).is_file()


def test_ids_stay_and_the_newest_comes_first(builder: HistoryBuilder) -> None:
    """A further session adds an entry before those that were there."""
    moved(builder, 0, ("latency_host", "batch=4", a_verdict()))
    before = [text_of(entry, "id") for entry in parsed(builder).findall(f"{ATOM}entry")]
    moved(builder, 1, ("latency_host", "batch=4", a_verdict(status="improved", effect=-0.2)))
    after = parsed(builder).findall(f"{ATOM}entry")
    assert [text_of(entry, "id") for entry in after[1:]] == before
    assert " improved: " in text_of(after[0], "title")
    assert text_of(after[0], "updated").startswith("2026-01-06T")


def test_a_confirmation_is_no_second_entry(builder: HistoryBuilder) -> None:
    """Verdicts of one session on several trials of a case are told together."""
    series = [("latency_host", f"batch={batch}", a_verdict()) for batch in (1, 4)]
    moved(builder, 0, *series, confirm=True)
    (entry,) = parsed(builder).findall(f"{ATOM}entry")
    assert text_of(entry, "summary").count("latency, host to host, median") == 2


@pytest.mark.parametrize(
    ("metric", "status"), [("latency_host", "pass"), ("latency_host", "inconclusive"), ("throughput", "regressed")]
)
def test_what_did_not_move_or_is_not_gated_is_no_entry(builder: HistoryBuilder, metric: str, status: str) -> None:
    """Only what the gate decides on is told."""
    moved(builder, 0, (metric, "batch=4", a_verdict(status=status)))
    assert parsed(builder).findall(f"{ATOM}entry") == []


def test_an_entry_leads_to_the_page_of_its_verdict(builder: HistoryBuilder) -> None:
    """Where the report has none it leads to the model's, else to the first page."""
    trial = moved(builder, 0, ("latency_host", "batch=4", a_verdict()))
    page = verdict_file(trial, "resnet50-fp16-batch1x4x16", "latency_host", "batch=4")
    for offered in ([page, "model-resnet50.html"], ["model-resnet50.html"], []):
        link = parsed(builder, *offered).find(f"{ATOM}entry/{ATOM}link")
        assert link is not None
        assert link.get("href") == (offered[0] if offered else INDEX)


def test_a_feed_is_limited(builder: HistoryBuilder) -> None:
    """Of many the newest are told."""
    for index in range(3):
        moved(builder, index, ("latency_host", "batch=4", a_verdict()))
    groups = moved_series(builder.history.queries, most=2)
    assert [group[0].session_id for group in groups] == [f"{index:012x}" for index in (2, 1)]


def test_hostile_names_are_text(tmp_path: Path) -> None:
    """Markup and control characters in names leave the feed well-formed."""
    with History.open(tmp_path / "history.db") as history:
        builder = HistoryBuilder(history)
        trial = builder.trial(builder.session(0), "resnet50", "fp16")
        verdicts = (VerdictRecord(metric="latency_host", point=HOSTILE, verdict=a_verdict(reason=HOSTILE)),)
        history.add_trial(replace(trial, case_id=HOSTILE, model=HOSTILE, verdicts=verdicts))
        folder = write_report(history, tmp_path / "report", title=HOSTILE).parent
    root = fromstring((folder / FEED).read_text(encoding="utf-8"))  # noqa: S314 - likewise
    assert root.findtext(f"{ATOM}entry/{ATOM}title", "").startswith("a</title><script>& regressed")
