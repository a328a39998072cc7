"""The command that prints every layer of a case."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cases import specs_from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cases import Case


def layers_command(case: Case, inputs: Sequence[Sequence[Any]]) -> str:
    """Return the command line that compares every layer of ``case`` and says where its error comes from.

    Args:
        case: of the catalogue, or of an ONNX file.
        inputs: its graph's, as ``specs_to_json`` has them.
    """
    if not isinstance(case.model.source, Path):
        return shlex.join(["trt-harness", "layers", case.id])
    options = ["--precision", case.precision.recipe]
    for spec in (spec for spec in specs_from_json(inputs) if spec.symbols):
        options += ["--shape", f"{spec.name}:{'x'.join(map(str, spec.at(case.profile.smallest)))}"]
    return shlex.join(["trt-harness", "layers", str(case.model.source), *options])
