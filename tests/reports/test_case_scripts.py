"""The scripts of a case's page, run by a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from harness.history.store import History
from reports.write import write_report
from tests.reports.case_building import RUNS, fill_case
from tests.reports.sample_history import HistoryBuilder

if TYPE_CHECKING:
    from pathlib import Path

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--virtual-time-budget=5000", "--window-size=1300,1400"),
]

# What somebody does who uses the page by keyboard and mouse; it leaves what it saw in an element of its own.
PROBE = """
<script>
const seen = {};
const $ = (selector) => document.querySelector(selector);
const note = (name, value) => { seen[name] = value; };
const key = (key, more) => new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
const press = (name, more = {}) => $(".live").dispatchEvent(key(name, more));
const pick = (name, value, checked = true) => {
  const input = $(`#view input[name=${name}][value="${value}"]`);
  input.checked = checked;
  input.dispatchEvent(new Event("change", { bubbles: true }));
};
const charts = () => [...document.querySelectorAll("figure:not([hidden]) .live canvas")].length;
note("at first", { charts: charts(), panel: !$("#trial").hidden, title: $("#trial-title").textContent });
note("still", getComputedStyle($(".still")).display);
$(".live").focus();
press("End");
note("tip", $("#tip").textContent);
press("Enter");
note("opened", { hash: location.hash, focus: document.activeElement.id, facts: $("#trial-facts").textContent,
  rows: [...document.querySelectorAll("#trial-values tr")].map((row) => row.textContent),
  marked: document.querySelectorAll(".dot.chosen").length });
$("#trial-earlier").click();
note("earlier", location.hash);
document.dispatchEvent(key("Escape"));
note("closed", { hash: location.hash, hidden: $("#trial").hidden, focus: document.activeElement.className });
press("+");
note("closer", location.hash);
press("ArrowLeft", { shiftKey: true });
note("moved", location.hash);
press("0");
note("all", location.hash);
pick("scale", "relative");
pick("across", "time");
pick("series", data0(), false);
note("changed", { hash: location.hash, charts: charts() });
function data0() { return JSON.parse($("#data").textContent).series[0].id; }
$('a[href^="#trial="]').click();
note("linked", { hash: location.hash, hidden: $("#trial").hidden });
location.hash = "trial=1&subjects=";
setTimeout(() => {
  const checked = document.querySelectorAll("#view input[name=subject]:checked").length;
  note("gone back", { checked, relative: $("#view input[value=relative]").checked });
  const out = document.createElement("pre");
  out.id = "seen";
  out.textContent = JSON.stringify({ ...seen, errors: window.errors });
  document.body.append(out);
}, 500);
</script>
"""
WATCH = '<script>window.errors = []; window.addEventListener("error", (event) => errors.push(event.message));</script>'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a case in a report."""
    folder = tmp_path_factory.mktemp("browser")
    with History.open(folder / "history.db") as history:
        fill_case(HistoryBuilder(history))
        write_report(history, folder / "report")
    (found,) = (folder / "report").glob("case-*.html")
    return found


@pytest.fixture(scope="module")
def seen(page: Path) -> dict[str, Any]:
    """Return what the probe saw on a copy of the page that lets it run."""
    if BROWSER is None:
        pytest.skip("there is no Chromium here")
    source = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', WATCH, page.read_text(encoding="utf-8"))
    copy = page.parent.parent / "probed.html"
    copy.write_text(source.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    shown = _browse(page.parent.parent, "--dump-dom", f"{copy.as_uri()}#trial=2").stdout
    found = re.search(r'<pre id="seen">(.*?)</pre>', shown, re.DOTALL)
    assert found, "the probe did not come to its end"
    told: dict[str, Any] = json.loads(found[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    return told


def _browse(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    command = [BROWSER, *QUIET, f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def test_the_page_as_it_is_has_nothing_to_complain_of(page: Path) -> None:
    """Under its own policy every script runs, and the console stays empty."""
    if BROWSER is None:
        pytest.skip("there is no Chromium here")
    run = _browse(page.parent.parent, "--enable-logging=stderr", "--dump-dom", page.as_uri())
    assert "CONSOLE" not in run.stderr
    assert '<html lang="en" class="live-page">' in run.stdout
    assert run.stdout.count("<canvas") >= 3


def test_charts_take_the_place_of_the_drawings(seen: dict[str, Any]) -> None:
    """There is a chart for each series that is shown and for each gauge, and no script fails."""
    assert seen["errors"] == []
    assert seen["at first"]["charts"] >= 3
    assert seen["still"] == "none"


def test_a_trial_in_the_address_is_open(seen: dict[str, Any]) -> None:
    """A link that was sent to somebody shows its trial."""
    assert (seen["at first"]["panel"], seen["at first"]["title"]) == (True, "Trial 2")


def test_arrow_keys_name_a_run_and_enter_opens_it(seen: dict[str, Any]) -> None:
    """The last run is reached by End; its panel has the focus, its facts and a row for each series."""
    last = f"{RUNS - 1:012x}"
    assert f"session {last}" in seen["tip"]
    opened = seen["opened"]
    assert opened["focus"] == "trial"
    assert last in opened["facts"]
    assert "onnxruntime 1.31.1" in opened["facts"]
    assert any(re.search(r"latency, host to host.*regressed: \+\d.*against", row) for row in opened["rows"])
    assert opened["marked"] == 1


def test_the_panel_leads_on_and_closes(seen: dict[str, Any]) -> None:
    """Earlier goes one trial back, Escape closes and gives the focus back to the chart."""
    now, before = (int(re.search(r"trial=(\d+)", text)[1]) for text in (seen["opened"]["hash"], seen["earlier"]))  # type: ignore[index]
    assert before == now - 1
    assert seen["closed"]["hidden"]
    assert "trial=" not in seen["closed"]["hash"]
    assert "live" in seen["closed"]["focus"]


def test_zoom_by_keyboard_is_in_the_address(seen: dict[str, Any]) -> None:
    """It names sessions, which stay what they are when others are added."""
    assert "from=" in seen["closer"]
    assert seen["moved"] != seen["closer"]
    assert "from=" not in seen["all"]


def test_choices_are_in_the_address(seen: dict[str, Any]) -> None:
    """Scale, axis and series; a series that is taken out has no chart any more."""
    changed = seen["changed"]
    assert "scale=relative" in changed["hash"]
    assert "across=time" in changed["hash"]
    assert "series=" in changed["hash"]
    assert changed["charts"] == seen["at first"]["charts"] - 1


def test_a_link_to_a_trial_keeps_the_view(seen: dict[str, Any]) -> None:
    """It opens the panel and leaves scale and axis alone."""
    assert not seen["linked"]["hidden"]
    assert "scale=relative" in seen["linked"]["hash"]


def test_another_address_is_another_view(seen: dict[str, Any]) -> None:
    """Going back, or a link from elsewhere, sets what it says and puts everything else back."""
    assert seen["gone back"] == {"checked": 0, "relative": False}
