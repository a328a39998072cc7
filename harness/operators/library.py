"""The operator cases of the installed onnx: generated when they are first wanted, then found in the cache."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from harness.cases.operator import OperatorCase
from harness.errors import ConfigurationError

# What is written of a case is found again under this number: raise it when that changes, and say so here.
# 1: as first written.
FORMAT = 1
_INDEX = "index.json"


@dataclass(frozen=True)
class OperatorLibrary:
    """Operator cases in a folder.

    Attributes:
        folder: where graphs and tensors are.
        onnx_version: of the package that made them.
        cases: ordered by operator, then by name.
    """

    folder: Path
    onnx_version: str
    cases: tuple[OperatorCase, ...]

    @classmethod
    def below(cls, cache: Path) -> OperatorLibrary:
        """Return the cases of the installed onnx, from ``cache`` or, in some seconds, from its generators.

        Raises:
            ConfigurationError: the cache cannot be written to.
        """
        made_by = version("onnx")
        folder = cache / "operators" / f"onnx-{made_by}-{FORMAT}"
        if not (folder / _INDEX).is_file():
            _generate_into(folder)
        entries = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        return cls(folder, made_by, tuple(OperatorCase(**{**e, "precisions": tuple(e["precisions"])}) for e in entries))

    def graph(self, case: OperatorCase, recipe: str = "fp32") -> Path:
        """Return where the graph of a case is; in another recipe than fp32 it is there once it was made."""
        return (self.folder if recipe == "fp32" else self.folder / recipe) / f"{case.name}.onnx"

    def tensors(self, case: OperatorCase) -> Path:
        """Return the file of the inputs and expected outputs of a case; see ``harness.operators.case_files``."""
        return self.folder / f"{case.name}.npz"

    def nearby(self, case: OperatorCase, recipe: str) -> Path:
        """Return where the outputs for rounded inputs are, if the operator's reference could tell them."""
        return self.folder / recipe / f"{case.name}.npz"


def _generate_into(folder: Path) -> None:
    """Make ``folder`` with everything in it, in one step: another session may be doing the same."""
    from harness.operators.generate import write_cases

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            write_cases(scratch)
            scratch.chmod(0o755)  # mkdtemp's folders are their owner's alone; a cache may be shared
            _put_in_place(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise ConfigurationError(
            f"the operator cases cannot be kept in {str(folder.parent)!r}: {error.strerror or error}. Name another "
            "folder: --cache DIR"
        ) from None


def _put_in_place(scratch: Path, folder: Path) -> None:
    try:
        scratch.rename(folder)
    except OSError:  # a folder is not renamed onto one that holds something
        if not (folder / _INDEX).is_file():
            raise
