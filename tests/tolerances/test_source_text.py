from __future__ import annotations

import ast

import pytest

from harness.tolerances.source_text import SourceText

SOURCE = """\
größe = "ä"; entry = Model(
    "é", name="net",  # größer
    limits={"int8": [
        1,  # eins
    ]}, other={"fp16": 2},  # zwei
)
"""


@pytest.fixture
def call() -> ast.Call:
    """Return the call in the source."""
    return next(node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Call))


def test_a_node_is_found_behind_letters_of_several_bytes(call: ast.Call) -> None:
    """Columns count bytes, and what is cut out is the node's own text."""
    text = SourceText(SOURCE)
    assert [text.of(keyword.value) for keyword in call.keywords][::2] == ['"net"', '{"fp16": 2}']
    assert text.of(call).startswith("Model(\n")


def test_a_node_is_replaced_and_the_rest_stays(call: ast.Call) -> None:
    """All but the node's own text is as it was."""
    assert SourceText(SOURCE).replaced(call.keywords[0].value, "None") == SOURCE.replace('"net"', "None")


def test_text_is_put_before_a_keyword(call: ast.Call) -> None:
    """The keyword follows what was put in, on the same line."""
    assert SourceText(SOURCE).inserted(call.keywords[2], "x=1, ") == SOURCE.replace("other=", "x=1, other=")


def test_comments_within_a_node_are_told_from_those_behind_it(call: ast.Call) -> None:
    """A comment counts where it stands inside, not on the node's last line behind it."""
    text = SourceText(SOURCE)
    assert [text.has_comment(keyword.value) for keyword in call.keywords] == [False, True, False]


def test_the_indent_is_that_of_the_line(call: ast.Call) -> None:
    """A keyword in the middle of a line has the blanks that the line begins with."""
    text = SourceText(SOURCE)
    assert [text.indent(keyword) for keyword in call.keywords] == ["    "] * 3
    assert text.before_on_line(call.keywords[1]) == "    "
