"""A transformer encoder as exported from BERT: token ids and mask in, hidden states and a pooled vector out."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from suites.zoo.builder import GraphBuilder

VOCABULARY = 2048
LONGEST_SEQUENCE = 128
_HIDDEN = 256
_HEADS = 4
_LAYERS = 4
# Added to the attention scores of masked tokens: large enough to silence them, small enough for FP16.
_MASKED = -1e4


def encoder() -> onnx.ModelProto:
    """Return a post-norm encoder of 4 layers, 256 hidden units and 4 heads, with 3.8 million weights.

    Inputs: ``input_ids`` and ``attention_mask`` (1 for tokens, 0 for padding), int64 [batch, sequence], sequence at
    most LONGEST_SEQUENCE, ids below VOCABULARY. Outputs, float32: ``hidden_states`` [batch, sequence, 256], ``pooled``
    [batch, 256]. Normalisation and GELU are spelled out in primitive operators, as exporters below opset 17 do:
    TensorRT 8.5 knows no others.
    """
    build = GraphBuilder("encoder")
    ids = build.input("input_ids", ("batch", "sequence"), TensorProto.INT64)
    mask = build.input("attention_mask", ("batch", "sequence"), TensorProto.INT64)
    build.constant("zero", [0])
    build.constant("one", [1])
    build.constant("two", [2])
    hidden = _embeddings(build, ids)
    bias = _attention_bias(build, mask)
    for layer in range(_LAYERS):
        residual = _layer(build, f"layer{layer}", hidden, bias)
        hidden = _normalise(build, f"layer{layer}/norm" if layer < _LAYERS - 1 else "hidden_states", residual)
    build.constant("first_token", np.array(0))
    first = build.add("pooler/first", "Gather", hidden, "first_token", axis=1)
    build.add("pooled", "Tanh", build.linear("pooler", first, _HIDDEN, _HIDDEN))
    build.output(hidden, ("batch", "sequence", _HIDDEN))
    build.output("pooled", ("batch", _HIDDEN))
    return build.draft().to_model()


def _embeddings(build: GraphBuilder, ids: str) -> str:
    words = build.weight("embeddings/words/weight", (VOCABULARY, _HIDDEN), 1.0)
    positions = build.weight("embeddings/positions/weight", (LONGEST_SEQUENCE, _HIDDEN), 0.5)
    length = build.add("embeddings/length", "Slice", build.add("embeddings/shape", "Shape", ids), "one", "two")
    gathered = build.add("embeddings/words", "Gather", words, ids)
    placed = build.add("embeddings/positions", "Slice", positions, "zero", length, "zero")
    return _normalise(build, "embeddings/norm", build.add("embeddings/sum", "Add", gathered, placed))


def _attention_bias(build: GraphBuilder, mask: str) -> str:
    """Return a float32 [batch, 1, 1, sequence]: 0 for tokens, _MASKED for padding."""
    build.constant("mask/axes", [1, 2])
    build.constant("mask/one", [1.0])
    build.constant("mask/masked", [_MASKED])
    spread = build.add("mask/spread", "Unsqueeze", mask, "mask/axes")
    kept = build.add("mask/kept", "Cast", spread, to=TensorProto.FLOAT)
    return build.add("mask/bias", "Mul", build.add("mask/padding", "Sub", "mask/one", kept), "mask/masked")


def _layer(build: GraphBuilder, name: str, hidden: str, bias: str) -> str:
    """Append a layer up to the sum that its last normalisation is of."""
    attended = build.add(
        f"{name}/attention/residual", "Add", hidden, _attention(build, f"{name}/attention", hidden, bias)
    )
    attended = _normalise(build, f"{name}/attention/norm", attended)
    wide = _gelu(build, f"{name}/gelu", build.linear(f"{name}/wide", attended, _HIDDEN, 4 * _HIDDEN))
    return build.add(f"{name}/residual", "Add", attended, build.linear(f"{name}/narrow", wide, 4 * _HIDDEN, _HIDDEN))


def _attention(build: GraphBuilder, name: str, hidden: str, bias: str) -> str:
    width = _HIDDEN // _HEADS
    split = build.constant(f"{name}/split", [0, 0, _HEADS, width])
    joined = build.constant(f"{name}/joined", [0, 0, _HIDDEN])
    heads = {}
    for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        flat = build.linear(f"{name}/{part}", hidden, _HIDDEN, _HIDDEN)
        by_head = build.add(f"{name}/{part}/split", "Reshape", flat, split)
        heads[part] = build.add(f"{name}/{part}/heads", "Transpose", by_head, perm=order)
    products = build.add(f"{name}/products", "MatMul", heads["query"], heads["key"])
    scaled = build.add(f"{name}/scaled", "Mul", products, build.constant(f"{name}/scale", [width**-0.5]))
    weights = build.add(f"{name}/weights", "Softmax", build.add(f"{name}/scores", "Add", scaled, bias), axis=-1)
    mixed = build.add(f"{name}/mixed", "MatMul", weights, heads["value"])
    merged = build.add(f"{name}/merged", "Transpose", mixed, perm=[0, 2, 1, 3])
    return build.linear(f"{name}/output", build.add(f"{name}/flat", "Reshape", merged, joined), _HIDDEN, _HIDDEN)


def _normalise(build: GraphBuilder, name: str, tensor: str) -> str:
    """Append layer normalisation over the last dimension."""
    centred = build.add(f"{name}/centred", "Sub", tensor, build.add(f"{name}/mean", "ReduceMean", tensor, axes=[-1]))
    squared = build.add(f"{name}/squared", "Mul", centred, centred)
    variance = build.add(f"{name}/variance", "ReduceMean", squared, axes=[-1])
    shifted = build.add(f"{name}/shifted", "Add", variance, build.constant(f"{name}/epsilon", [1e-5]))
    unit = build.add(f"{name}/unit", "Div", centred, build.add(f"{name}/deviation", "Sqrt", shifted))
    scaled = build.add(f"{name}/scaled", "Mul", unit, build.weight(f"{name}/weight", (_HIDDEN,), 0.1, mean=1.0))
    return build.add(name, "Add", scaled, build.weight(f"{name}/bias", (_HIDDEN,), 0.1))


def _gelu(build: GraphBuilder, name: str, tensor: str) -> str:
    """Append x · (1 + erf(x / √2)) / 2."""
    ratio = build.add(f"{name}/ratio", "Div", tensor, build.constant(f"{name}/root_two", [2**0.5]))
    grown = build.add(
        f"{name}/grown", "Add", build.add(f"{name}/erf", "Erf", ratio), build.constant(f"{name}/one", [1.0])
    )
    product = build.add(f"{name}/product", "Mul", tensor, grown)
    return build.add(name, "Mul", product, build.constant(f"{name}/half", [0.5]))
