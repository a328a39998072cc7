from __future__ import annotations

import importlib
from typing import NoReturn

import pytest

from harness.errors import ConfigurationError
from harness.runtimes.tensorrt.library import import_tensorrt, too_new


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        pytest.param(
            ModuleNotFoundError("No module named 'tensorrt'", name="tensorrt"),
            r"TensorRT is not installed for .*pip install tensorrt, or name an interpreter.*--subject",
            id="not installed",
        ),
        pytest.param(
            ModuleNotFoundError("No module named 'tensorrt_bindings'", name="tensorrt_bindings"),
            "cannot be imported: No module named 'tensorrt_bindings'",
            id="half installed",
        ),
        pytest.param(
            ImportError("libnvinfer.so.8: cannot open shared object file"),
            "its libraries do not load: libnvinfer.so.8.*LD_LIBRARY_PATH",
            id="without its libraries",
        ),
    ],
)
def test_a_tensorrt_that_cannot_be_imported_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, failure: ImportError, message: str
) -> None:
    """Missing, half installed and without its libraries are told apart, each with its way out."""

    def fail(_: str) -> NoReturn:
        raise failure

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(ConfigurationError, match=message):
        import_tensorrt()


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        pytest.param("8.6.0", False, id="an old one"),
        pytest.param("11.4.0.106", False, id="the newest known"),
        pytest.param("12.0.1", True, id="a newer one"),
        pytest.param("unknown", False, id="no number"),
    ],
)
def test_a_newer_version_is_only_warned_of(version: str, warned: bool) -> None:
    """What the harness was not held against is tried all the same."""
    assert (too_new(version) is not None) is warned
