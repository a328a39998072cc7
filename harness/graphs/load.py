"""ONNX files, read and checked: what cannot be used is refused here, with a sentence that says how to mend it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, TensorProto, ValueInfoProto
from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data

from harness.cases import TensorSpec
from harness.errors import ModelError, unknown_value
from harness.graphs.element_types import is_tensor, type_name, with_inferred_types
from harness.graphs.walk import copy_of, opset_of, tensors_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Stands for a shape of which nothing is known, not even how many dimensions it has.
UNKNOWN_SHAPE: tuple[int | str, ...] = ("...",)

_LONGEST_REASON = 300
_FIRST_IR_WITH_CONSTANT_INITIALISERS = 4


def load_model(path: Path) -> ModelProto:
    """Read an ONNX file with its external data, and check it.

    Raises:
        ModelError: there is no such file, it is not ONNX or cut off, its external data is missing or too short, it is
            newer than the installed onnx package, or it breaks the rules of ONNX.
    """
    model = parse_model(path)
    _check_known_to_onnx(model)
    _load_external_data(model, path)
    # By path and not from memory, where protobuf would refuse to serialise more than 2 GB for the check.
    _run_checker(str(path), repr(str(path)))
    return model


def parse_model(path: Path) -> ModelProto:
    """Read an ONNX file, without its external data and without checking more than that it is ONNX.

    Raises:
        ModelError: there is no such file, or it is not ONNX.
    """
    if path.is_dir():
        raise ModelError(f"{str(path)!r} is a folder; name the .onnx file in it{_onnx_files_in(path)}")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"there is no file {str(path)!r}{_onnx_files_in(path.parent)}") from None
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if not content:
        raise ModelError(f"{str(path)!r} is empty: its export or download failed; write it again")
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise ModelError(_not_onnx(path, content, "it cannot be decoded as protobuf")) from None
    if not model.ir_version or not model.HasField("graph"):
        raise ModelError(_not_onnx(path, content, "it holds no graph"))
    return model


def external_data_files(model: ModelProto, folder: Path) -> tuple[Path, ...]:
    """Return the files in which ``model``, parsed from a file in ``folder``, keeps tensors; there or not."""
    locations = (_location(tensor) for tensor in tensors_in(model) if uses_external_data(tensor))
    return tuple(folder / location for location in dict.fromkeys(locations))


def check_model(model: ModelProto, called: str) -> None:
    """Raise ModelError unless ``model``, named ``called`` in the message, keeps the rules of ONNX as installed here."""
    _check_known_to_onnx(model)
    _run_checker(model, called)


def check_readable(model: ModelProto, *, max_ir: int, max_opset: int, reader: str) -> None:
    """Raise ModelError if ``model`` is newer than ``reader`` takes, naming both numbers.

    Args:
        model: any model.
        max_ir: the newest IR version that the reader takes.
        max_opset: the newest version of the ONNX operator set that it takes.
        reader: who that is, e.g. ``onnxruntime 1.31.1``.
    """
    opset = opset_of(model)
    if opset > max_opset:
        raise ModelError(
            f"the graph is of opset {opset}, and {reader} takes at most {max_opset}. Export it again with "
            f"opset_version={max_opset}, convert it with onnx.version_converter, or install a newer reader."
        )
    if model.ir_version > max_ir:
        raise ModelError(
            f"the graph is of IR version {model.ir_version}, and {reader} takes at most {max_ir}. Set "
            f"model.ir_version = {max_ir} and save it again (its operators need no more), or install a newer reader."
        )


def normalise(model: ModelProto) -> ModelProto:
    """Return a copy whose inputs are only what a caller feeds, and in which every free dimension and node has a name.

    Initialisers are no longer listed as inputs (an IR version below 4, which demands that, becomes 4; the operator set
    stays). A dimension without a size of 1 or more and without a symbol is free and called ``<input>_<axis>``. A node
    without a name is called after its first output, so that a precision can name it.
    """
    result = copy_of(model)
    constants = {tensor.name for tensor in result.graph.initializer}
    fed = [value for value in result.graph.input if value.name not in constants]
    if len(fed) < len(result.graph.input):
        result.ir_version = max(result.ir_version, _FIRST_IR_WITH_CONSTANT_INITIALISERS)
        fed = [_copy_of_value(value) for value in fed]
        del result.graph.input[:]
        result.graph.input.extend(fed)
    for value in result.graph.input:
        if value.type.HasField("tensor_type"):
            for dimension, size in zip(value.type.tensor_type.shape.dim, _shape(value), strict=True):
                if isinstance(size, str):
                    dimension.dim_param = size
    _name_nodes(result)
    return result


def input_specs(model: ModelProto) -> tuple[TensorSpec, ...]:
    """Return what ``model`` is to be fed: its inputs less its initialisers, unnamed dimensions as in ``normalise``.

    Raises:
        ModelError: an input is not a tensor, or does not tell how many dimensions it has.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    for value in inputs:
        if not is_tensor(value):
            raise ModelError(
                f"input {value.name!r} is a {value.type.WhichOneof('value') or 'value of no type'}; only tensors can "
                "be fed. Export the model with tensors as inputs."
            )
        if not value.type.tensor_type.HasField("shape"):
            raise ModelError(
                f"input {value.name!r} does not tell how many dimensions it has. Give it a shape, with names for free "
                "dimensions, e.g. by onnx.tools.update_model_dims."
            )
    return tuple(_spec(value) for value in inputs)


def output_specs(model: ModelProto) -> tuple[TensorSpec, ...]:
    """Return what ``model`` gives back; shapes that it does not declare are inferred, else ``UNKNOWN_SHAPE``.

    Raises:
        ModelError: an output is not a tensor.
    """
    outputs = model.graph.output
    if not all(is_tensor(value) and value.type.tensor_type.HasField("shape") for value in outputs):
        outputs = with_inferred_types(model).graph.output
    for value in outputs:
        if not is_tensor(value):
            raise ModelError(
                f"output {value.name!r} is a {value.type.WhichOneof('value') or 'value of unknown type'}; only tensors "
                "can be compared. Export the model with tensors as outputs."
            )
    return tuple(_spec(value) for value in outputs)


def check_names(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise ModelError for the first of ``given`` that is not ``known``, suggesting the nearest.

    Args:
        what: what the names are of, e.g. ``input of the graph``.
        given: names to check.
        known: all that there are.
    """
    names = tuple(known)
    for name in given:
        if name not in names:
            raise ModelError(unknown_value(what, name, names))


def _check_known_to_onnx(model: ModelProto) -> None:
    check_readable(
        model,
        max_ir=onnx.IR_VERSION,
        max_opset=onnx.defs.onnx_opset_version(),
        reader=f"the installed onnx {onnx.__version__}",
    )


def _run_checker(model: ModelProto | str, called: str) -> None:
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        reason = " ".join(str(error).split())
        if len(reason) > _LONGEST_REASON:
            reason = f"{reason[:_LONGEST_REASON]} …"
        raise ModelError(f"{called} breaks the rules of ONNX: {reason} Export it again.") from None
    except ValueError as error:
        raise ModelError(
            f"{called} cannot be checked: {error}. A graph of more than 2 GB must come from a file with external data."
        ) from None


def _load_external_data(model: ModelProto, path: Path) -> None:
    outside = [tensor for tensor in tensors_in(model) if uses_external_data(tensor)]
    for location, count in Counter(_location(tensor) for tensor in outside).items():
        if not (path.parent / location).is_file():
            raise ModelError(
                f"{str(path)!r} keeps {count} of its tensors in {location!r}, and there is no such file in "
                f"{str(path.parent)!r}. Copy it there from where the model was exported."
            )
    for tensor in outside:
        location = _location(tensor)
        try:
            load_external_data_for_tensor(tensor, str(path.parent))
        except (OSError, ValueError, onnx.checker.ValidationError) as error:
            raise ModelError(
                f"tensor {tensor.name!r} of {str(path)!r} cannot be read from {location!r}: {error}"
            ) from None
        # Both would otherwise tell a tensor that was outside from an equal one that never was.
        tensor.ClearField("data_location")
        tensor.ClearField("external_data")


def _location(tensor: TensorProto) -> str:
    return next((entry.value for entry in tensor.external_data if entry.key == "location"), "")


def _not_onnx(path: Path, content: bytes, why: str) -> str:
    head = content[:200].lstrip()
    if head.startswith((b"{", b"[", b"<", b"version https://git-lfs")):
        found = f"it begins with the text {head[:40].decode('utf-8', 'replace')!r}"
    elif head.startswith(b"PK"):
        found = "it is a zip archive, perhaps a PyTorch checkpoint"
    else:
        found = why
    return (
        f"{str(path)!r} is not an ONNX model, or was cut off after {len(content)} bytes: {found}. Export it again, "
        "e.g. with torch.onnx.export, or fetch it again where it was downloaded."
    )


def _onnx_files_in(folder: Path) -> str:
    files = sorted(file.name for file in folder.glob("*.onnx")) if folder.is_dir() else []
    return f". There: {', '.join(files[:10])}" if files else ""


def _spec(value: ValueInfoProto) -> TensorSpec:
    return TensorSpec(value.name, type_name(value.type.tensor_type.elem_type), _shape(value))


def _shape(value: ValueInfoProto) -> tuple[int | str, ...]:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return UNKNOWN_SHAPE
    return tuple(
        dimension.dim_param or (dimension.dim_value if dimension.dim_value > 0 else f"{value.name}_{axis}")
        for axis, dimension in enumerate(tensor.shape.dim)
    )


def _copy_of_value(value: ValueInfoProto) -> ValueInfoProto:
    copy = ValueInfoProto()
    copy.CopyFrom(value)
    return copy


def _name_nodes(model: ModelProto) -> None:
    taken = {node.name for node in model.graph.node}
    for position, node in enumerate(model.graph.node):
        if not node.name:
            wanted = next((name for name in node.output if name), node.op_type)
            node.name = wanted if wanted not in taken else f"{wanted}_{position}"
            taken.add(node.name)
