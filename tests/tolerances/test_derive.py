from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from harness.cases import Tolerance
from harness.history.records import TensorErrorRecord
from harness.history.store import History
from harness.tolerances.derive import CatalogueEdit, derive, edit_of, wanted_of
from tests.history.building import full_trial, remember, trial
from tests.tolerances.building import model, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CATALOGUE = """\
from harness.cases import FP16, FP32, INT8, Model, Tolerance

def limits(outputs):
    return (Tolerance(sqnr_db=outputs), Tolerance(scope="layers", sqnr_db=5))

CATALOGUE = (
    Model(
        name="net",
        source="tests.tiny:convnet",
        precisions=(FP32, FP16, INT8),
        tolerances={"int8": limits(9)},
    ),
    *(Model(name=name, source="tests.tiny:convnet", precisions=(INT8,)) for name in ("looped",)),
)
"""
NEW = Tolerance(tensors="y", sqnr_db=24.0)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Return a function that writes and imports a catalogue, and gives its reference."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def imported(source: str) -> str:
        (tmp_path / "catalogue_of_derive.py").write_text(source)
        importlib.import_module("catalogue_of_derive")
        return "catalogue_of_derive:CATALOGUE"

    yield imported
    sys.modules.pop("catalogue_of_derive", None)


def test_only_what_was_measured_is_proposed() -> None:
    """Of the model's precisions those that the reading has, and that were asked for, have a proposal and a check."""
    measured = reading(fp16=60.0, int8=30.0, faults={"a sign flipped": 20.0})
    proposals, checks = derive(model(), measured, None, margin_db=6, precisions=["int8", "bf16"])
    assert [proposal.precision for proposal in proposals] == [check.precision for check in checks] == ["int8"]
    assert [proposal.precision for proposal in derive(model(), measured, None, margin_db=6)[0]] == ["fp16", "int8"]


def test_the_history_lowers_the_floor(tmp_path: Path) -> None:
    """What the engines of the model in this precision reached is looked up, and counts."""
    engine = full_trial(1).engine
    error = TensorErrorRecord(
        scope="outputs", position=0, tensor="y", operator="", point="batch=1", errors={"sqnr_db": 25.0}, passed=True
    )
    with History.open(tmp_path / "history.db") as history:
        case = {"case_id": "net-int8-batch1x2x4", "precision": "int8"}
        remember(history, trial(1, model="net", engine=engine, tensor_errors=(error,), **case))
        (found,), _ = derive(model(), reading(int8=30.0), history.queries, margin_db=6)
    assert (found.spread.builds, found.floor_db) == (1, 25.0)


def test_without_faults_nothing_is_checked() -> None:
    """A reading without planted faults leads to proposals alone."""
    assert derive(model(), reading(int8=30.0), None, margin_db=6)[1] == []


def test_wanted_is_what_changes() -> None:
    """A tolerance that fits stays out of the edit."""
    proposals, _ = derive(model(), reading(120.0, fp32=120.0, int8=30.0), None, margin_db=6)
    assert wanted_of(proposals) == {"net": {"int8": [Tolerance(tensors="y", sqnr_db=24.0)]}}


def test_an_edit_does_what_it_says(tmp_path: Path, catalogue: Callable[[str], str]) -> None:
    """The diff names the file from the root, and entries that are not plain are refused one by one."""
    wanted = {"net": {"int8": [NEW]}, "looped": {"int8": [NEW]}}
    edit = edit_of(catalogue(CATALOGUE), wanted, tmp_path)
    assert edit.diff.startswith("--- a/catalogue_of_derive.py\n+++ b/catalogue_of_derive.py\n")
    assert '+            "int8": (Tolerance(tensors="y", sqnr_db=24), *limits(9)),\n' in edit.diff
    assert list(edit.refused) == ["looped"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(
            CATALOGUE
            + "import sys\nif vars(sys.modules[__name__]) is not globals():\n    raise OSError('it runs once')\n",
            "its edited source fails: OSError: it runs once",
            id="the source cannot be run again",
        ),
        pytest.param(
            CATALOGUE + "CATALOGUE = tuple(Model(name=m.name, source=m.source, precisions=m.precisions)"
            " for m in CATALOGUE)\n",
            "other tolerances in int8 than are meant",
            id="tolerances are made elsewhere after all",
        ),
    ],
)
def test_an_edit_that_does_something_else_is_not_proposed(
    tmp_path: Path, catalogue: Callable[[str], str], source: str, said: str
) -> None:
    """What the edited source makes is compared with what was meant before anything is shown."""
    edit = edit_of(catalogue(source), {"net": {"int8": [NEW]}}, tmp_path)
    assert edit.diff == ""
    assert said in edit.refused["net"]


def test_a_catalogue_elsewhere_is_edited_by_hand(tmp_path: Path, catalogue: Callable[[str], str]) -> None:
    """A file outside of the root has no path that a diff could name."""
    edit = edit_of(catalogue(CATALOGUE), {"net": {"int8": [NEW]}}, tmp_path / "elsewhere")
    assert edit.diff == ""
    assert "not in a file below" in edit.refused["net"]


def test_nothing_wanted_is_no_edit(tmp_path: Path, catalogue: Callable[[str], str]) -> None:
    """Where all tolerances fit there is neither a diff nor a refusal."""
    assert edit_of(catalogue(CATALOGUE), {}, tmp_path) == CatalogueEdit("", {})
