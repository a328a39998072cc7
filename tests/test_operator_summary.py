from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.history.records import SubjectRecord, VerdictRecord
from harness.operator_summary import operator_lines
from harness.summary import summary_lines
from tests.history.building import trial, verdict

if TYPE_CHECKING:
    from harness.history.records import Outcome, TrialRecord

NAMED = SubjectRecord(name="new", runtime="onnxruntime", version="1.31.1")


def ran(
    name: str, outcome: Outcome = "ok", precision: str = "fp32", operator: str = "Conv", **more: Any
) -> TrialRecord:
    """Return the trial of an operator case."""
    return trial(
        1, model="operators", case_id=f"operators-{precision}-{name}", profile=name, precision=precision,
        outcome=outcome, conditions={"operator": operator}, measurements=(), **more,
    )  # fmt: skip


def test_operators_that_do_not_pass_are_a_table() -> None:
    """One row each, a column for each precision, with how many of how many; what passes is a count."""
    trials = [ran("conv"), ran("conv_pads", "failed"), ran("conv", "crashed", "fp16"), ran("abs", operator="Abs")]
    assert operator_lines(trials) == [
        "operators: onnxruntime 1.31.1, fp32: 2 pass, 1 fail",
        "operators: onnxruntime 1.31.1, fp16: 1 crash",
        "operator  fp32         fp16",
        "Conv      1 fail of 2  1 crash of 1",
        "operators, case by case: trt-harness operators",
    ]


def test_regressions_are_named_one_by_one() -> None:
    """With the sentence of the verdict."""
    word = VerdictRecord(metric="operator_passes", point="", verdict=verdict("regressed"))
    lines = operator_lines([ran("conv", "failed", verdicts=(word,))])
    assert "regressed operators-fp32-conv: it is regressed" in lines


def test_subjects_are_told_apart() -> None:
    """Each has its own counts, under its own name where it has one."""
    lines = operator_lines([ran("conv"), ran("conv", "failed", subject=NAMED)])
    assert lines[0] == "operators: onnxruntime 1.31.1, fp32: 1 pass"
    assert lines[1] == "operators: new (onnxruntime 1.31.1), fp32: 1 fail"


def test_the_table_of_cases_has_no_operator_in_it() -> None:
    """A session of operators ends in their table alone, beside that of the models if it ran any."""
    lines = summary_lines([ran("conv")], session="abc", report=None, db="history.db")
    assert [line.split()[0] for line in lines] == ["operators:", "operators,", "history:"]
    both = summary_lines([ran("conv"), trial(1)], session="abc", report=None, db="history.db")
    assert sum("operators" in line for line in both) == 2
    assert both[0].startswith("case ")


def test_nothing_is_said_where_no_operator_ran() -> None:
    """As in every session that did not ask for them."""
    assert operator_lines([]) == []
