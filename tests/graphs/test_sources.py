from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.errors import ConfigurationError
from harness.graphs.sources import call_source, is_function_source, resolve_source, source_code_hash
from tests.graphs.small_graphs import classifier
from tests.graphs.sources_for_tests import PACKAGE


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("package.module:function", True, id="a dotted module"),
        pytest.param("module:function", True, id="a plain module"),
        pytest.param("model.onnx", False, id="a file"),
        pytest.param("models/model.onnx", False, id="a path"),
        pytest.param("C:\\models\\model.onnx", False, id="a path with a drive"),
        pytest.param(Path("module:function"), False, id="a path object of any name"),
        pytest.param("module:", False, id="no function"),
    ],
)
def test_functions_are_told_from_paths(source: str | Path, expected: bool) -> None:
    """Only text that reads module:function is taken for a function."""
    assert is_function_source(source) is expected


def test_a_function_is_found_and_called() -> None:
    """The reference leads to the function, and calling it gives what it returns."""
    assert resolve_source(f"{PACKAGE}:model")() == classifier()
    assert call_source(f"{PACKAGE}:model") == classifier()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("nonsense", "'nonsense' is no reference to a function; write module:function", id="no colon"),
        pytest.param("no_such_module_anywhere:f", "there is no module 'no_such_module_anywhere'", id="no module"),
        pytest.param("tests.no_such:f", r"there is no module 'tests\.no_such' .*PYTHONPATH", id="no submodule"),
        pytest.param(f"{PACKAGE}:modle", r"'modle' is no function of .*Did you mean 'model'\?", id="no function"),
        pytest.param(f"{PACKAGE}:not_a_function", "is a int, not a function", id="not a function"),
    ],
)
def test_a_reference_that_leads_nowhere_is_explained(source: str, message: str) -> None:
    """Each way in which a reference can be wrong has a message of its own."""
    with pytest.raises(ConfigurationError, match=message):
        resolve_source(source)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("import not_installed_at_all", "No module named 'not_installed_at_all'", id="a missing package"),
        pytest.param("1 / 0", "ZeroDivisionError: division by zero", id="an error"),
        pytest.param("def", "SyntaxError", id="no Python"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    """What goes wrong inside the module is not mistaken for a module that is not there."""
    (tmp_path / "module_that_fails.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match=f"importing 'module_that_fails' failed: .*{message}"):
        resolve_source("module_that_fails:f")


def test_a_function_that_fails_is_named_with_its_error() -> None:
    """The error of the function is in the message and is its cause."""
    with pytest.raises(ConfigurationError, match=":failing' failed: RuntimeError: the data set is not here") as raised:
        call_source(f"{PACKAGE}:failing")
    assert isinstance(raised.value.__cause__, RuntimeError)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two modules, and a module beside it."""
    folder = tmp_path / "hashed_package"
    folder.mkdir()
    for name in ("__init__", "models", "sibling"):
        (folder / f"{name}.py").write_text(f"# {name}")
    (tmp_path / "hashed_module.py").write_text("# alone")
    (tmp_path / "other_module.py").write_text("# beside it")
    monkeypatch.syspath_prepend(tmp_path)
    # Looking for a module of a package imports the package, and another test's may still be there.
    monkeypatch.delitem(sys.modules, "hashed_package", raising=False)
    return folder


@pytest.mark.parametrize(
    ("source", "edited", "changes"),
    [
        pytest.param("hashed_package.models:f", "hashed_package/models.py", True, id="its own module"),
        pytest.param("hashed_package.models:f", "hashed_package/sibling.py", True, id="a sibling in its package"),
        pytest.param("hashed_package:f", "hashed_package/sibling.py", True, id="a module of the package it names"),
        pytest.param("hashed_package.models:f", "other_module.py", False, id="a module outside of its package"),
        pytest.param("hashed_module:f", "hashed_module.py", True, id="a module of no package"),
        pytest.param("hashed_module:f", "other_module.py", False, id="the neighbour of a module of no package"),
    ],
)
def test_the_hash_follows_the_code(package: Path, source: str, edited: str, changes: bool) -> None:
    """Editing the module or one of its package changes the hash; editing others does not."""
    before = source_code_hash(source)
    assert source_code_hash(source) == before
    (package.parent / edited).write_text("# edited")
    assert (source_code_hash(source) != before) is changes


def test_two_functions_of_a_module_hash_apart(package: Path) -> None:
    """The function's name is part of the hash."""
    assert source_code_hash("hashed_module:f") != source_code_hash("hashed_module:g")


@pytest.mark.parametrize("source", ["not_there_at_all:f", "not_there.at_all:f"])
def test_hashing_what_is_not_there_is_an_error(source: str) -> None:
    """A module that does not exist has no hash but an error."""
    with pytest.raises(ConfigurationError, match="there is no module 'not_there"):
        source_code_hash(source)
