"""Sessions as text: a line of JSON each for a session and for each of its trials, compressed.

A recording holds what the harness stores of a session, so that a history can be made from it again through the same
calls. Lines are as Python's ``json`` writes them, ``Infinity`` included. The first line says which format it is.
"""

from __future__ import annotations

import json
import lzma
import math
import re
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import UsageError
from harness.history.records import (
    EngineRecord,
    EnvironmentRecord,
    FindingRecord,
    GraphRecord,
    LayerRecord,
    MeasurementRecord,
    NodeRecord,
    SessionRecord,
    SubjectRecord,
    TensorErrorRecord,
    TrialRecord,
    VerdictRecord,
)
from harness.verdicts.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

# 1: the first one.
FORMAT = 1
# Folders of a machine, and the serial numbers of its devices, say nothing to others; the names of files do. Tensors are
# called like paths too, so only what lies in folders that machines have is taken for one.
_FOLDERS = re.compile(r"(?<![\w./])/(?:data|home|mnt|opt|root|srv|t|tmp|usr|var|work)/(?:[^\s/'\"]+/)*(?=[^\s/'\"]*)")
_SERIAL = re.compile(r"GPU-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class RecordedSession:
    """A session with all of its trials.

    Attributes:
        record: what was stored when it started.
        status: how it ended.
        finished_at: when, UTC.
        trials: in the order in which they were committed, with raw samples.
    """

    record: SessionRecord
    status: str
    finished_at: datetime | None
    trials: tuple[TrialRecord, ...]


def write_recording(file: Path, sessions: Iterable[RecordedSession]) -> None:
    """Write sessions to a file that ends in ``.xz``, without folders and serial numbers of the machine."""
    with lzma.open(file, "wt", encoding="utf-8", newline="\n", preset=9 | lzma.PRESET_EXTREME) as lines:
        lines.write(f"{json.dumps({'format': FORMAT})}\n")
        for session in sessions:
            about = {"record": session.record, "status": session.status, "finished_at": session.finished_at}
            lines.write(f"{_line({'session': about})}\n")
            lines.writelines(f"{_line({'trial': trial})}\n" for trial in session.trials)


def read_recording(file: Path) -> Iterator[RecordedSession]:
    """Yield the sessions of a file, in its order.

    Raises:
        UsageError: the file is of another format.
    """
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        found = json.loads(next(lines, "{}")).get("format")
        if found != FORMAT:
            raise UsageError(f"{file.name} is a recording of format {found!r}, and this reads format {FORMAT}")
        session: Mapping[str, Any] = {}
        trials: list[TrialRecord] = []
        for line in lines:
            read = json.loads(line)
            if "trial" in read:
                trials.append(_trial(read["trial"]))
                continue
            if session:
                yield _session(session, trials)
            session, trials = read["session"], []
        if session:
            yield _session(session, trials)


def without_machine(text: str) -> str:
    """Return ``text`` with paths cut to the names of files, and without serial numbers of GPUs."""
    return _SERIAL.sub("GPU", _FOLDERS.sub("", text))


def _line(value: object) -> str:
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {without_machine(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        # Raw samples are float32 from clocks with steps of about a microsecond: five digits are what they hold.
        return [float(f"{sample:.5g}") for sample in value.tolist()]
    if isinstance(value, datetime):
        return value.isoformat()
    return without_machine(value) if isinstance(value, str) else value


def _session(read: Mapping[str, Any], trials: Iterable[TrialRecord]) -> RecordedSession:
    record = {**read["record"], "started_at": datetime.fromisoformat(read["record"]["started_at"])}
    finished = read["finished_at"]
    return RecordedSession(
        record=SessionRecord(**record),
        status=read["status"],
        finished_at=None if finished is None else datetime.fromisoformat(finished),
        trials=tuple(trials),
    )


def _trial(read: Mapping[str, Any]) -> TrialRecord:
    return TrialRecord(
        **{
            **read,
            "environment": EnvironmentRecord(**read["environment"]),
            "subject": SubjectRecord(**read["subject"]),
            "started_at": datetime.fromisoformat(read["started_at"]),
            "engine": None if read["engine"] is None else _engine(read["engine"]),
            "graph": _graph(read.get("graph")),
            "measurements": tuple(map(_measurement, read["measurements"])),
            "tensor_errors": tuple(TensorErrorRecord(**each) for each in read["tensor_errors"]),
            "findings": tuple(FindingRecord(**each) for each in read["findings"]),
            "verdicts": tuple(
                VerdictRecord(**{**each, "verdict": Verdict(**each["verdict"])}) for each in read["verdicts"]
            ),
        }
    )


def _engine(read: Mapping[str, Any]) -> EngineRecord:
    layers = (LayerRecord(**{**layer, "outputs": tuple(layer["outputs"])}) for layer in read["layer_list"])
    return EngineRecord(**{**read, "warnings": tuple(read["warnings"]), "layer_list": tuple(layers)})


def _graph(read: Mapping[str, Any] | None) -> GraphRecord | None:
    """Return a trial's graph; recordings of before graphs were remembered have none."""
    if read is None:
        return None
    nodes = (NodeRecord(**{**node, **_tuples(node, "inputs", "outputs")}) for node in read["nodes"])
    return GraphRecord(**{**read, **_tuples(read, "inputs", "outputs"), "nodes": tuple(nodes)})


def _tuples(read: Mapping[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(read[name]) for name in names}


def _measurement(read: Mapping[str, Any]) -> MeasurementRecord:
    samples = None if read["samples"] is None else np.array(read["samples"], dtype=np.float32)
    value = math.nan if read["value"] is None else read["value"]
    return MeasurementRecord(**{**read, "value": value, "samples": samples})
