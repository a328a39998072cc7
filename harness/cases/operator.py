"""Operator cases: one ONNX operator, inputs, and the outputs that its specification gives for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Collection

# What the history calls the model that every operator case belongs to; a catalogue cannot have one of that name.
OPERATORS = "operators"

# The metrics of an operator case, and the stage of its one pytest item.
PASSES, ERROR = "operator_passes", "operator_error"
STAGE = "operator"

# The recipes that are made in the graph; fp32 and fp16 are what runs where none is named.
OPERATOR_PRECISIONS = ("fp32", "fp16", "bf16", "int8")
USUAL_PRECISIONS = ("fp32", "fp16")


@dataclass(frozen=True, kw_only=True)
class OperatorCase:
    """One case of ONNX's own backend tests.

    Attributes:
        name: as ONNX has it, without its ``test_``, e.g. ``conv_with_strides_padding``.
        operator: the type of the operator under test, e.g. ``Conv``; of a case whose operator is written out in terms
            of others (``…_expanded``), the one that is written out.
        opset: version of the operator set that the graph imports.
        precisions: the recipes that change anything about it, out of ``OPERATOR_PRECISIONS``.
    """

    name: str
    operator: str
    opset: int
    precisions: tuple[str, ...]


def chosen_precisions(wanted: Collection[str]) -> tuple[str, ...]:
    """Return the recipes that operators are run in.

    Args:
        wanted: what was asked for; the usual ones if empty.

    Raises:
        ConfigurationError: none of what was asked for can be made of a single operator.
    """
    if not wanted:
        return USUAL_PRECISIONS
    chosen = tuple(name for name in OPERATOR_PRECISIONS if name in wanted)
    if not chosen:
        raise ConfigurationError(
            unknown_value("precision of the operator suite", next(iter(wanted)), OPERATOR_PRECISIONS)
        )
    return chosen
