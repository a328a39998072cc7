"""Sources named as ``module:function``: found, called, and told apart by the code that they stand for."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Callable

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_function_source(source: str | Path) -> bool:
    """Tell whether ``source`` reads ``module:function``; anything else is a path."""
    return isinstance(source, str) and _REFERENCE.fullmatch(source) is not None


def resolve_source(source: str) -> Callable[[], Any]:
    """Return the function that ``module:function`` names.

    Raises:
        ConfigurationError: it does not read like that, the module cannot be imported, or it has no such function.
    """
    module_name, function_name = _split(source)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise ConfigurationError(_no_module(source, error.name)) from None
        raise ConfigurationError(
            f"{source!r}: importing {module_name!r} failed: {error}. Install what it needs."
        ) from error
    except Exception as error:
        raise ConfigurationError(f"{source!r}: importing {module_name!r} failed: {_described(error)}") from error
    function = getattr(module, function_name, None)
    if function is None:
        functions = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise ConfigurationError(f"{source!r}: {unknown_value(f'function of {module_name}', function_name, functions)}")
    if not callable(function):
        raise ConfigurationError(f"{source!r} is a {type(function).__name__}, not a function of no arguments")
    return function  # type: ignore[no-any-return]


def call_source(source: str) -> Any:
    """Return what the function that ``source`` names returns.

    Raises:
        ConfigurationError: as in ``resolve_source``, or the function failed; its own error is the cause.
    """
    function = resolve_source(source)
    try:
        return function()
    except Exception as error:
        raise ConfigurationError(f"{source!r} failed: {_described(error)}") from error


def source_code_hash(source: str) -> str:
    """Return SHA-256 (hex) over the reference, its module's source file and those of all modules of its package.

    The module is not imported. What the function reads besides (data files, other packages) is not seen.

    Raises:
        ConfigurationError: the reference does not read ``module:function``, or there is no such module.
    """
    module_name, _ = _split(source)
    digest = hashlib.sha256(source.encode())
    for file in _source_files(source, module_name):
        digest.update(f"|{file.name}|".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _source_files(source: str, module_name: str) -> list[Path]:
    try:
        spec = importlib.util.find_spec(module_name)
    except (ImportError, ValueError) as error:
        missing = getattr(error, "name", None) or module_name
        raise ConfigurationError(_no_module(source, missing)) from None
    if spec is None:
        raise ConfigurationError(_no_module(source, module_name))
    if spec.origin is None or not Path(spec.origin).is_file():
        return []
    own = Path(spec.origin)
    return sorted(own.parent.glob("*.py")) if "." in module_name or spec.submodule_search_locations else [own]


def _split(source: str) -> tuple[str, str]:
    if not is_function_source(source):
        raise ConfigurationError(
            f"{source!r} is no reference to a function; write module:function, e.g. 'suites.zoo.light:squeezenet'"
        )
    module_name, _, function_name = source.partition(":")
    return module_name, function_name


def _no_module(source: str, missing: str) -> str:
    return (
        f"{source!r}: there is no module {missing!r} for {sys.executable}. Run from the folder that holds it, install "
        "it, or put its folder on PYTHONPATH."
    )


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
