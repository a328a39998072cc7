from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from reports.links import INDEX, SUMMARY
from reports.live import LiveReport
from reports.sections import SECTIONS
from reports.site import SiteFile
from tests.reports.parsed_page import ParsedPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.live import Document
    from reports.site import Site
    from tests.reports.sample_history import HistoryBuilder


def text_of(document: Document | None) -> str:
    """Return what a document says."""
    assert document is not None
    return document.body.decode()


def remember(builder: HistoryBuilder, index: int, *cases: tuple[str, str]) -> None:
    """Add a session with cases, each of a model and a precision."""
    session = builder.session(index)
    for model, precision in cases:
        builder.history.add_trial(builder.trial(session, model, precision))
    builder.history.finish_session(session.id)


@pytest.fixture
def live(builder: HistoryBuilder, monkeypatch: pytest.MonkeyPatch) -> LiveReport:
    """Return a live report over two models, which is read again as soon as anything has changed."""
    monkeypatch.setattr("reports.live._SHARE_OF_TIME", 0.0)
    remember(builder, 0, ("resnet50", "fp16"), ("encoder", "fp16"), ("encoder", "int8"))
    return LiveReport(builder.history)


def test_it_has_the_files_of_a_report(live: LiveReport) -> None:
    """The same names lead to the same pages; of others there is none, whatever they look like."""
    assert ParsedPage(text_of(live.document(INDEX))).problems == []
    assert "encoder-int8-batch1x4x16" in text_of(live.document("model-encoder.html"))
    for name in ("model-squeezenet.html", "../history.db", "/etc/passwd", ""):
        assert live.document(name) is None


def test_a_further_session_is_seen(live: LiveReport, builder: HistoryBuilder) -> None:
    """What is shown is the history as it is, and the tag tells that a page has changed."""
    before = live.document(SUMMARY)
    assert live.document(SUMMARY) is before
    remember(builder, 1, ("squeezenet", "fp16"))
    after = live.document(SUMMARY)
    assert "000000000001" in text_of(after)
    assert before is not None
    assert after is not None
    assert before.tag != after.tag
    assert live.document("model-squeezenet.html") is not None


def test_a_page_of_the_same_state_is_not_made_again(
    live: LiveReport, builder: HistoryBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After another session only pages whose state has changed, or that cannot tell, are made; others stay."""
    made: list[str] = []

    def section(site: Site) -> Iterator[SiteFile]:
        for name, state in (("same", "1"), ("other", f"{len(site.cases)}"), ("unknown", "")):
            yield SiteFile(name, state, lambda name=name: made.append(name) or name)  # type: ignore[func-returns-value,misc]

    monkeypatch.setattr("reports.live.SECTIONS", (section,))
    for index in (1, 2):
        for name in ("same", "other", "unknown") * 2:
            live.document(name)
        remember(builder, index, ("squeezenet", "fp16"))
    for name in ("same", "other", "unknown"):
        live.document(name)
    assert made == ["same", "other", "unknown", "other", "unknown", "unknown"]


def test_a_page_is_made_again_when_there_are_other_pages(
    live: LiveReport, builder: HistoryBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state says nothing of where its links lead."""

    def section(site: Site) -> Iterator[SiteFile]:
        yield SiteFile("page", "1", lambda: f"leads to {site.links.to('model-squeezenet.html')!r}")
        for name in site.models.values():
            yield SiteFile(name, "1", lambda: "")

    monkeypatch.setattr("reports.live.SECTIONS", (section,))
    assert text_of(live.document("page")) == "leads to ''"
    remember(builder, 1, ("squeezenet", "fp16"))
    assert text_of(live.document("page")) == "leads to 'model-squeezenet.html'"


def test_a_history_that_is_being_written_is_not_read_each_time(
    live: LiveReport, builder: HistoryBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a multiple of the time that reading took, what was read stays."""
    monkeypatch.setattr("reports.live._SHARE_OF_TIME", 1e6)
    live.document(INDEX)
    remember(builder, 1, ("squeezenet", "fp16"))
    assert live.document("model-squeezenet.html") is None


def test_pages_that_were_not_asked_for_longest_are_dropped(live: LiveReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, whatever a history holds."""
    monkeypatch.setattr("reports.live._KEPT_BYTES", 1)
    for name in (INDEX, "model-encoder.html", "badge.svg"):
        live.document(name)
    assert list(live._kept) == ["badge.svg"]


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        pytest.param({"model": "encoder"}, {"encoder"}, id="a model"),
        pytest.param({"precision": "fp16"}, {"encoder", "resnet50"}, id="a precision"),
        pytest.param({"precision": "fp16", "model": "resnet50"}, {"resnet50"}, id="both"),
    ],
)
def test_the_overview_is_filtered(live: LiveReport, filters: dict[str, str], shown: set[str]) -> None:
    """Only cases that fit are there, and the title says that it is not all."""
    page = text_of(live.overview(filters))
    models = {model for model in ("encoder", "resnet50") if f"model-{model}.html" in page}
    assert models == shown
    assert f"{next(iter(filters))} {next(iter(filters.values()))}" in ParsedPage(page).text


def test_a_filtered_overview_asks_no_other_part_of_the_report(
    live: LiveReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other pages show may take long to find out, and is not needed."""
    asked: list[int] = []

    def section(site: Site) -> Iterator[SiteFile]:
        asked.append(len(site.cases))
        yield SiteFile("other", "", lambda: "")

    monkeypatch.setattr("reports.live.SECTIONS", (section, *SECTIONS))
    assert live.overview({"model": "encoder"}) is not None
    assert asked == [3]


def test_an_overview_of_no_case_is_none(live: LiveReport) -> None:
    """Values that exist, and no case that has all of them."""
    assert live.overview({"precision": "int8", "model": "resnet50"}) is None


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"modl": "encoder"}, "'modl' is no filter of the overview. Did you mean 'model'"),
        ({"model": "encodr"}, "'encodr' is no model. Did you mean 'encoder'"),
        ({"standing": "<b>"}, "'<b>' is no standing"),
    ],
)
def test_a_wrong_filter_is_an_error(live: LiveReport, filters: dict[str, str], said: str) -> None:
    """It names the value and those that there are."""
    with pytest.raises(UsageError, match=said):
        live.overview(filters)
