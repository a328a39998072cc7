from __future__ import annotations

import pytest

from reports.build_log import read_log

LOG = """INFO: [MemUsageChange] Init CUDA
WARNING: some tactics do not have sufficient workspace
WARNING: falling back to FP32 for layer a
WARNING: falling back to FP32 for layer b
ERROR: 2: something broke
INTERNAL_ERROR: assertion failed
    at line 3
VERBOSE: trying a tactic
"""


def test_errors_come_first_then_what_is_most_frequent() -> None:
    """Warnings are counted by kind, each with the first line that says so."""
    kinds = [(row.severity, row.kind, row.count, row.example) for row in read_log(LOG).kinds]
    assert kinds == [
        ("error", "error", 3, "2: something broke"),
        ("warning", "fallback", 2, "falling back to FP32 for layer a"),
        ("warning", "tactic skipped for lack of memory", 1, "some tactics do not have sufficient workspace"),
    ]


def test_a_line_without_a_severity_continues_the_one_above() -> None:
    """What follows an error belongs to it; every line keeps its number, and the words in front are gone."""
    rows = {row.number: row for row in read_log(LOG).rows}
    assert (rows[7].severity, rows[7].message) == ("error", "    at line 3")
    assert (rows[1].severity, rows[1].kind, rows[1].message) == ("info", "", "[MemUsageChange] Init CUDA")
    assert rows[8].severity == "verbose"


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        pytest.param("2026-01-18 03:31:02.1 [W:onnxruntime:, transformer.cc:80] folding", "warning", id="a warning"),
        pytest.param("2026-01-18 03:31:02.1 [E:onnxruntime:x, a.cc:1] no kernel", "error", id="an error"),
        pytest.param("building", "info", id="no word at all"),
    ],
)
def test_lines_of_onnxruntime_are_read_too(line: str, severity: str) -> None:
    """Its severity is a letter in brackets."""
    assert [row.severity for row in read_log(line).rows] == [severity]


def test_a_long_log_is_cut_and_cleaned() -> None:
    """Of megabytes the end is kept and the rest counted; escapes of terminals go, and long lines are cut."""
    log = read_log("INFO: start\n" + "INFO: x\n" * 40_000 + f"ERROR: \x1b[31m{'y' * 5000}\n")
    assert "characters before these are left out" in log.left_out
    assert len(log.rows) < 30_000
    assert "\x1b" not in log.rows[-1].message
    assert len(log.rows[-1].message) < 700


def test_an_empty_log_has_nothing() -> None:
    """No rows, no kinds, nothing left out."""
    log = read_log("")
    assert (log.rows, log.kinds, log.left_out) == ((), (), "")
