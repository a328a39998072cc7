from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text as sql

from reports.links import layers_file
from reports.write import write_report
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import FIRST_BROKEN_LAYER, NEW, OLD, SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reports.sample_history import HistoryBuilder


def name_of(model: str, precision: str) -> str:
    """Return the file of a case's layers on the server under the newer subject."""
    return layers_file(f"{model}-{precision}-batch1x4x16", 1, SERVER.hash, NEW.hash)


@pytest.fixture(scope="module")
def broken(sample_report: Path) -> ParsedPage:
    """Return the layers of the case whose layers leave their tolerance."""
    return ParsedPage.of(sample_report / name_of("squeezenet", "int8"))


def test_the_first_layer_outside_is_said(broken: ParsedPage) -> None:
    """The sentence names it, and so does the drawing."""
    assert f"the first one in graph order is {FIRST_BROKEN_LAYER} (Conv), layer 35" in broken.text
    assert "first outside: /features/fire5/expa" in broken.text


def test_every_layer_is_in_a_table_that_can_be_sorted(broken: ParsedPage) -> None:
    """66 tensors and 66 layers of the engine, with numbers to sort by, each table with an id for the address."""
    ids = [attributes["id"] for tag, attributes in broken.elements if tag == "table" and "id" in attributes]
    assert ids[:2] == ["tensors", "layers"]
    assert broken.text.count("✖ no") == 32
    times = [a["data-value"] for tag, a in broken.elements if tag == "td" and "data-value" in a]
    assert "0.66" in times


def test_what_is_not_known_is_said(broken: ParsedPage) -> None:
    """Where nobody ran the layers alone the page says when that is done."""
    assert "What each layer adds by itself was not looked into" in broken.text


def test_the_graph_is_drawn(broken: ParsedPage) -> None:
    """Boxes that are outside their tolerance are marked, and each leads to a row of the table that is there."""
    assert "The 67 nodes of the graph, from its inputs down to its outputs" in broken.text
    boxes = [attributes for tag, attributes in broken.elements if tag == "a" and "node" in attributes.get("class", "")]
    assert sum("failed-node" in attributes["class"] for attributes in boxes) == 31
    rows = {attributes.get("id") for tag, attributes in broken.elements if tag == "tr"}
    assert {attributes["href"].removeprefix("#") for attributes in boxes} <= rows
    assert {attributes.get("value") for tag, attributes in broken.elements if tag == "input"} >= {
        "error",
        "time",
        "type",
    }
    assert "quantised and dequantised on its way" in broken.text
    assert "is not drawn here" not in broken.text


def test_a_graph_that_was_not_remembered_is_missed(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Where the history has no graph, or only its size, the page says so in place of the drawing."""
    session = builder.session(0)
    trial = builder.trial(session, "resnet50", "fp16")
    assert trial.graph is not None
    large = replace(trial.graph, hash="large", size=1203, nodes=())
    for record in (replace(trial, graph=None), builder.trial(session, "encoder", "fp16", graph=large)):
        builder.history.add_trial(record)
    folder = write_report(builder.history, tmp_path / "report").parent
    before = ParsedPage.of(folder / name_of("resnet50", "fp16"))
    assert "stored by a harness that did not remember graphs yet" in before.text
    assert "of its 1,203 nodes" in ParsedPage.of(folder / name_of("encoder", "fp16")).text
    assert ("svg", "graph-drawing") not in [(tag, attributes.get("class")) for tag, attributes in before.elements]


def test_engines_stand_beside_each_other(sample_report: Path) -> None:
    """The same case under the older version comes first, then plainer precisions, with links to their pages."""
    page = ParsedPage.of(sample_report / name_of("squeezenet", "fp16"))
    assert "the same case under onnxruntime 1.30.0" in page.text
    assert "fp32 under the same subject" in page.text
    assert name_of("squeezenet", "fp32") in page.attributes("href")
    assert "Of 66 parts of the graph: 22 in another type and 44 with the same tactics." in page.text


def test_a_case_without_layers_has_no_page(sample_report: Path) -> None:
    """A case that crashed or was skipped has nothing to show."""
    assert not (sample_report / name_of("encoder", "int8")).exists()
    assert not (sample_report / name_of("encoder", "tf32")).exists()


def test_only_what_changed_is_written_again(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Another trial of one case leaves the pages of a model that it is not beside as they are."""
    session = builder.session(0)
    for model in ("resnet50", "encoder"):
        for subject in (OLD, NEW):
            builder.history.add_trial(builder.trial(session, model, "fp16", subject=subject))
    folder = write_report(builder.history, tmp_path / "report").parent
    before = {path.name: path.stat().st_ino for path in folder.glob("layers-*.html")}
    assert len(before) == 4
    builder.history.add_trial(builder.trial(builder.session(1), "resnet50", "fp16"))
    write_report(builder.history, folder)
    after = {path.name: path.stat().st_ino for path in folder.glob("layers-*.html")}
    assert {name.split("-")[1] for name in before if before[name] != after[name]} == {"resnet50"}


def test_another_graph_is_drawn_anew(builder: HistoryBuilder, tmp_path: Path) -> None:
    """A page whose graph is another one is written again, though its trial has the same number."""
    session = builder.session(0)
    for model in ("resnet50", "encoder"):
        builder.history.add_trial(builder.trial(session, model, "fp16"))
    folder = write_report(builder.history, tmp_path / "report").parent
    before = {path.name: path.stat().st_ino for path in folder.glob("layers-*.html")}
    with builder.history._writer.begin() as connection:
        connection.execute(sql("UPDATE graph SET graph_hash = 'another' WHERE id = 1"))
    write_report(builder.history, folder)
    after = {path.name: path.stat().st_ino for path in folder.glob("layers-*.html")}
    assert [name.split("-")[1] for name in before if before[name] != after[name]] == ["resnet50"]


def test_an_engine_without_layers_still_shows_errors(builder: HistoryBuilder, tmp_path: Path) -> None:
    """Errors are drawn though the engine's layers were not listed, and nothing stands beside it."""
    session = builder.session(0)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", subject=OLD))
    builder.history.add_trial(replace(builder.trial(session, "resnet50", "fp16"), engine=None))
    folder = write_report(builder.history, tmp_path / "report").parent
    page = ParsedPage.of(folder / name_of("resnet50", "fp16"))
    assert "Errors along the graph" in page.text
    assert "Beside other engines" not in page.text


def test_two_engines_are_compared_on_one_page_and_the_other_leads_there(sample_report: Path) -> None:
    """FP32 is compared on the pages of the lower precisions, and its own page has links to these comparisons."""
    plain = ParsedPage.of(sample_report / name_of("squeezenet", "fp32"))
    assert "Pages that hold this engine against theirs: fp16 under the same subject" in plain.text
    assert f"{name_of('squeezenet', 'fp16')}#beside-title" in plain.attributes("href")
    assert (
        "Of 66 parts" not in plain.text.partition("fp16 under the same subject")[2].partition("onnxruntime 1.30.0")[0]
    )
    lower = ParsedPage.of(sample_report / name_of("squeezenet", "fp16"))
    assert f"{name_of('squeezenet', 'fp32')}#beside-title" not in lower.attributes("href")
