"""What is remembered of a session: plain frozen records, the contract between sessions, the database and reports."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy as np

    from harness.verdicts.gate import Verdict

Outcome = Literal["ok", "failed", "crashed", "timed_out", "unsupported"]
Quality = Literal["ok", "contended", "throttled", "unstable"]


def stable_hash(value: object) -> str:
    """Return SHA-256 (hex) over ``value`` as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """One run of pytest, or of ``trt-harness check``.

    Attributes:
        id: 12 hexadecimal digits.
        started_at: UTC.
        command: the command line, to be shown.
        settings: the settings in force, to be resumed with.
        commit: of the checkout that holds the suite; None outside git.
        branch: likewise.
        dirty: whether the checkout had uncommitted changes.
        harness_version: of this package.
    """

    id: str
    started_at: datetime
    command: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    harness_version: str = ""


@dataclass(frozen=True, kw_only=True)
class EnvironmentRecord:
    """The machine.

    Attributes:
        name: what a person calls it, e.g. ``NVIDIA H200`` or ``cpu: AMD EPYC 9354, 2 cores``.
        identity: only facts that survive a reboot; their hash tells environments apart.
        facts: anything else worth reading beside a result.
    """

    name: str
    identity: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 over the identity."""
        return stable_hash(self.identity)


@dataclass(frozen=True, kw_only=True)
class SubjectRecord:
    """The software under test.

    Attributes:
        name: as given to ``--subject``, else the runtime's name.
        runtime: ``onnxruntime``, ``onnxruntime-cuda`` or ``tensorrt``.
        version: the runtime's version.
        libraries: versions of what stands beside it: CUDA, cuDNN, driver, provider.
    """

    name: str
    runtime: str
    version: str
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 over runtime, version and libraries; the name is only a label."""
        return stable_hash({"runtime": self.runtime, "version": self.version, "libraries": dict(self.libraries)})


@dataclass(frozen=True, kw_only=True)
class LayerRecord:
    """One layer of an engine.

    Attributes:
        position: place in the engine's order, from 0.
        name: the engine's own name for it.
        operator: its type.
        compute_type: the number type that it computes in; ``""`` for layers that only move or reshape data.
        tactic: which implementation was chosen; ``""`` where the runtime does not say.
        outputs: the tensors that it makes.
        milliseconds: median of its time in runs under a profiler, which slows them; None where it was not profiled.
    """

    position: int
    name: str
    operator: str
    compute_type: str
    tactic: str = ""
    outputs: tuple[str, ...] = ()
    milliseconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class EngineRecord:
    """One built artefact.

    Attributes:
        fingerprint: SHA-256 over its layers, their types and tactics: equal where a rebuild chose the same.
        bytes: size of the serialised engine.
        build_seconds: how long the build took.
        options: the build's options, by name.
        type_shares: share of layers per number type, summing to 1.
        layers: number of layers.
        warnings: lines of the build log worth showing.
        time_shares: share of the computing layers' time per number type, summing to 1; empty where no time is known.
        warning_kinds: how many warnings of each kind the build gave.
        log: of the build.
        layer_list: the layers themselves, in the engine's order; empty where they were not listed.
    """

    fingerprint: str
    bytes: int
    build_seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)
    type_shares: Mapping[str, float] = field(default_factory=dict)
    layers: int = 0
    warnings: tuple[str, ...] = ()
    time_shares: Mapping[str, float] = field(default_factory=dict)
    warning_kinds: Mapping[str, int] = field(default_factory=dict)
    log: str = ""
    layer_list: tuple[LayerRecord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NodeRecord:
    """One node of a graph.

    Attributes:
        name: as the graph has it; may be empty.
        operator: its type, e.g. ``Conv``.
        inputs: names of the tensors that it reads, less constants.
        outputs: names of the tensors that it makes.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GraphRecord:
    """The graph that an engine was built from; see ``harness.graphs.structure``.

    Attributes:
        hash: SHA-256 over graph and weights.
        size: how many nodes it has, constant ones and those that quantise apart.
        inputs: names of the tensors that it is fed.
        outputs: names of those that it gives back.
        nodes: each behind those that it reads from; none of a graph that is too large to be kept.

    Raises:
        HistoryError: two nodes make the same tensor, or one reads what none before it makes.
    """

    hash: str
    size: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[NodeRecord, ...] = ()

    def __post_init__(self) -> None:
        made = set(self.inputs)
        for node in self.nodes:
            for problem, names in (
                ("reads {!r}, which no node before it makes", [name for name in node.inputs if name not in made]),
                ("makes {!r}, which is made before it", [name for name in node.outputs if name in made]),
            ):
                if names:
                    raise HistoryError(
                        f"in the graph {self.hash[:12]!r} the node {node.name!r} ({node.operator}) "
                        f"{problem.format(names[0])}; list each node once, behind those that it reads from"
                    )
            made.update(node.outputs)


@dataclass(frozen=True, kw_only=True)
class MeasurementRecord:
    """One metric at one point of one trial.

    Attributes:
        metric: a name out of ``harness.cases.METRICS``.
        point: the point's label, or ``""`` where the metric belongs to the whole engine.
        value: in the metric's unit.
        samples: float32 [n], in the metric's unit, or None where a single number was read.
    """

    metric: str
    point: str
    value: float
    samples: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class TensorErrorRecord:
    """The error of one tensor of one trial.

    Attributes:
        scope: final output or layer.
        position: place in graph order, from 0.
        tensor: the tensor's name.
        operator: type of the node that makes it; ``""`` if unknown.
        point: the point's label.
        errors: the measures, by the names of ``harness.accuracy.TensorError``.
        tolerance: the limits that it was held against; empty where none applied.
        passed: whether it was within them; None where none applied.
        analysis: of layers that were run alone, where their error comes from: an entry of what
            ``harness.workers.analysing`` answers.
    """

    scope: Literal["outputs", "layers"]
    position: int
    tensor: str
    operator: str
    point: str
    errors: Mapping[str, Any]
    tolerance: Mapping[str, float] = field(default_factory=dict)
    passed: bool | None = None
    analysis: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FindingRecord:
    """One stage of one trial and how it ended: what its pytest item says.

    Attributes:
        stage: ``build precision outputs layers invariance task latency regression``.
        outcome: as pytest has it.
        message: the sentence of a failure or the reason of a skip.
    """

    stage: str
    outcome: Literal["passed", "failed", "skipped"]
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class VerdictRecord:
    """The gate's word on one series of one trial.

    Attributes:
        metric: a name out of ``harness.cases.METRICS``.
        point: the point's label, or ``""`` where the metric belongs to the whole engine.
        verdict: the word, with its numbers.
        cause: what a change goes with, a class of ``harness.verdicts.cause``; ``""`` where nobody asked.
        cause_details: what the class rests on.
    """

    metric: str
    point: str
    verdict: Verdict
    cause: str = ""
    cause_details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """Everything that one trial of one case left behind; stored in one commit.

    Attributes:
        session: id of its session.
        case_id: e.g. ``squeezenet-fp16-batch1x4x16``.
        case_hash: SHA-256 over id and version.
        case_version: the model's version.
        model: the model's name, as are ``precision`` and ``profile``.
        index: 0 for the first trial of the case in its session, 1 … for confirmations.
        started_at: UTC.
        outcome: how it ended.
        message: of a failure, with the log's tail.
        quality: whether its timings can be trusted.
        conditions: load average, frequency, other processes, as read beside the timings.
        phases: wall seconds by phase: ``graph reference build run compare measure harness``.
        graph: what its engine was built from; None if that was not made, or stored before graphs were.
    """

    session: str
    case_id: str
    case_hash: str
    case_version: int
    model: str
    precision: str
    profile: str
    environment: EnvironmentRecord
    subject: SubjectRecord
    started_at: datetime
    index: int = 0
    outcome: Outcome = "ok"
    message: str = ""
    quality: Quality = "ok"
    conditions: Mapping[str, Any] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)
    engine: EngineRecord | None = None
    graph: GraphRecord | None = None
    measurements: tuple[MeasurementRecord, ...] = ()
    tensor_errors: tuple[TensorErrorRecord, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    verdicts: tuple[VerdictRecord, ...] = ()
