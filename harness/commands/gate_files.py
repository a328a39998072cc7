"""Where the gate's answer goes besides the terminal: files for people, for CI systems and for code scanning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands.gate_junit import gate_junit
from harness.commands.gate_markdown import gate_markdown
from harness.commands.gate_sarif import gate_sarif
from harness.commands.output import as_json
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.commands.gate import Assessment
    from harness.commands.gate_sources import Sources


def write_answers(
    assessment: Assessment,
    sources: Sources,
    *,
    summary: Path | None = None,
    step_summary: str | None = None,
    report_url: str = "",
    junit: Path | None = None,
    sarif: Path | None = None,
) -> None:
    """Write the answer in each form that is asked for; files are written anew, their folders made.

    Args:
        assessment: the gate's.
        sources: the file that holds the models.
        summary: Markdown.
        step_summary: GitHub's file for the summary of a step: the same Markdown is added to what it holds.
        report_url: where the HTML report can be had; for the Markdown.
        junit: JUnit XML.
        sarif: SARIF.

    Raises:
        ConfigurationError: a file cannot be written; the text names it and its option.
    """
    wanted: list[tuple[str, Path | None, Callable[[], str]]] = [
        ("--summary", summary, lambda: gate_markdown(assessment, report_url=report_url)),
        ("--junit", junit, lambda: gate_junit(assessment)),
        ("--sarif", sarif, lambda: as_json(gate_sarif(assessment, sources)) + "\n"),
    ]
    for option, file, make in wanted:
        if file is not None:
            _write(option, file, make())
    if step_summary:
        _write("GITHUB_STEP_SUMMARY", Path(step_summary), gate_markdown(assessment, report_url=report_url), mode="a")


def _write(option: str, file: Path, text: str, mode: str = "w") -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open(mode, encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise ConfigurationError(
            f"{str(file)!r} cannot be written: {error.strerror or error}; name another file by {option}"
        ) from None
