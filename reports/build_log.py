"""A build's log as rows: each line with how severe it is and what kind of warning it gives, and those counted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from harness.runtimes.tensorrt.log import LogLine, sort_warnings
from reports import text

if TYPE_CHECKING:
    from collections.abc import Sequence

Severity = Literal["error", "warning", "info", "verbose"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

# TensorRT's lines as the harness keeps them, then onnxruntime's own.
_TENSORRT = re.compile(r"^(?P<word>VERBOSE|INFO|WARNING|ERROR|INTERNAL_ERROR): ?")
_ONNXRUNTIME = re.compile(r"\[(?P<letter>[VIWEF]):onnxruntime")
_WORDS: dict[str, Severity] = {
    "VERBOSE": "verbose", "INFO": "info", "WARNING": "warning", "ERROR": "error", "INTERNAL_ERROR": "error",
    "V": "verbose", "I": "info", "W": "warning", "E": "error", "F": "error",
}  # fmt: skip
_LONGEST_LINE = 600
# The longest log that a page shows in full, in characters: TensorRT's is kept up to 64 KiB.
_LONGEST_LOG = 200_000


@dataclass(frozen=True)
class LogRow:
    """One line of a log: ``number`` counts from 1, ``kind`` is empty but for warnings and errors."""

    number: int
    severity: Severity
    kind: str
    message: str


@dataclass(frozen=True)
class KindOfWarning:
    """What a build warned of, with how often it did and the first line that says so."""

    severity: Severity
    kind: str
    count: int
    example: str


@dataclass(frozen=True)
class BuildLog:
    """A log: what it warned of, errors first and then by count; its lines; what was left out, in a sentence."""

    kinds: tuple[KindOfWarning, ...]
    rows: tuple[LogRow, ...]
    left_out: str


def read_log(log: str) -> BuildLog:
    """Return a build's log as rows; a line that says nothing of how severe it is continues the one above it."""
    shown = log[-_LONGEST_LOG:]
    left_out = "" if len(log) <= _LONGEST_LOG else f"{len(log) - _LONGEST_LOG:,} characters before these are left out."
    rows: list[LogRow] = []
    severity: Severity = "info"
    for number, line in enumerate(shown.splitlines(), 1):
        severity, message = _severity(line, severity)
        if message.strip():
            kind = _kind(message, severity)
            rows.append(LogRow(number, severity, kind, text.plain(message, _LONGEST_LINE)))
    return BuildLog(_counted(rows), tuple(rows), left_out)


def _severity(line: str, before: Severity) -> tuple[Severity, str]:
    started = _TENSORRT.match(line)
    if started:
        return _WORDS[started["word"]], line[started.end() :]
    tagged = _ONNXRUNTIME.search(line)
    return (_WORDS[tagged["letter"]] if tagged else before), line


def _kind(message: str, severity: Severity) -> str:
    if severity not in ("error", "warning"):
        return ""
    (found,) = sort_warnings([LogLine(severity.upper(), message)])
    return found.kind


def _counted(rows: Sequence[LogRow]) -> tuple[KindOfWarning, ...]:
    counts = Counter((row.severity, row.kind) for row in rows if row.kind)
    first = {(row.severity, row.kind): row.message for row in reversed(rows)}
    ordered = sorted(counts.items(), key=lambda item: (SEVERITIES.index(item[0][0]), -item[1], item[0][1]))
    return tuple(KindOfWarning(*key, count, first[key]) for key, count in ordered)
