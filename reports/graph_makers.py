"""Which layers of an engine compute which nodes of its graph, as far as names tell.

Two things are left of a node in an engine: its name within that of a layer, see ``reports.layer_alignment``, and the
tensors that it made. What has neither was fused into a layer or left out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.layer_alignment import nodes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.records import LayerRecord
    from reports.graph_shown import ShownGraph

# What onnxruntime's optimiser appends: to the name of a node that it replaced by a quantised one, and to that of the
# tensor that a node in the NCHWc layout makes.
_APPENDED = re.compile(r"(?:_nchwc|_nhwc|_token_\d+)$")


@dataclass(frozen=True)
class Makers:
    """What computes a node.

    Attributes:
        layers: of the engine, in its order; none where that cannot be told.
        nodes: how many nodes the first of them computes, this one among them.
        inferred: whether that is only concluded from what reads the node: it has no layer of its own, and all that it
            makes goes into this one.
    """

    layers: tuple[LayerRecord, ...] = ()
    nodes: int = 0
    inferred: bool = False


def makers_of(graph: ShownGraph, layers: Sequence[LayerRecord]) -> list[Makers]:
    """Return what computes each node of ``graph``, in its order; nothing for its inputs and outputs."""
    found = _named(graph, layers)
    inferred = [False] * len(found)
    readers: list[list[int]] = [[] for _ in graph.nodes]
    closed = [node.kind == "operator" for node in graph.nodes]
    for edge in graph.edges:
        readers[edge.tail].append(edge.head)
        # A result of the graph exists, and what is quantised is no part of the layer that reads it.
        if edge.quantised or graph.nodes[edge.head].kind == "output":
            closed[edge.tail] = False
    for node in reversed(range(len(found))):
        if not found[node] and closed[node] and readers[node]:
            common = set.intersection(*(set(found[reader]) for reader in readers[node]))
            found[node] = sorted(common)[:1]
            inferred[node] = bool(common)
    shared = Counter(place for own in found for place in own)
    return [
        Makers(tuple(layers[place] for place in own), shared[own[0]] if own else 0, guessed)
        for own, guessed in zip(found, inferred, strict=True)
    ]


def _named(graph: ShownGraph, layers: Sequence[LayerRecord]) -> list[list[int]]:
    """Return by node the places of the layers that name it or make a tensor of it."""
    by_name: dict[str, int] = {}
    by_tensor: dict[str, int] = {}
    for place, shown in enumerate(graph.nodes):
        if shown.kind == "operator":
            by_name.setdefault(shown.name, place)
            by_tensor.update(dict.fromkeys(shown.tensors, place))
    by_name.pop("", None)
    found: list[list[int]] = [[] for _ in graph.nodes]
    for place, layer in enumerate(layers):
        names = nodes_of(layer)
        own = {by_name[name] for name in names if name in by_name}
        own |= {by_tensor[name] for name in layer.outputs if name in by_tensor}
        if not own:
            bare = [_APPENDED.sub("", name) for name in (*names, *layer.outputs)]
            own = {known[name] for name in bare for known in (by_name, by_tensor) if name in known}
        for node in own:
            found[node].append(place)
    return found
