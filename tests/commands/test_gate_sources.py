from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.commands.gate_sources import Sources, find_sources
from suites.catalogue import CATALOGUE
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_every_model_of_the_catalogue_is_found() -> None:
    """The line of each model is one that has its name."""
    sources = find_sources("suites.catalogue:CATALOGUE", ROOT)
    assert sources.file == "suites/catalogue.py"
    lines = (ROOT / sources.file).read_text(encoding="utf-8").splitlines()
    for model in CATALOGUE:
        assert f'"{model.name}"' in lines[sources.line_of(model.name) - 1]


def test_names_of_models_go_before_other_texts(tmp_path: Path) -> None:
    """A text that happens to be a model's name is not taken for its record."""
    (tmp_path / "models.py").write_text('FAVOURITE = "net"\nMODELS = [\n    Model(name="net"),\n]\n')
    assert find_sources("models:MODELS", tmp_path) == Sources(file="models.py", lines={"net": 3})


def test_a_package_is_its_first_file(tmp_path: Path) -> None:
    """A catalogue may be a package."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    assert find_sources("models:MODELS", tmp_path).file == "models/__init__.py"


def test_a_model_that_was_checked_is_its_own_file(tmp_path: Path) -> None:
    """``trt-harness check`` ran an ONNX file, which has no lines."""
    (tmp_path / "net.onnx").write_bytes(b"\x08")
    assert find_sources("net.onnx", tmp_path) == Sources(file="net.onnx")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("", id="it is not known"),
        pytest.param("nowhere:MODELS", id="it is not there"),
        pytest.param("../outside.onnx", id="it lies outside of the checkout"),
    ],
)
def test_what_is_not_in_the_checkout_has_no_place(tmp_path: Path, source: str) -> None:
    """There is no file then, and the line is the first one."""
    (tmp_path / "outside.onnx").write_bytes(b"")
    root = tmp_path / "checkout"
    root.mkdir()
    sources = find_sources(source, root)
    assert (sources.file, sources.line_of("net")) == ("", 1)


def test_a_catalogue_that_became_unreadable_still_is_a_file(tmp_path: Path) -> None:
    """Where it no longer is Python, concerns stand at its first line."""
    (tmp_path / "models.py").write_text("MODELS = [\n")
    assert find_sources("models:MODELS", tmp_path) == Sources(file="models.py")
