from __future__ import annotations

from typing import TYPE_CHECKING

from reports.links import BADGE, FEED, SUMMARY
from reports.write import write_report

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.reports.sample_history import HistoryBuilder


def test_the_summary_is_the_gates_markdown_of_the_last_session(sample_report: Path) -> None:
    """It leads to the report beside it, and names what regressed."""
    summary = (sample_report / SUMMARY).read_text(encoding="utf-8")
    assert summary.startswith("### ❌ trt-harness: ")
    assert "[Report](<index.html>)" in summary
    assert "| regressed | resnet50-fp16-batch1x4x16 |" in summary


def test_the_badge_tells_how_all_cases_stand(sample_report: Path) -> None:
    """It counts cases of every machine, as the first page does."""
    assert "engines: 1 crashed, 1 failed, 1 regressed, 1 more" in (sample_report / BADGE).read_text(encoding="utf-8")


def test_a_history_without_sessions_has_a_badge_alone(builder: HistoryBuilder, tmp_path: Path) -> None:
    """There is nothing to be summed up or to be told."""
    folder = write_report(builder.history, tmp_path / "report").parent
    assert "no results" in (folder / BADGE).read_text(encoding="utf-8")
    assert not (folder / FEED).exists()
    assert not (folder / SUMMARY).exists()


def test_a_summary_is_made_again_only_after_another_session(
    builder: HistoryBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the sessions and the decisions are the same, it stays as it is."""
    made: list[str] = []
    monkeypatch.setattr("reports.outputs.gate_markdown", lambda *_, **__: made.append("summary") or "")  # type: ignore[func-returns-value]
    for index in (0, 1):
        session = builder.session(index)
        builder.history.add_trial(builder.trial(session, "resnet50", "fp16"))
        builder.history.finish_session(session.id)
        for _ in range(2):
            write_report(builder.history, tmp_path / "report")
    assert made == ["summary"] * 2
