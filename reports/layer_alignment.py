"""Two engines side by side: which layers of the one compute what which layers of the other do.

Runtimes fuse, split and rename. What stays is what a layer was made from: the names of the ONNX nodes in its own name
(``Conv_3 + Relu_4``, ``PWN(relu0)``, ``a || b``), and the tensors that it makes. Layers of the two engines that share a
node's name belong together, and so does whatever shares one with them: one fused layer here may be three there. A layer
whose nodes the other engine does not name is put beside the layer that makes the same tensor.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.history.records import LayerRecord

_HELPER = re.compile(r"^Reformatting CopyNode for (?:Input|Output) Tensor \d+ to (?P<helped>.+)$")
# What TensorRT puts around a node's name, and what it calls a layer that it made up itself.
_WRAPPED = re.compile(r"^PWN\((?P<inside>.*)\)$")
_RANGE = re.compile(r"\{ForeignNode\[(?P<first>[^\[\]]*?)\.\.\.(?P<last>[^\[\]]*?)\]\}")
_UNNAMED = re.compile(r"\(Unnamed Layer\* \d+\)")
_COPIED = re.compile(r"^(?:copied_squeeze_after_|squeeze_after_|__myl_)")


@dataclass(frozen=True)
class Aligned:
    """Layers that compute the same; one side may have none.

    Attributes:
        here: of the first engine, in its order.
        there: of the second engine, in its order.
    """

    here: tuple[LayerRecord, ...]
    there: tuple[LayerRecord, ...]


def align(here: Sequence[LayerRecord], there: Sequence[LayerRecord]) -> list[Aligned]:
    """Return what layers of two engines belong together, in the order of the first engine.

    What only the second one has stands where it stands there: behind the layer that it follows.
    """
    sides = (here, there)
    groups = _Groups()
    for own in (_by_token(side, nodes_of) for side in sides), (_by_token(side, _tensors_of) for side in sides):
        first, second = own
        for token in [token for token in first if token in second]:
            members = [(0, place) for place in first[token]] + [(1, place) for place in second[token]]
            # A tensor's name joins only those for which no node's name did: two branches of a concatenation write
            # parts of the same tensor.
            if token.startswith(_TENSOR):
                members = [member for member in members if not groups.joined(member)]
            if {side for side, _ in members} == {0, 1}:
                groups.join(members)
    found: dict[tuple[int, int], tuple[list[LayerRecord], list[LayerRecord]]] = {}
    order: dict[tuple[int, int], tuple[float, int]] = {}
    behind = -1.0
    for side, layers in enumerate(sides):
        for place, layer in enumerate(layers):
            key = groups.representative((side, place))
            if key not in found:
                found[key] = ([], [])
                order[key] = (float(place), 0) if side == 0 else (behind, 1 + place)
            found[key][side].append(layer)
            behind = order[key][0] if side else behind
    return [Aligned(tuple(found[key][0]), tuple(found[key][1])) for key in sorted(found, key=order.__getitem__)]


def nodes_of(layer: LayerRecord) -> tuple[str, ...]:
    """Return the names of the ONNX nodes that a layer was made from, as far as its own name tells them.

    A layer that only brings a tensor into another format belongs to the nodes of the layer that it does so for.
    """
    return _nodes_in(layer.name)


def is_helper(layer: LayerRecord) -> bool:
    """Return whether a layer only brings a tensor into another format for a layer beside it."""
    return _HELPER.match(layer.name) is not None


# The engines of one model, which are put beside each other one after the other, share most of their layers' names.
@lru_cache(maxsize=10_000)
def _nodes_in(name: str) -> tuple[str, ...]:
    helper = _HELPER.match(name)
    if helper:
        name = helper["helped"]
    parts = _RANGE.sub(r"\g<first> + \g<last>", name)
    names = []
    for part in re.split(r" \+ | \|\| ", parts):
        wrapped = _WRAPPED.match(part.strip())
        node = (wrapped["inside"] if wrapped else part).strip()
        if node and not _UNNAMED.search(node) and not _COPIED.match(node):
            names.append(node)
    return tuple(names)


_TENSOR = "\0"


def _tensors_of(layer: LayerRecord) -> tuple[str, ...]:
    return tuple(f"{_TENSOR}{name}" for name in layer.outputs)


def _by_token(
    layers: Sequence[LayerRecord], tokens: Callable[[LayerRecord], Iterable[str]]
) -> Mapping[str, Sequence[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, layer in enumerate(layers):
        for token in dict.fromkeys(tokens(layer)):
            places[token].append(place)
    return places


class _Groups:
    """Disjoint sets of (side, place)."""

    def __init__(self) -> None:
        self._parents: dict[tuple[int, int], tuple[int, int]] = {}

    def joined(self, member: tuple[int, int]) -> bool:
        return member in self._parents

    def representative(self, member: tuple[int, int]) -> tuple[int, int]:
        parent = self._parents.get(member, member)
        while parent != self._parents.get(parent, parent):
            parent = self._parents[parent]
        return parent

    def join(self, members: Sequence[tuple[int, int]]) -> None:
        first = self.representative(members[0])
        for member in members:
            self._parents[self.representative(member)] = first
            self._parents.setdefault(member, first)
