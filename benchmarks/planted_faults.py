"""Plant faults in the graphs of sound models, and count how often the layer analysis names the faulty layer first.

    python benchmarks/planted_faults.py

The engine under test is built of the faulty graph, the reference of the sound one, and what is asked is what the stage
``layers`` asks: ``compare_layers``, then, where a layer is outside its tolerance, ``analyse_layers``. A fault that
stays within the tolerances of FP32 is not named and counts as missed. A fault is drawn again only if it is none: if the
node, run unoptimised on the same inputs, gives bit for bit what it gave before. Faults are planted in nodes that make
an inner tensor; those that make an output are the stage ``outputs``' to judge. Goals: 95 % named first, and nothing
named in the sound models. The result goes to benchmarks/results/planted_faults.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))  # the suites need not be installed

from harness.cases import FP32, specs_to_json  # noqa: E402 - found by the line above
from harness.cases.feed import feed_to_json  # noqa: E402 - the same
from harness.graphs.base import base_graph  # noqa: E402 - the same
from harness.graphs.cache import GraphCache  # noqa: E402 - the same
from harness.runtimes.base import BuildRequest  # noqa: E402 - the same
from harness.runtimes.onnxruntime import OnnxRuntime  # noqa: E402 - the same
from harness.workers.analysing import analyse_layers  # noqa: E402 - the same
from harness.workers.comparing import compare_layers  # noqa: E402 - the same
from harness.workers.reference import compute_reference  # noqa: E402 - the same
from harness.workers.tensors import load_tensors  # noqa: E402 - the same
from suites.catalogue import CATALOGUE  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.cases import Model

_RESULT = _ROOT / "benchmarks" / "results" / "planted_faults.json"
_MODELS = ("resnet50", "encoder", "shufflenet", "densenet121")
_FAULTS = 50
_GOAL = 0.95
_SEED = 20


class Draft:
    """A copy of a sound graph to plant one fault in.

    Args:
        model: the sound graph.
        layers: the reference's tensors, by name.
        generator: of what is random in the fault.
    """

    def __init__(self, model: onnx.ModelProto, layers: dict[str, np.ndarray], generator: np.random.Generator) -> None:
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.layers, self.random = layers, generator
        self._weights = {tensor.name: tensor for tensor in self.model.graph.initializer}

    def nodes(self, *operators: str) -> list[NodeProto]:
        """Return the nodes of these operators, or of all, whose first output the reference has as floats."""
        return [
            node
            for node in self.model.graph.node
            if (not operators or node.op_type in operators)
            and node.output[0] in self.layers
            and self.layers[node.output[0]].dtype == np.float32
        ]

    def weight(self, node: NodeProto, position: int) -> np.ndarray | None:
        """Return a float weight that a node reads, or None where that operand is none."""
        name = node.input[position] if position < len(node.input) else ""
        tensor = self._weights.get(name)
        return None if tensor is None or tensor.data_type != TensorProto.FLOAT else numpy_helper.to_array(tensor)

    def replace(self, node: NodeProto, position: int, array: np.ndarray) -> None:
        """Let this node alone read another weight."""
        name = f"{node.input[position]}/planted"
        self.model.graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), name))
        node.input[position] = name

    def insert_after(self, node: NodeProto, *steps: tuple[str, dict[str, Any], dict[str, np.ndarray]]) -> None:
        """Put nodes (operator, attributes, further operands) between a node and what reads it, or the tensor's name."""
        tensor = node.output[0]
        current = f"{tensor}/before"
        node.output[0] = current
        place = next(i for i, other in enumerate(self.model.graph.node) if other.name == node.name) + 1
        for number, (operator, attributes, operands) in enumerate(steps):
            names = [f"{tensor}/{operand}" for operand in operands]
            self.model.graph.initializer.extend(map(numpy_helper.from_array, operands.values(), names))
            made = tensor if number == len(steps) - 1 else f"{tensor}/step{number}"
            step = helper.make_node(operator, [current, *names], [made], f"{tensor}/planted{number}", **attributes)
            self.model.graph.node.insert(place + number, step)
            current = made


# Each plants a fault and returns the name of the tensor that it spoils, or None where the model has no place for it.
def scale_weight(draft: Draft) -> str | None:
    """Multiply the weights of a node by 1.1 to 2, or divide them by as much."""
    places = _with_matrix(draft)
    if not places:
        return None
    node, position, weight = _choice(draft, places)
    factor = draft.random.uniform(1.1, 2.0) ** draft.random.choice([-1.0, 1.0])
    draft.replace(node, position, weight * factor)
    return node.output[0]


def shift_bias(draft: Draft) -> str | None:
    """Add 0.1 to 1 times the RMS of a node's output to its bias."""
    positions = {"Conv": 2, "Gemm": 2, "BatchNormalization": 2, "Add": 1}
    places = [
        (node, positions[node.op_type], bias)
        for node in draft.nodes(*positions)
        if (bias := draft.weight(node, positions[node.op_type])) is not None and bias.size > 1
    ]
    if not places:
        return None
    node, position, bias = _choice(draft, places)
    rms = float(np.sqrt(np.mean(np.square(draft.layers[node.output[0]], dtype=np.float64))))
    draft.replace(node, position, bias + draft.random.uniform(0.1, 1.0) * rms)
    return node.output[0]


def swap_channels(draft: Draft) -> str | None:
    """Swap the weights of two output channels of a node."""
    places = _with_matrix(draft)
    if not places:
        return None
    node, position, weight = _choice(draft, places)
    axis = _output_axis(node)
    first, second = draft.random.choice(weight.shape[axis], 2, replace=False)
    order = np.arange(weight.shape[axis])
    order[[first, second]] = order[[second, first]]
    draft.replace(node, position, np.take(weight, order, axis))
    return node.output[0]


def clip_activation(draft: Draft) -> str | None:
    """Clip a node's output at 0.2 to 0.6 of its largest magnitude."""
    node = _choice(draft, draft.nodes())
    limit = np.float32(np.abs(draft.layers[node.output[0]]).max() * draft.random.uniform(0.2, 0.6))
    tensor = node.output[0]
    draft.insert_after(node, ("Clip", {}, {"low": np.array(-limit), "high": np.array(limit)}))
    return tensor


def overflow_fp16(draft: Draft) -> str | None:
    """Hold a node's output in float16 at a scale at which its largest values, from half of the peak, overflow."""
    node = _choice(draft, draft.nodes())
    tensor = node.output[0]
    peak = float(np.abs(draft.layers[tensor]).max())
    if not 1e-20 < peak < 1e20:
        return None
    factor = np.array(65504.0 / (peak * draft.random.uniform(0.5, 0.95)), np.float32)
    draft.insert_after(
        node,
        ("Mul", {}, {"factor": factor}),
        ("Cast", {"to": TensorProto.FLOAT16}, {}),
        ("Cast", {"to": TensorProto.FLOAT}, {}),
        ("Div", {}, {"divisor": factor}),
    )
    return tensor


def change_epsilon(draft: Draft) -> str | None:
    """Multiply the epsilon of a normalisation by 100 to 100 000."""
    factor = 10.0 ** draft.random.uniform(2.0, 5.0)
    spelled_out = [node for node in draft.nodes("Add") if any(name.endswith("/epsilon") for name in node.input)]
    places = [*draft.nodes("BatchNormalization"), *spelled_out]
    if not places:
        return None
    node = _choice(draft, places)
    if node.op_type == "Add":
        epsilon = draft.weight(node, 1)
        assert epsilon is not None
        draft.replace(node, 1, epsilon * factor)
    else:
        attribute = next((a for a in node.attribute if a.name == "epsilon"), None)
        if attribute is None:
            attribute = helper.make_attribute("epsilon", 1e-5)
            node.attribute.append(attribute)
            attribute = node.attribute[-1]
        attribute.f *= factor
    return node.output[0]


def shift_padding(draft: Draft) -> str | None:
    """Move a node's padding from the end of each dimension to its beginning, which keeps the shape."""
    places = [
        attribute
        for node in draft.nodes("Conv", "MaxPool", "AveragePool")
        for attribute in node.attribute
        if attribute.name == "pads" and any(attribute.ints[len(attribute.ints) // 2 :])
    ]
    if not places:
        return None
    attribute = _choice(draft, places)
    half = len(attribute.ints) // 2
    moved = [a + b for a, b in zip(attribute.ints[:half], attribute.ints[half:], strict=True)]
    attribute.ints[:] = [*moved, *[0] * half]
    return next(node.output[0] for node in draft.model.graph.node if attribute in node.attribute)


KINDS: dict[str, Callable[[Draft], str | None]] = {
    "weight scaled": scale_weight,
    "bias shifted": shift_bias,
    "channels swapped": swap_channels,
    "activation clipped": clip_activation,
    "float16 overflow": overflow_fp16,
    "wrong epsilon": change_epsilon,
    "wrong padding": shift_padding,
}


def _with_matrix(draft: Draft) -> list[tuple[NodeProto, int, np.ndarray]]:
    return [
        (node, 1, weight)
        for node in draft.nodes("Conv", "Gemm", "MatMul")
        if (weight := draft.weight(node, 1)) is not None and weight.shape[_output_axis(node)] > 1
    ]


def _output_axis(node: NodeProto) -> int:
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return 0 if node.op_type == "Conv" or transposed else 1


def _choice(draft: Draft, places: list[Any]) -> Any:
    return places[int(draft.random.integers(len(places)))]


@dataclass(frozen=True)
class Named:
    """What the layer analysis said of one engine: the layer that makes the error, the first outside, and why."""

    culprit: str | None
    first_outside: str | None
    lines: tuple[str, ...]
    seconds: float


class Subject:
    """A sound model with its reference.

    Args:
        model: of the catalogue.
        folder: for its graph and reference.
    """

    def __init__(self, model: Model, folder: Path) -> None:
        self._model, self._folder = model, folder
        cache = GraphCache(folder / "cache")
        base = base_graph(model.source, cache)
        self._inputs = base.inputs
        self.graph = onnx.load(str(cache.path_of(base.hash)))
        self._point = model.profiles[0].smallest
        self._reference = folder / "reference"
        request = {
            "graph": str(cache.path_of(base.hash)),
            "inputs": specs_to_json(base.inputs),
            "feeds": {name: feed_to_json(feed) for name, feed in model.feeds.items()},
            "seed": model.name,
            "points": {"point": dict(self._point.sizes)},
        }
        compute_reference(OnnxRuntime(), request, {"point": self._reference}, "point")
        self.layers = load_tensors(self._reference / "layers")

    def changes(self, graph: onnx.ModelProto, tensor: str) -> bool:
        """Tell whether a graph, run unoptimised, makes another ``tensor`` than the sound one, by a single bit."""
        reader = OnnxRuntime().layer_reader(self._request(graph, {"optimization": "disabled"}))
        _, layers = reader(load_tensors(self._reference / "inputs"))
        made = next(array for name, _, array in layers if name == tensor)
        return made.tobytes() != self.layers[tensor].tobytes()

    def named(self, graph: onnx.ModelProto) -> Named:
        """Build an engine of ``graph`` and ask of it what the stage ``layers`` asks."""
        started = time.perf_counter()
        runtime = OnnxRuntime()
        request = self._request(graph, {})
        runtime.build(request)
        engine = runtime.load(request.destination)
        answer = compare_layers(runtime, engine, request, self._reference, self._model.tolerances_for(FP32))
        engine.close()
        found: dict[str, Any] = {"culprit": None, "lines": []}
        if not answer["passed"]:
            found = analyse_layers({
                "graph": str(request.graph),
                "recipe": "fp32",
                "inputs": specs_to_json(self._inputs),
                "folder": str(self._reference),
                "rows_along": None,
                "tensors": answer["tensors"],
            })  # fmt: skip
        seconds = time.perf_counter() - started
        return Named(found["culprit"], answer["first_outside"], tuple(found["lines"]), seconds)

    def _request(self, graph: onnx.ModelProto, options: dict[str, Any]) -> BuildRequest:
        path = self._folder / "planted.onnx"
        onnx.save(graph, path)
        return BuildRequest(
            graph=path,
            precision=FP32,
            profile=self._model.profiles[0],
            inputs=self._inputs,
            destination=self._folder / "planted.engine",
            options=options,
        )


def plant(subjects: dict[str, Subject], kind: str, generator: np.random.Generator) -> dict[str, Any]:
    """Draw a fault of ``kind`` that is one, and return what was planted, what was named, and how many drawn were none.

    A model that has no place for it (the encoder has no padding) is drawn again.
    """
    unchanged = 0
    while True:
        name = str(generator.choice(list(subjects)))
        subject = subjects[name]
        draft = Draft(subject.graph, subject.layers, generator)
        tensor = KINDS[kind](draft)
        if tensor is None:
            continue
        if subject.changes(draft.model, tensor):
            break
        unchanged += 1
    named = subject.named(draft.model)
    return {
        "model": name,
        "kind": kind,
        "tensor": tensor,
        "named": named.culprit,
        "first_outside": named.first_outside,
        "correct": named.culprit == tensor,
        "said": list(named.lines),
        "drawn_without_effect": unchanged,
        "seconds": round(named.seconds, 1),
    }


def measure(faults: int, seed: int) -> dict[str, Any]:
    """Plant ``faults`` and return what became of them, and of the sound models."""
    generator = np.random.default_rng(seed)
    models = {model.name: model for model in CATALOGUE}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        subjects = {name: Subject(models[name], Path(folder) / name) for name in _MODELS}
        sound = {name: subject.named(subject.graph).culprit for name, subject in subjects.items()}
        print(f"sound models: {sound}", flush=True)
        rows = []
        for number in range(faults):
            # In turns, since few models have a place for some of the kinds.
            rows.append(plant(subjects, list(KINDS)[number % len(KINDS)], generator))
            print(number, {key: value for key, value in rows[-1].items() if key != "said"}, flush=True)
    correct = sum(row["correct"] for row in rows)
    return {
        "seed": seed,
        "faults": faults,
        "named_first": correct,
        "share": round(correct / faults, 3),
        "first_outside_is_it": sum(row["first_outside"] == row["tensor"] for row in rows),
        "by_kind": {
            kind: f"{sum(row['correct'] for row in rows if row['kind'] == kind)} of {count}"
            for kind, count in sorted(Counter(row["kind"] for row in rows).items())
        },
        "sound_models_named": sound,
        "goals": {"share_at_least": _GOAL, "named_in_sound_models": 0},
        "reached": correct >= _GOAL * faults and not any(sound.values()),
        "misses": [row for row in rows if not row["correct"]],
        "rows": rows,
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=_FAULTS, help=f"how many (default: {_FAULTS})")
    parser.add_argument("--seed", type=int, default=_SEED, help=f"of the generator (default: {_SEED})")
    parser.add_argument("--output", type=Path, default=_RESULT, help="where the JSON goes")
    arguments = parser.parse_args()
    result = measure(arguments.faults, arguments.seed)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{result['named_first']} of {result['faults']} named first; sound models: {result['sound_models_named']}")


if __name__ == "__main__":
    main()
