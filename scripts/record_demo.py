"""Record sessions of histories as ``examples/demo/sessions.jsonl.xz``: ``scripts/record_demo.py HISTORY.db …``.

Sessions that did not end are left out, and so are those that were in a former history already. Of every measurement at
most ``MOST_SAMPLES`` raw samples are kept, evenly spread over the run.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from demo_records import RecordedSession, write_recording
from sqlalchemy import select

from harness.errors import UsageError
from harness.history.store import History
from harness.history.tables import Measurement, Series, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

    from harness.history.records import TrialRecord

MOST_SAMPLES = 120
RECORDING = Path(__file__).resolve().parents[1] / "examples" / "demo" / "sessions.jsonl.xz"


def recorded_sessions(history: History) -> Iterator[RecordedSession]:
    """Yield every session of a history that ended and has a trial, in the order of their start."""
    queries = history.queries
    for row in queries.sessions():
        if row.finished_at is None:
            continue
        with queries.snapshot() as connection:
            own = select(Trial.id).where(Trial.session_id == row.record.id)
            numbers = list(connection.scalars(own.order_by(Trial.id)))
            kept = (
                select(Measurement.trial_id, Series.metric, Series.point, Measurement.samples)
                .join(Series, Series.id == Measurement.series_id)
                .where(Measurement.trial_id.in_(numbers), Measurement.samples.is_not(None))
            )
            samples = {(number, metric, point): raw for number, metric, point, raw in connection.execute(kept)}
        trials = tuple(
            _with_samples(trial.record, number, samples) for number, trial in queries.trials(numbers).items()
        )
        if trials:
            yield RecordedSession(row.record, row.status, row.finished_at, trials)


def _with_samples(trial: TrialRecord, number: int, samples: Mapping[tuple[int, str, str], np.ndarray]) -> TrialRecord:
    measurements = []
    for each in trial.measurements:
        raw = samples.get((number, each.metric, each.point))
        thinned = None if raw is None else raw[:: -(-len(raw) // MOST_SAMPLES)]
        measurements.append(replace(each, samples=thinned))
    return replace(trial, measurements=tuple(measurements))


def main(arguments: Sequence[str] | None = None) -> int:
    """Record, and say how much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("histories", nargs="+", type=Path, metavar="HISTORY.db")
    parser.add_argument("--output", type=Path, default=RECORDING, metavar="FILE.jsonl.xz")
    options = parser.parse_args(arguments)
    sessions: dict[str, RecordedSession] = {}
    try:
        for path in options.histories:
            with History.open(path, read_only=True) as history:
                for session in recorded_sessions(history):
                    sessions.setdefault(session.record.id, session)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    in_order = sorted(sessions.values(), key=lambda session: session.record.started_at)
    write_recording(options.output, in_order)
    trials = sum(len(session.trials) for session in in_order)
    print(f"{len(in_order)} sessions, {trials} trials: {options.output} ({options.output.stat().st_size:,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
