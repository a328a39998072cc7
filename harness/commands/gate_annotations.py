"""The gate's answer as workflow commands of GitHub Actions, which become annotations of the pull request.

Syntax and limits: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; what has to be
escaped is not said there but in ``packages/core/src/command.ts`` of actions/toolkit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.commands.gate_text import first_line, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.commands.gate import Assessment, Concern
    from harness.commands.gate_sources import Sources

# GitHub shows ten of each kind for a step, and drops the others without a word.
_MOST_OF_A_KIND = 10


def gate_annotations(assessment: Assessment, sources: Sources) -> list[str]:
    """Return a line for each concern: errors for what blocks, warnings for what could not be judged.

    Of more than GitHub shows the last one says how many more there are. Baselines that are too short are one notice,
    unless the gate was asked to count them.

    Args:
        assessment: the gate's.
        sources: the file that holds the models.
    """
    blocking = [concern for concern in assessment.concerns if assessment.decides(concern.word)]
    others = [c for c in assessment.concerns if c not in blocking and c.word != "insufficient"]
    if assessment.exit_code and not blocking:
        return [_command("error", assessment.headline, title="trt-harness gate")]
    lines = [*_limited("error", blocking, sources), *_limited("warning", others, sources)]
    if (young := assessment.words.get("insufficient")) and not assessment.decides("insufficient"):
        lines.append(_command("notice", f"{young} series have baselines too short to judge by", title="insufficient"))
    return lines


def _limited(kind: str, concerns: Sequence[Concern], sources: Sources) -> list[str]:
    fits = len(concerns) <= _MOST_OF_A_KIND
    shown = concerns if fits else concerns[: _MOST_OF_A_KIND - 1]
    lines = [_annotation(kind, concern, sources) for concern in shown]
    if not fits:
        lines.append(_command(kind, "the job's summary lists them", title=f"and {len(concerns) - len(shown)} more"))
    return lines


def _annotation(kind: str, concern: Concern, sources: Sources) -> str:
    place = {"file": sources.file, "line": str(sources.line_of(concern.model))} if sources.file else {}
    said = "\n".join([first_line(concern.reason), *(f"also {one_line(line)}" for line in concern.also)])
    title = one_line(f"{concern.word}: {concern.case} {concern.what}")
    return _command(kind, said, **place, title=title)


def _command(kind: str, message: str, **properties: str) -> str:
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
