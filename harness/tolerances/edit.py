"""Proposed tolerances as an edit of the catalogue's source, which is parsed, never guessed at.

An entry is edited where it is a call ``Model(name="…", …)`` whose tolerances, if it has any, are a dictionary written
out with plain keys. Whatever a precision has there already stays behind the new ones: exact names come before patterns,
so a helper's limits of layers, or of other outputs, go on to hold.
"""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from harness.cases import Tolerance
from harness.tolerances.source_text import SourceText

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


_STEP = "    "


class _NotEditable(Exception):  # noqa: N818 - it says what is the matter
    """The entry of a model is not plain enough to be edited; the text says why."""


@dataclass(frozen=True)
class EditedSource:
    """The source of a catalogue after an edit.

    Attributes:
        text: the source; as it was where nothing could be edited.
        refused: by model, why its entry was left alone.
    """

    text: str
    refused: Mapping[str, str]


def edit_catalogue(source: str, wanted: Mapping[str, Mapping[str, Sequence[Tolerance]]]) -> EditedSource:
    """Return the source of a catalogue with tolerances put in front of those that models have.

    Args:
        source: of the module that holds the models.
        wanted: by model, by precision, tolerances of single outputs by their exact names.
    """
    refused: dict[str, str] = {}
    text = source
    for model, tolerances in wanted.items():
        try:
            text = _edited(text, model, tolerances)
        except _NotEditable as reason:
            refused[model] = str(reason)
    return EditedSource(text, refused)


def unified_diff(before: str, after: str, path: str) -> str:
    """Return a diff that ``git apply`` takes; empty where nothing differs.

    Args:
        before: the file's text.
        after: what it is to be.
        path: of the file, from the top of the repository, with forward slashes.
    """
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def tolerance_expression(tolerance: Tolerance) -> str:
    """Return the Python expression that makes ``tolerance``."""
    given = {
        field.name: value for field in fields(Tolerance) if (value := getattr(tolerance, field.name)) != field.default
    }
    return f"Tolerance({', '.join(f'{name}={_literal(value)}' for name, value in given.items())})"


def snippet(model: str, tolerances: Mapping[str, Sequence[Tolerance]]) -> str:
    """Return what a person pastes into an entry that cannot be edited: the keyword, a line for each precision."""
    lines = [
        f"{_STEP}{_quoted(precision)}: ({', '.join(map(tolerance_expression, limits))},),"
        for precision, limits in tolerances.items()
    ]
    return "\n".join([f"# {model}: in front of what it has", "tolerances={", *lines, "},"])


def _literal(value: str | float) -> str:
    if isinstance(value, str):
        return _quoted(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _quoted(text: str) -> str:
    # Double quotes, as formatters have them, where the text allows it.
    return f'"{text}"' if text.isprintable() and not set('"\\') & set(text) else repr(text)


def _edited(source: str, model: str, tolerances: Mapping[str, Sequence[Tolerance]]) -> str:
    tree = ast.parse(source)
    if not _imports_tolerance(tree):
        raise _NotEditable("the module does not import Tolerance by that name")
    call, text = _call_of(tree, model), SourceText(source)
    given = next((keyword for keyword in call.keywords if keyword.arg == "tolerances"), None)
    if given is None:
        # Before the last keyword, so that neither a comma nor a comment behind it is in the way.
        last = call.keywords[-1]
        indent = text.indent(last)
        between = f",\n{indent}" if not text.before_on_line(last).strip() else ", "
        return text.inserted(last, f"tolerances={_dictionary({}, tolerances, text, indent)}{between}")
    if not isinstance(given.value, ast.Dict):
        raise _NotEditable("its tolerances are not written out as a dictionary")
    held: dict[str, ast.expr] = {}
    for key, value in zip(given.value.keys, given.value.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            raise _NotEditable("its tolerances have a key that is not a plain text")
        held[key.value] = value
    if text.has_comment(given.value):
        raise _NotEditable("its tolerances hold comments, which would be lost")
    return text.replaced(given.value, _dictionary(held, tolerances, text, text.indent(given)))


def _imports_tolerance(tree: ast.Module) -> bool:
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return any(alias.name == "Tolerance" and alias.asname is None for node in imports for alias in node.names)


def _call_of(tree: ast.Module, model: str) -> ast.Call:
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(
            keyword.arg == "name" and isinstance(keyword.value, ast.Constant) and keyword.value.value == model
            for keyword in node.keywords
        )
    ]
    named = [call for call in calls if ast.unparse(call.func) in ("Model", "Model.from_onnx")]
    if len(named) != 1:
        raise _NotEditable(f"there are {len(named)} calls Model(name={model!r}, …) in the module, not 1")
    if any(keyword.arg is None for keyword in named[0].keywords):
        raise _NotEditable("its entry takes keywords from a mapping (**), which may hold its tolerances")
    return named[0]


def _dictionary(
    held: Mapping[str, ast.expr], wanted: Mapping[str, Sequence[Tolerance]], text: SourceText, indent: str
) -> str:
    lines = []
    for precision in (*held, *(name for name in wanted if name not in held)):
        elements = [tolerance_expression(tolerance) for tolerance in wanted.get(precision, ())]
        old = held.get(precision)
        if not elements:
            assert old is not None, "a precision is held or wanted"
            lines.append(f"{indent}{_STEP}{_quoted(precision)}: {text.of(old)},")
            continue
        elements += _behind(old, {tolerance.tensors for tolerance in wanted[precision]}, text) if old else []
        one_line = f"{indent}{_STEP}{_quoted(precision)}: ({', '.join(elements)}{',' if len(elements) == 1 else ''}),"
        if len(one_line) <= 120 and "\n" not in one_line:
            lines.append(one_line)
        else:
            inner = "".join(f"{indent}{_STEP * 2}{element},\n" for element in elements)
            lines.append(f"{indent}{_STEP}{_quoted(precision)}: (\n{inner}{indent}{_STEP}),")
    return "\n".join(["{", *lines, f"{indent}}}"])


def _behind(old: ast.expr, outputs: set[str], text: SourceText) -> Iterator[str]:
    """Yield the elements of what a precision has, without those that the new ones take the place of."""
    if not isinstance(old, ast.Tuple):
        yield f"*{text.of(old)}"
        return
    for element in old.elts:
        if not _speaks_of(element, outputs):
            yield text.of(element)


def _speaks_of(element: ast.expr, outputs: set[str]) -> bool:
    if not (isinstance(element, ast.Call) and ast.unparse(element.func) == "Tolerance"):
        return False
    given = {keyword.arg: keyword.value for keyword in element.keywords}
    scope, tensors = given.get("scope"), given.get("tensors")
    of_outputs = scope is None or (isinstance(scope, ast.Constant) and scope.value == "outputs")
    return of_outputs and isinstance(tensors, ast.Constant) and tensors.value in outputs
