from __future__ import annotations

import subprocess
import sys

import pytest

from harness.runtimes.named import runtime_named
from harness.workers.subject import RUNTIMES


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_is_found_by_its_name(name: str) -> None:
    """What is found calls itself so."""
    assert runtime_named(name).name == name


def test_to_find_a_runtime_imports_none_of_its_software() -> None:
    """Its options can be asked for where it is not installed."""
    program = (
        "import sys; from harness.runtimes.named import runtime_named; from harness.workers.subject import RUNTIMES; "
        "known = [runtime_named(name).build_options for name in RUNTIMES]; "
        "sys.exit(str({'tensorrt', 'onnxruntime', 'polygraphy'} & set(sys.modules) or '') or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
