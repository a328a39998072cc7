"""Metrics: what is measured, in which unit, and which way is worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.errors import ConfigurationError, unknown_value

Direction = Literal["lower", "higher"]
Scale = Literal["log", "linear"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One measured quantity.

    Attributes:
        name: its name in the database and in reports.
        title: its name in sentences.
        unit: ``ms``, ``s``, ``1/s``, ``B``, ``J``, ``dB`` or ``1``.
        direction: which way is better.
        smallest_effect: the smallest change worth a word: relative on a ``log`` scale, in ``unit`` on a ``linear`` one.
        scale: whether a change is a ratio or a difference.
        resolution: the step below which its instrument cannot tell two values apart, in ``unit``.
        gated: whether a change for the worse fails a test.
        timed: whether it is taken from a clock, so that runs of a busy machine or of another pace do not compare.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    smallest_effect: float
    scale: Scale = "log"
    resolution: float = 0.0
    gated: bool = True
    timed: bool = False


_ALL = (
    Metric(name="latency_host", title="latency, host to host, median", unit="ms", direction="lower",
           smallest_effect=0.05, resolution=1e-4, timed=True),
    Metric(name="latency_host_p90", title="latency, host to host, 90th percentile", unit="ms", direction="lower",
           smallest_effect=0.10, resolution=1e-4, gated=False, timed=True),
    Metric(name="latency_host_p99", title="latency, host to host, 99th percentile", unit="ms", direction="lower",
           smallest_effect=0.20, resolution=1e-4, gated=False, timed=True),
    Metric(name="latency_graph", title="GPU latency, CUDA graph replay, median", unit="ms", direction="lower",
           smallest_effect=0.02, resolution=1e-3, timed=True),
    Metric(name="latency_stream", title="GPU latency, stream launch, median", unit="ms", direction="lower",
           smallest_effect=0.05, resolution=1e-3, timed=True),
    Metric(name="roofline_distance", title="GPU latency over the roofline", unit="1", direction="lower",
           smallest_effect=0.05, gated=False, timed=True),
    Metric(name="throughput", title="throughput, samples", unit="1/s", direction="higher", smallest_effect=0.05,
           gated=False, timed=True),
    Metric(name="build_seconds", title="build time", unit="s", direction="lower", smallest_effect=0.5,
           resolution=0.05, gated=False, timed=True),
    Metric(name="load_seconds", title="time to load the engine", unit="s", direction="lower", smallest_effect=0.5,
           resolution=0.02, gated=False, timed=True),
    Metric(name="engine_bytes", title="engine size", unit="B", direction="lower", smallest_effect=0.01),
    # What the builder is given, and no work of its own: where more weights matter, the engine is larger, too.
    Metric(name="weight_bytes", title="weights in the graph", unit="B", direction="lower", smallest_effect=0.01,
           gated=False),
    Metric(name="host_memory_peak", title="peak host memory of the worker", unit="B", direction="lower",
           smallest_effect=0.10, resolution=2.0**20),
    Metric(name="device_memory_peak", title="peak device memory of the worker", unit="B", direction="lower",
           smallest_effect=0.05, resolution=2.0**20),
    Metric(name="context_memory", title="device memory of an execution context", unit="B", direction="lower",
           smallest_effect=0.02),
    Metric(name="throughput_streams", title="throughput over several streams, samples", unit="1/s", direction="higher",
           smallest_effect=0.05, gated=False, timed=True),
    Metric(name="energy_per_run", title="energy of the GPU for one run", unit="J", direction="lower",
           smallest_effect=0.10, gated=False, timed=True),
    Metric(name="output_max_abs", title="largest absolute error of the outputs", unit="1", direction="lower",
           smallest_effect=0.5, gated=False),
    Metric(name="output_cosine", title="smallest cosine similarity of the outputs", unit="1", direction="higher",
           smallest_effect=1e-3, scale="linear"),
    Metric(name="output_sqnr_db", title="smallest signal-to-error ratio of the outputs", unit="dB", direction="higher",
           smallest_effect=3.0, scale="linear"),
    # Of the reference, not of the engine: no engine can make it worse.
    Metric(name="reference_sqnr_db", title="agreement of references, smallest ratio of the outputs", unit="dB",
           direction="higher", smallest_effect=3.0, scale="linear", gated=False),
    Metric(name="run_to_run_difference", title="difference between equal runs, of the largest magnitude", unit="1",
           direction="lower", smallest_effect=1e-6, scale="linear", gated=False),
    Metric(name="profile_difference", title="difference between profiles on one input, of the largest magnitude",
           unit="1", direction="lower", smallest_effect=1e-3, scale="linear", gated=False),
    Metric(name="top1", title="top-1 accuracy on the labelled set", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear"),
    Metric(name="top5", title="top-5 accuracy on the labelled set", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear", gated=False),
    Metric(name="macro_f1", title="mean F1 of the classes on the labelled set", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear", gated=False),
    Metric(name="box_ap", title="average precision of boxes, IoU 0.5 to 0.95", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear"),
    Metric(name="box_ap50", title="average precision of boxes, IoU 0.5", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear", gated=False),
    Metric(name="mean_iou", title="mean intersection over union of the classes", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear"),
    Metric(name="retrieval", title="retrieval among the nearest neighbours", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear"),
    Metric(name="embedding_cosine", title="mean cosine similarity with the FP32 graph's embeddings", unit="1",
           direction="higher", smallest_effect=1e-3, scale="linear", gated=False),
    Metric(name="entity_f1", title="F1 of entities on the labelled set", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear"),
    # Whether an operator computes what ONNX says of it: 1 or 0, compared exactly; and by how much it misses that.
    Metric(name="operator_passes", title="the operator computes what its specification says", unit="1",
           direction="higher", smallest_effect=1.0, scale="linear"),
    Metric(name="operator_error", title="largest error of the operator, as a multiple of what is allowed", unit="1",
           direction="lower", smallest_effect=0.5, gated=False),
    Metric(name="token_accuracy", title="accuracy of tags on the labelled set", unit="1", direction="higher",
           smallest_effect=0.005, scale="linear", gated=False),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}


def metric_named(name: str) -> Metric:
    """Return the metric called ``name``, or raise ConfigurationError with the nearest one."""
    try:
        return METRICS[name]
    except KeyError:
        raise ConfigurationError(unknown_value("metric", name, METRICS)) from None
