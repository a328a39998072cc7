from __future__ import annotations

import subprocess
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from harness.cases import Tolerance
from harness.tolerances.edit import edit_catalogue, snippet, tolerance_expression, unified_diff

if TYPE_CHECKING:
    from pathlib import Path

NEW = Tolerance(tensors="y", sqnr_db=19.0)
WANTED = {"net": {"int8": [NEW]}}
HEAD = "from harness.cases import Model, Tolerance\n\n"


def edited(body: str) -> str:
    """Return what becomes of a catalogue's body."""
    source = HEAD + dedent(body)
    found = edit_catalogue(source, WANTED)
    assert not found.refused
    return found.text.removeprefix(HEAD)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            """\
            NET = Model(
                name="net",
                source="zoo:net",
            )
            """,
            """\
            NET = Model(
                name="net",
                tolerances={
                    "int8": (Tolerance(tensors="y", sqnr_db=19),),
                },
                source="zoo:net",
            )
            """,
            id="a model without tolerances",
        ),
        pytest.param(
            """\
            NET = Model(name="net", source="zoo:net", tolerances={"bf16": _ratios(20)})
            """,
            """\
            NET = Model(name="net", source="zoo:net", tolerances={
                "bf16": _ratios(20),
                "int8": (Tolerance(tensors="y", sqnr_db=19),),
            })
            """,
            id="a model with tolerances of another precision, in one line",
        ),
        pytest.param(
            """\
            NET = Model(
                name="net",
                tolerances={"int8": _ratios(outputs=15, layers=9)},
            )
            """,
            """\
            NET = Model(
                name="net",
                tolerances={
                    "int8": (Tolerance(tensors="y", sqnr_db=19), *_ratios(outputs=15, layers=9)),
                },
            )
            """,
            id="a helper's limits stay behind",
        ),
        pytest.param(
            """\
            NET = Model(
                name="net",  # größer
                tolerances={"int8": (Tolerance(tensors="y", sqnr_db=9), Tolerance(scope="layers", sqnr_db=3))},
            )
            """,
            """\
            NET = Model(
                name="net",  # größer
                tolerances={
                    "int8": (Tolerance(tensors="y", sqnr_db=19), Tolerance(scope="layers", sqnr_db=3)),
                },
            )
            """,
            id="an older proposal is replaced, and limits of layers stay",
        ),
    ],
)
def test_an_entry_is_edited_where_it_stands(before: str, after: str) -> None:
    """The new tolerance comes first, everything else stays as it was."""
    assert edited(before) == dedent(after)


def test_long_tolerances_are_broken_into_lines() -> None:
    """No line is wider than 120 characters."""
    text = edited(f'NET = Model(\n    name="net",\n    tolerances={{"int8": ({"Tolerance(rmse=1), " * 8})}},\n)\n')
    assert max(map(len, text.splitlines())) <= 120
    assert text.count("Tolerance(rmse=1),\n") == 8


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("NET = [Model(name=name) for name in names]", "there are 0 calls", id="made in a loop"),
        pytest.param('A = Model(name="net"); B = Model(name="net")', "there are 2 calls", id="there twice"),
        pytest.param('NET = Model(name="net", tolerances=COMMON)', "not written out", id="a name"),
        pytest.param('NET = Model(name="net", tolerances={**COMMON})', "not a plain text", id="unpacked into it"),
        pytest.param('NET = Model(name="net", **COMMON)', "from a mapping", id="keywords from elsewhere"),
        pytest.param(
            'NET = Model(\n    name="net",\n    tolerances={  # as agreed\n    },\n)', "hold comments", id="a comment"
        ),
    ],
)
def test_an_entry_that_is_not_plain_is_left_alone(body: str, said: str) -> None:
    """What cannot be edited without a guess is refused with the reason, and the source stays as it was."""
    found = edit_catalogue(HEAD + body, WANTED)
    assert said in found.refused["net"]
    assert found.text == HEAD + body


def test_a_module_without_the_class_is_left_alone() -> None:
    """An edit that needs an import that is not there is refused."""
    found = edit_catalogue('NET = Model(name="net")', WANTED)
    assert "does not import Tolerance" in found.refused["net"]


@pytest.mark.parametrize("end", ["\n", ""], ids=["with a last newline", "without one"])
def test_git_applies_the_diff(tmp_path: Path, end: str) -> None:
    """The diff takes the file to the edited text, whether or not its last line ends."""
    (tmp_path / "suites").mkdir()
    file = tmp_path / "suites" / "catalogue.py"
    before = HEAD + f'NET = Model(name="net"){end}'
    file.write_text(before)
    after = edit_catalogue(before, WANTED).text
    diff = unified_diff(before, after, "suites/catalogue.py")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    assert file.read_text() == after


def test_no_change_is_an_empty_diff() -> None:
    """Equal texts give no diff at all."""
    assert unified_diff(HEAD, HEAD, "catalogue.py") == ""


def test_an_expression_makes_the_tolerance() -> None:
    """What is written is Python that gives the same record, whatever its tensor is called."""
    for tolerance in (NEW, Tolerance(tensors='odd"name', scope="layers", max_abs=1.23456789e-6, cosine=0.995)):
        assert eval(tolerance_expression(tolerance), {"Tolerance": Tolerance}) == tolerance  # noqa: S307


def test_a_snippet_can_be_pasted() -> None:
    """What a person pastes is the keyword as Python."""
    text = snippet("net", {"int8": [NEW]})
    given = eval(f"dict(\n{text}\n)", {"Tolerance": Tolerance})  # noqa: S307
    assert given == {"tolerances": {"int8": (NEW,)}}
