"""Importing TensorRT, or saying why that cannot be done."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from harness.errors import ConfigurationError

# The newest major version that the harness was held against. A newer one is tried all the same, with a warning.
NEWEST_KNOWN_MAJOR = 11


def import_tensorrt() -> Any:
    """Return the module ``tensorrt``.

    Raises:
        ConfigurationError: it is not installed for this interpreter, or its libraries do not load.
    """
    try:
        return importlib.import_module("tensorrt")
    except ModuleNotFoundError as error:
        if error.name != "tensorrt":
            raise ConfigurationError(f"TensorRT cannot be imported: {error}. Install what it misses.") from None
        python = ".".join(map(str, sys.version_info[:2]))
        raise ConfigurationError(
            f"TensorRT is not installed for {sys.executable} (Python {python}): pip install tensorrt, or name an "
            "interpreter that has it with --subject NAME=PYTHON. TensorRT 8 has wheels for Python 3.10 and older only."
        ) from None
    except (ImportError, OSError) as error:
        raise ConfigurationError(
            f"TensorRT is installed but its libraries do not load: {error}. Put them on LD_LIBRARY_PATH, with the "
            "CUDA and cuDNN that they were made for."
        ) from None


def too_new(version: str) -> str | None:
    """Return a warning where ``version`` is of a newer major version than the harness was held against, else None."""
    major = version.partition(".")[0]
    if not major.isdigit() or int(major) <= NEWEST_KNOWN_MAJOR:
        return None
    return (
        f"TensorRT {version} is newer than what the harness was held against ({NEWEST_KNOWN_MAJOR}.x): what it does "
        "is probed, and may still differ"
    )
