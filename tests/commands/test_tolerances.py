from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commands.conftest import Shell

CATALOGUE = """\
from harness.cases import FP16, INT8, Model, Profile, Tolerance

CATALOGUE = (
    Model(
        name="net",
        source="tests.tiny:convnet",
        profiles=(Profile({"batch": (1, 2, 4)}),),
        precisions=(FP16, INT8),
        tolerances={"int8": (Tolerance(sqnr_db=3),)},
    ),
    *(Model(name=n, source="tests.tiny:convnet", profiles=(Profile({"batch": 1}),)) for n in ("looped",)),
    Model(name="broken", source="tests.tiny:convnet_of_unknown_operator", profiles=(Profile({"batch": 1}),)),
)
"""
QUICK = ("--seeds", 1)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a folder with a catalogue of its own, and return the catalogue's file."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "catalogue_to_edit.py").write_text(CATALOGUE)
    (tmp_path / "pyproject.toml").write_text('[tool.trt-harness]\ncatalogue = "catalogue_to_edit:CATALOGUE"\n')
    yield tmp_path / "catalogue_to_edit.py"
    sys.modules.pop("catalogue_to_edit", None)


def test_the_diff_is_all_that_goes_to_standard_output(shell: Shell, suite: Path) -> None:
    """What is printed can be piped into git, and the edited catalogue fits what was measured."""
    answer = shell("tolerances", "--models", "net", *QUICK)
    assert answer.exit_code == 0
    subprocess.run(["git", "init", "-q"], cwd=suite.parent, check=True)
    subprocess.run(["git", "apply", "-"], cwd=suite.parent, input=answer.stdout, text=True, check=True)
    assert 'Tolerance(tensors="scores", sqnr_db=' in suite.read_text()
    assert "wider than needed" in answer.stderr
    sys.modules.pop("catalogue_to_edit")
    again = shell("tolerances", "--models", "net", *QUICK, "--json")
    found = json.loads(again.stdout)
    assert {proposal["standing"] for proposal in found["proposals"]} == {"fits"}
    assert found["diff"] == ""


def test_a_file_takes_the_diff(shell: Shell, suite: Path) -> None:
    """With --output the table is for standard output, with what is known of builds."""
    answer = shell("tolerances", "--models", "net", "--precisions", "int8", *QUICK, "--output", "new.diff")
    assert (suite.parent / "new.diff").read_text().startswith("--- a/catalogue_to_edit.py\n")
    assert "wider than needed" in answer.stdout
    assert "no spread between builds is known of net" in answer.stdout
    assert "net: inputs: made from the seed 'tolerances 0', at " in answer.stdout
    assert "--- a/" not in answer.stdout


def test_an_entry_that_cannot_be_edited_is_printed_to_be_pasted(shell: Shell, suite: Path) -> None:
    """A model that is made in a loop has a snippet in place of a diff."""
    answer = shell("tolerances", "--models", "looped", "--precisions", "fp16", *QUICK)
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert "the entry of 'looped' has to be edited by hand, for there are 0 calls" in answer.stderr
    assert '    "fp16": (Tolerance(tensors="scores", sqnr_db=' in answer.stderr


def test_a_margin_moves_what_is_proposed(shell: Shell, suite: Path) -> None:
    """Ten more decibels of margin propose ten less."""
    near, far = (
        json.loads(shell("tolerances", "--models", "net", *QUICK, "--margin", margin, "--json").stdout)
        for margin in (5, 15)
    )
    ratios = [[each["proposed"]["sqnr_db"] for each in found["proposals"]] for found in (near, far)]
    assert [a - b for a, b in zip(*ratios, strict=True)] == [10, 10]


def test_a_tolerance_that_lets_faults_pass_ends_with_1(shell: Shell, suite: Path) -> None:
    """--check plants faults, counts those that each precision notices, and edits nothing."""
    answer = shell("tolerances", "--models", "net", *QUICK, "--check")
    assert answer.exit_code == 1
    assert "9 faults planted" in answer.stdout
    assert "net in int8 lets pass: " in answer.stdout
    assert "--- a/" not in answer.stdout + answer.stderr
    assert suite.read_text() == CATALOGUE


def test_a_model_that_does_not_run_is_told_beside_the_others(shell: Shell, suite: Path) -> None:
    """One that onnxruntime refuses costs the exit code, not the others' proposals."""
    answer = shell("tolerances", "--models", "net,broken", "--precisions", "fp16", *QUICK)
    assert answer.exit_code == 1
    assert "broken was not measured: onnxruntime" in answer.stderr
    assert "--- a/catalogue_to_edit.py" in answer.stdout


def test_an_unknown_model_is_refused(shell: Shell, suite: Path) -> None:
    """A name that the catalogue does not have ends with 2 and the nearest one."""
    answer = shell("tolerances", "--models", "nett")
    assert answer.exit_code == 2
    assert "Did you mean 'net'?" in answer.stderr
