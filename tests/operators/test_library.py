from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.errors import ConfigurationError
from harness.operators import generate
from harness.operators.library import OperatorLibrary
from tests.operators.small_library import PASSING, REFUSED, WRONG, write_small_library

if TYPE_CHECKING:
    from pathlib import Path


def test_cases_are_found_again_and_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cache has is read, and no generator runs."""
    monkeypatch.setattr(generate, "write_cases", lambda _: pytest.fail("it generates"))
    folder = write_small_library(tmp_path)
    library = OperatorLibrary.below(tmp_path)
    assert library.cases == (PASSING, WRONG, REFUSED)
    assert library.graph(PASSING) == folder / "relu.onnx"
    assert library.graph(PASSING, "fp16") == folder / "fp16" / "relu.onnx"
    assert library.tensors(PASSING) == folder / "relu.npz"
    assert library.nearby(PASSING, "fp16") == folder / "fp16" / "relu.npz"


def test_cases_are_made_once_and_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator that fails leaves nothing behind that looks like a library."""
    made = []

    def write(folder: Path) -> None:
        made.append(folder)
        (folder / "index.json").write_text("[]")
        if len(made) == 1:
            raise RuntimeError("broken off")

    monkeypatch.setattr(generate, "write_cases", write)
    with pytest.raises(RuntimeError):
        OperatorLibrary.below(tmp_path)
    assert list((tmp_path / "operators").iterdir()) == []
    assert OperatorLibrary.below(tmp_path).cases == OperatorLibrary.below(tmp_path).cases == ()
    assert len(made) == 2


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The sentence names the folder and the option."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot be kept in .*--cache DIR"):
        OperatorLibrary.below(tmp_path / "file")
