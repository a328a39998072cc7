"""FP16 graphs whose tensors really are float16, for what onnxruntime's CPU provider makes of them.

That provider computes in float32 between casts and leaves out those that undo each other: a tensor that no float16
holds goes on as float32, and nothing overflows. A node in between that float16 passes through keeps the casts, unless
it stands alone among float32 ones, which is then computed in float32, too; so there are two.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from onnx import helper

from harness.graphs.element_types import element_types
from harness.graphs.load import load_model
from harness.graphs.save import save_model
from harness.graphs.walk import sort_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import ModelProto

_FIRST, _SECOND = ":float16", ":rounded"


@contextmanager
def rounded_copy(path: Path) -> Iterator[Path]:
    """Yield a copy of a graph's file in which ``round_tensors`` has been, or the file itself if that changes nothing.

    Raises:
        ModelError: the file is no graph.
        OSError: there is no room for the copy.
    """
    model = load_model(path)
    if not round_tensors(model):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="trt-harness-") as folder:
        copy = Path(folder) / path.name
        save_model(model, copy)
        del model
        yield copy


def round_tensors(model: ModelProto) -> int:
    """Put two identities between each float16 tensor that a node of ``model`` makes and whoever reads it, in place.

    Graphs inside of nodes go on reading the tensors themselves. The result is to be run without optimisation, which
    would take the identities away.

    Returns:
        How many tensors that are.
    """
    types = element_types(model)
    outputs = {value.name for value in model.graph.output}
    made = [name for node in model.graph.node for name in node.output if types.get(name) == "float16"]
    rounded = [name for name in made if name not in outputs]
    renamed = {name: f"{name}{_SECOND}" for name in rounded}
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)
    for name in rounded:
        first = f"{name}{_FIRST}"
        for read, new in ((name, first), (first, renamed[name])):
            model.graph.node.append(helper.make_node("Identity", [read], [new], name=new))
    sort_nodes(model.graph)
    return len(rounded)
