from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigurationError
from harness.settings import Settings, load_catalogue, load_settings


def pyproject(folder: Path, table: str) -> Path:
    """Write ``[tool.trt-harness]`` with the lines of ``table`` and return the folder."""
    (folder / "pyproject.toml").write_text(f"[tool.trt-harness]\n{table}\n", encoding="utf-8")
    return folder


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    """A folder without pyproject.toml, or one without our table, changes nothing."""
    assert load_settings(tmp_path, environment={}) == Settings()
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'other'\n", encoding="utf-8")
    assert load_settings(tmp_path, environment={}) == Settings()


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    """Each setting comes from the nearest source that has it."""
    root = pyproject(tmp_path, 'gpu = "t4"\ndb = "file.db"\ncase-timeout = 10')
    environment = {"TRT_HARNESS_DB": "environment.db", "TRT_HARNESS_CASE_TIMEOUT": "20", "HOME": "/"}
    settings = load_settings(root, {"case_timeout": "30"}, environment)
    assert (settings.gpu, settings.db, settings.case_timeout) == ("t4", "environment.db", 30.0)


def test_the_environment_is_that_of_the_process_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRT_HARNESS_… variables are read without being handed over."""
    monkeypatch.setenv("TRT_HARNESS_GPU", "cpu")
    assert load_settings(tmp_path).gpu == "cpu"


@pytest.mark.parametrize("empty", [None, "", (), []], ids=repr)
def test_options_that_were_not_given_override_nothing(tmp_path: Path, empty: object) -> None:
    """None, or something empty, is what pytest hands over for them."""
    root = pyproject(tmp_path, 'models = ["a"]')
    assert load_settings(root, {"models": empty}, {}).models == ("a",)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("models", "a, b,,c ", ("a", "b", "c"), id="a list with commas"),
        pytest.param("models", ["a", "b"], ("a", "b"), id="a list"),
        pytest.param("case_timeout", 5, 5.0, id="a whole number where any number will do"),
        pytest.param("case_timeout", "0.5", 0.5, id="a number as text"),
        pytest.param("baseline_runs", "12", 12, id="a whole number as text"),
        pytest.param("db", Path("a") / "b.db", str(Path("a") / "b.db"), id="a path"),
    ],
)
def test_values_take_the_type_of_their_setting(tmp_path: Path, name: str, value: object, expected: object) -> None:
    """Text from the environment and values from TOML mean the same."""
    result = getattr(load_settings(tmp_path, {name: value}, {}), name)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("case_timeout", "soon", "'case_timeout' takes a number, not 'soon'", id="no number"),
        pytest.param("case_timeout", True, "'case_timeout' takes a number, not True", id="a truth value for a number"),
        pytest.param("case_timeout", -1, "above 0, not -1.0", id="a deadline in the past"),
        pytest.param("case_timeout", "nan", "above 0, not nan", id="a deadline of NaN"),
        pytest.param("baseline_runs", 2.5, "'baseline_runs' takes a whole number, not 2.5", id="half a run"),
        pytest.param("baseline_runs", 0, "baseline_runs is 1 or more, not 0", id="no baseline"),
        pytest.param("build_options", "fast", "takes NAME=VALUE.*not 'fast'", id="a build option without a value"),
        pytest.param(
            "confirmation_spacing",
            "-1",
            "confirmation_spacing is a number of seconds from 0 to 60, not -1.0",
            id="a spacing backwards in time",
        ),
        pytest.param("confirmations", "0", "confirmations is 1 or more, not 0", id="no confirmation"),
        pytest.param("models", 5, "'models' takes a list, not 5", id="a number for a list"),
        pytest.param("gpu", ["t4"], r"'gpu' takes a text, not \['t4'\]", id="a list for a text"),
        pytest.param(
            "engines", "rebiuld", "'rebiuld' is no way to come by engines. Did you mean 'rebuild'", id="no such way"
        ),
        pytest.param("pace", "quik", "'quik' is no pace. Did you mean 'quick'", id="an unknown word"),
        pytest.param("reference", "gpu", "'gpu' is no reference.*cpu, cuda, cuda:PYTHON", id="an unknown provider"),
    ],
)
def test_a_wrong_value_is_an_error(tmp_path: Path, name: str, value: object, message: str) -> None:
    """The error names the setting, what it takes and what it got."""
    with pytest.raises(ConfigurationError, match=message):
        load_settings(tmp_path, {name: value}, {})


def test_an_unknown_setting_is_an_error_that_says_where(tmp_path: Path) -> None:
    """A misspelt setting is not skipped, wherever it stands."""
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml: 'gpuu' is no setting\. Did you mean 'gpu'\?"):
        load_settings(pyproject(tmp_path, 'gpuu = "t4"'), environment={})
    with pytest.raises(ConfigurationError, match=r"^TRT_HARNESS_MODLES: 'modles' is no setting"):
        load_settings(tmp_path / "elsewhere", environment={"TRT_HARNESS_MODLES": "a"})


@pytest.mark.parametrize(
    ("text", "environment", "overrides", "origin"),
    [
        pytest.param("confirmations = 0", {}, {}, r".*pyproject\.toml", id="the file"),
        pytest.param("confirmations = 1", {"TRT_HARNESS_CONFIRMATIONS": "0"}, {}, "TRT_HARNESS_CONFIRMATIONS",
                     id="a variable"),
        pytest.param("", {"TRT_HARNESS_CASE_TIMEOUT": "3"}, {"case_timeout": "soon"}, "--case-timeout", id="an option"),
        pytest.param("", {}, {"pace": "quik"}, "--quik", id="an option that is a value"),
        pytest.param("", {"TRT_HARNESS_BUILDS": "many"}, {}, "TRT_HARNESS_BUILDS", id="a variable of the wrong type"),
    ],
)  # fmt: skip
def test_an_error_says_where_the_value_came_from(
    tmp_path: Path, text: str, environment: dict[str, str], overrides: dict[str, str], origin: str
) -> None:
    """It begins with the last of file, variable and option that gave it, which is the one to mend."""
    with pytest.raises(ConfigurationError, match=f"^{origin}: "):
        load_settings(pyproject(tmp_path, text), overrides, environment)


@pytest.mark.parametrize("content", [b"gpu =", b"\xff\xfe"], ids=["not TOML", "not text"])
def test_a_broken_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    """The error names the file."""
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml' is not TOML"):
        load_settings(tmp_path, environment={})


@pytest.fixture
def catalogue_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a module ``small_zoo`` that is importable only through ``load_catalogue``."""
    (tmp_path / "small_zoo.py").write_text(
        "from harness.cases import Model\n"
        "CATALOGUE = [Model(name='a', source='zoo:a')]\n"
        "WRONG = (CATALOGUE[0], 'b')\n"
        "NUMBER = 5\n",
        encoding="utf-8",
    )
    (tmp_path / "needy_zoo.py").write_text("import a_module_that_is_missing\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "small_zoo", raising=False)
    return tmp_path


def test_a_catalogue_is_imported_from_its_folder(catalogue_folder: Path) -> None:
    """The folder need not be on the path before."""
    assert [model.name for model in load_catalogue("small_zoo:CATALOGUE", catalogue_folder)] == ["a"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        pytest.param("small_zoo", "given as module:NAME.*not 'small_zoo'", id="no name"),
        pytest.param("no_zoo:CATALOGUE", "cannot be imported.*No module named 'no_zoo'.*tool.trt-harness",
                     id="no such module"),
        pytest.param("needy_zoo:CATALOGUE", "No module named 'a_module_that_is_missing'", id="a module that lacks one"),
        pytest.param("small_zoo:MODELS", "no sequence of models called 'MODELS'", id="no such name"),
        pytest.param("small_zoo:NUMBER", "no sequence of models called 'NUMBER'", id="no sequence"),
        pytest.param("small_zoo:WRONG", "holds 'b', which is no harness.cases.Model", id="no models"),
    ],
)  # fmt: skip
def test_a_catalogue_that_cannot_be_had_is_an_error(catalogue_folder: Path, reference: str, message: str) -> None:
    """The error names the reference and what is wrong with it."""
    with pytest.raises(ConfigurationError, match=message):
        load_catalogue(reference, catalogue_folder)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        pytest.param("Model(name='b c', source='zoo:b')", "line 4 of .*broken_zoo.py': 'b c' cannot be the name of",
                     id="a name that cannot be"),
        pytest.param("small('b', version=0)", "line 4 of .*: model 'b': a version", id="through a helper"),
        pytest.param("Model(nmae='b')", "line 4 of .*broken_zoo.py': TypeError: .*'nmae'", id="a misspelt field"),
        pytest.param("Model(name='b'", r"SyntaxError: .*\(broken_zoo.py, line", id="no Python"),
    ],
)  # fmt: skip
def test_a_wrong_record_is_named_with_its_place(catalogue_folder: Path, record: str, message: str) -> None:
    """The model, what is wrong with it, and the file and line where it stands."""
    (catalogue_folder / "broken_zoo.py").write_text(
        "from harness.cases import Model\n"
        "def small(name, **more): return Model(name=name, source='zoo:a', **more)\n"
        "CATALOGUE = [small('a'),\n"
        f"    {record},\n"
        "]\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError, match=f"(?s)'broken_zoo:CATALOGUE' cannot be made.*{message}"):
        load_catalogue("broken_zoo:CATALOGUE", catalogue_folder)


def test_settings_are_plain_data() -> None:
    """They can be stored with a session and compared."""
    values: dict[str, Any] = {"models": ("a",), "pace": "full"}
    assert Settings(**values) == Settings(**values)
    assert hash(Settings(**values)) == hash(Settings(**values))
