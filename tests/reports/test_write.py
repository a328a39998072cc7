from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.history.records import FindingRecord
from harness.history.store import History
from reports.files import MANIFEST, written_before
from reports.links import INDEX, SESSIONS, VERSIONS
from reports.site import SiteFile
from reports.write import site_of, write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import SERVER, HistoryBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reports.site import Site

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp; \x1b[31mred\x1b[0m {{ 7 * 7 }}"
PAGES = {"index.html", "model-encoder.html", "model-resnet50.html", "model-squeezenet.html"}


@pytest.fixture(scope="module")
def pages(sample_report: Path) -> dict[str, ParsedPage]:
    """Return every page of the sample report."""
    return {path.name: ParsedPage.of(path) for path in sorted(sample_report.glob("*.html"))}


def test_a_report_has_every_kind_of_page(sample_report: Path) -> None:
    """All that is written is in the list of files, and no temporary one is left."""
    written = {path.name for path in sample_report.iterdir()}
    assert written == {MANIFEST, *written_before(sample_report)}
    assert written >= PAGES


def test_a_page_needs_nothing_beside_it(sample_report: Path, pages: dict[str, ParsedPage]) -> None:
    """No element loads anything; links lead to files of the report; no address of the network is in the source."""
    for name, page in pages.items():
        assert page.attributes("src") == [], name
        loading = {"link", "iframe", "object", "embed", "base", "form"}
        assert [tag for tag, _ in page.elements if tag in loading] == [], name
        for href in page.attributes("href"):
            file, _, anchor = href.partition("#")
            assert (sample_report / (file or name)).is_file(), f"{name} leads to {href}"
            assert re.fullmatch(r"[\w=.%&+,:;-]*", anchor), f"{name} leads to {href}"
        source = (sample_report / name).read_text(encoding="utf-8")
        assert re.findall(r"url\((?!#)|@import|https?://(?!www\.w3\.org/2000/svg)", source) == [], name


def test_a_page_forbids_every_connection_and_every_script_but_its_own(pages: dict[str, ParsedPage]) -> None:
    """The policy allows each script by its hash."""
    for name, page in pages.items():
        (policy,) = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        scripts = [script for script in page.scripts if not script.startswith(("{", "["))]
        digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
        allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
        assert f"script-src {allowed};" in policy, name


def test_a_page_is_sound_html(pages: dict[str, ParsedPage]) -> None:
    """Every tag closes as it opened, ids are unique, the language is declared, tables have captions and scopes."""
    for name, page in pages.items():
        assert page.problems == [], name
        ids = page.attributes("id")
        assert len(ids) == len(set(ids)), name
        assert page.elements[0] == ("html", {"lang": "en"}), name
        tags = [tag for tag, _ in page.elements]
        assert tags.count("caption") == tags.count("table"), name
        assert all("scope" in attributes for tag, attributes in page.elements if tag == "th"), name
        assert tags.count("h1") == tags.count("main") == 1, name


def test_no_word_of_a_programming_language_is_shown(pages: dict[str, ParsedPage]) -> None:
    """Where there is no value a page has a dash or a word, not None, nan or a repr."""
    for name, page in pages.items():
        shown = " ".join([page.text, *page.attributes("title"), *page.attributes("aria-label")])
        assert re.findall(r"\b(None|nan|NaN|inf|undefined|Markup|datetime)\b", shown) == [], name


def test_the_navigation_says_where_one_is(pages: dict[str, ParsedPage]) -> None:
    """Of the pages that every page leads to, each marks itself, and no other page marks any."""
    marked = {
        name: [attributes["href"] for _, attributes in page.elements if attributes.get("aria-current") == "page"]
        for name, page in pages.items()
    }
    own = {INDEX, VERSIONS, SESSIONS}
    assert own <= set(marked)
    assert marked == {name: [name] if name in own else [] for name in pages}


def test_anchors_exist(pages: dict[str, ParsedPage]) -> None:
    """Every link to a section of the report finds it; what has an equals sign is the state of a view."""
    for name, page in pages.items():
        for href in page.attributes("href"):
            file, _, anchor = href.partition("#")
            if anchor and "=" not in anchor and (file or name).endswith(".html"):
                assert anchor in pages[file or name].attributes("id"), f"{name} leads to {href}"


def test_hostile_text_is_shown_and_not_run(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Markup in names, messages, logs and facts ends up as text, without terminal escapes, in every place at once."""
    errors = tuple(
        replace(error, tensor=HOSTILE, operator=HOSTILE, passed=False) for error in builder.tensor_errors("fp16")
    )
    session = builder.session(0, command=HOSTILE, branch=HOSTILE, commit=HOSTILE)
    trial = builder.trial(
        session, "resnet50", "fp16", environment=replace(SERVER, name=HOSTILE, facts={HOSTILE: HOSTILE})
    )
    assert trial.engine is not None
    trial = replace(
        trial,
        subject=replace(trial.subject, runtime=HOSTILE, version=HOSTILE, libraries={HOSTILE: HOSTILE}),
        engine=replace(
            trial.engine,
            fingerprint=HOSTILE,
            options={HOSTILE: HOSTILE},
            warnings=(HOSTILE,),
            warning_kinds={HOSTILE: 1},
            type_shares={HOSTILE: 1.0},
            time_shares={HOSTILE: 1.0},
            log=HOSTILE,
            layer_list=tuple(
                replace(layer, name=HOSTILE, operator=HOSTILE, compute_type=HOSTILE, tactic=HOSTILE)
                for layer in trial.engine.layer_list
            ),
        ),
        case_id=HOSTILE,
        model=HOSTILE,
        precision=HOSTILE,
        profile=HOSTILE,
        outcome="failed",
        message=HOSTILE,
        tensor_errors=errors,
        findings=(FindingRecord(stage=HOSTILE, outcome="failed", message=HOSTILE),),
        conditions={
            HOSTILE: HOSTILE,
            "layer_times": {"point": HOSTILE, "failed": HOSTILE},
            "unreadable_layers": [HOSTILE],
        },
    )
    builder.history.add_trial(trial)
    folder = write_report(builder.history, tmp_path / "report", title=HOSTILE.replace("\x1b", "")).parent
    files = sorted(folder.glob("*.html"))
    assert len(files) >= 2
    for file in files:
        page = ParsedPage.of(file)
        assert page.problems == []
        assert "\x1b" not in file.read_text(encoding="utf-8")
        assert [tag for tag, _ in page.elements if tag == "img"] == []
        assert not [script for script in page.scripts if "alert(1)" in script and not script.startswith(("{", "["))]
        assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]
        assert "<script>alert(1)</script>" in page.text
        assert "{{ 7 * 7 }}" in page.text


def test_a_password_that_a_history_has_is_in_no_file(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Sessions of before it was left out of what is stored have it in their settings and their command."""
    address = "postgresql://ada:hunter2@host/db"
    session = builder.session(0, command=f"pytest suites/ --db {address}", settings={"db": address})
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16"))
    builder.history.finish_session(session.id)
    files = list(write_report(builder.history, tmp_path / "report").parent.iterdir())
    texts = {file.name: file.read_text("utf-8") for file in files}
    assert [name for name, text in texts.items() if "hunter2" in text] == []
    assert any("postgresql://ada:***@host/db" in text for text in texts.values())


def test_long_text_is_cut(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A megabyte of log and names of ten thousand characters make no large page of any kind."""
    long = "x" * 10_000
    errors = tuple(replace(error, tensor=long) for error in builder.tensor_errors("fp16"))
    trial = builder.trial(builder.session(0), "resnet50", "fp16")
    assert trial.engine is not None
    layers = tuple(replace(layer, name=long, tactic=long) for layer in trial.engine.layer_list)
    trial = replace(
        trial,
        engine=replace(trial.engine, layer_list=layers, log="z" * 1_000_000),
        outcome="crashed",
        message="start" + "y" * 1_000_000 + "the end",
        tensor_errors=errors,
        case_id=long,
        model=long,
        profile=long,
    )
    builder.history.add_trial(trial)
    folder = write_report(builder.history, tmp_path / "report").parent
    assert all(file.stat().st_size < 200_000 for file in folder.glob("*.html"))
    assert any("the end" in file.read_text(encoding="utf-8") for file in folder.glob("*.html"))


def test_an_empty_history_says_what_to_run(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Without results there is one page with the commands that make some."""
    index = write_report(builder.history, tmp_path / "new" / "report")
    page = ParsedPage.of(index)
    assert "index.html" in {path.name for path in index.parent.glob("*.html")}
    assert not list(index.parent.glob("model-*.html"))
    assert "pytest suites/" in page.text
    assert "trt-harness check MODEL.onnx" in page.text
    assert page.problems == []


def test_a_session_without_trials_is_no_result(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A session that was interrupted before its first trial leaves the page as empty as before."""
    builder.session(0)
    assert "Nothing to show yet" in ParsedPage.of(write_report(builder.history, tmp_path / "report")).text


def test_a_report_replaces_an_older_one(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Writing twice leaves the newer pages."""
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16"))
    write_report(builder.history, tmp_path / "report", title="First")
    index = write_report(builder.history, tmp_path / "report", title="Second")
    assert "Second" in index.read_text(encoding="utf-8")
    assert "First" not in index.read_text(encoding="utf-8")


def test_pages_of_models_that_are_gone_are_removed(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A report over another history leaves no page of the former one behind, and every other file as it is."""
    for model in ("encoder", "resnet50"):
        builder.history.add_trial(builder.trial(builder.session(0), model, "fp16"))
    folder = write_report(builder.history, tmp_path / "report").parent
    (folder / "model-of-mine.html").write_text("not the report's")
    with History.open(tmp_path / "other.db") as history:
        other = HistoryBuilder(history)
        history.add_trial(other.trial(other.session(0), "resnet50", "fp16"))
        write_report(history, folder)
    assert sorted(path.name for path in folder.glob("model-*.html")) == ["model-of-mine.html", "model-resnet50.html"]


def test_a_file_of_the_same_state_is_left_as_it_is(
    builder: HistoryBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its content is not even made, until its state is another one or somebody removed it."""
    made: list[str] = []

    def section(site: Site) -> Iterator[SiteFile]:
        yield SiteFile("one.html", f"{len(site.cases)} cases", lambda: made.append("one") or "<p>")  # type: ignore[func-returns-value]

    monkeypatch.setattr("reports.write.SECTIONS", (section,))
    for _ in range(2):
        write_report(builder.history, tmp_path / "report")
    assert made == ["one"]
    (tmp_path / "report" / "one.html").unlink()
    write_report(builder.history, tmp_path / "report")
    assert made == ["one"] * 2
    builder.history.add_trial(builder.trial(builder.session(0), "resnet50", "fp16"))
    write_report(builder.history, tmp_path / "report")
    assert made == ["one"] * 3


def test_a_file_is_written_anew_when_a_page_that_it_links_to_comes_or_goes(
    builder: HistoryBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own state is the same, and what it leads to is not; pages that it does not link to do not matter."""
    made: list[str] = []

    def section(names: list[str]) -> tuple[Callable[[Site], Iterator[SiteFile]]]:
        def files(site: Site) -> Iterator[SiteFile]:
            def content() -> str:
                made.append(site.links.to("two.html"))
                return "<p>"

            yield SiteFile("one.html", "the same", content)
            yield from (SiteFile(name, "the same", lambda: "<p>") for name in names)

        return (files,)

    for names in ([], [], ["two.html"], ["two.html", "three.html"], ["three.html"]):
        monkeypatch.setattr("reports.write.SECTIONS", section(names))
        write_report(builder.history, tmp_path / "report")
    assert made == ["", "two.html", ""]


def test_after_a_session_of_one_model_the_pages_of_others_stay(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Only the model's own page and the first page are written; another title is on every page."""

    def written(title: str = "Report") -> set[str]:
        folder = write_report(builder.history, tmp_path / "report", title=title).parent
        changed = {path.name for path in folder.glob("*.html") if path.stat().st_mtime_ns != 1}
        for path in folder.glob("*.html"):
            os.utime(path, ns=(1, 1))
        return changed

    both = builder.session(0)
    for model in ("resnet50", "encoder"):
        builder.history.add_trial(builder.trial(both, model, "fp16"))
    pages = {"index.html", "model-encoder.html", "model-resnet50.html"}
    assert written() >= pages
    builder.history.add_trial(builder.trial(builder.session(1, settings={"models": ["encoder"]}), "encoder", "fp16"))
    assert written() & pages == {"index.html", "model-encoder.html"}
    assert written() & pages == {"index.html"}
    assert written("Another") >= pages


def test_no_link_leads_to_a_file_that_is_not_there(builder: HistoryBuilder, tmp_path: Path) -> None:
    """What no section offers has no address."""
    site = site_of(builder.history, title="Report")
    site.links.offer(["one.html"])
    assert (site.links.to("one.html"), site.links.to("one.html", "part"), site.links.to("two.html")) == (
        "one.html", "one.html#part", ""
    )  # fmt: skip


def test_a_folder_that_cannot_be_written_is_a_usage_error(builder: HistoryBuilder, tmp_path: Path) -> None:
    """The error names the folder and the option that chooses another."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"cannot be written to '.*file.report'.*--report"):
        write_report(builder.history, tmp_path / "file" / "report")
