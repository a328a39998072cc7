"""Whether the timings of a trial can be trusted, in a sentence and, where they cannot, in a mark beside a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import text
from reports.current import tuned_latency

if TYPE_CHECKING:
    from harness.history.rows import MatrixCell

# As harness.history.records.Quality has them; a word that a later version adds is shown as it is.
_SENTENCES = {
    "ok": "Timings can be trusted.",
    "contended": "The machine was busy with something else: timings were contended.",
    "throttled": "The clock was throttled: timings are slower than the engine.",
    "unstable": "Timings were unstable.",
}


def timings_sentence(cell: MatrixCell) -> str:
    """Say whether the latencies of a cell's trial can be trusted, or that there are none."""
    if tuned_latency(cell) is None:
        return "It was not timed."
    return _SENTENCES.get(cell.quality, text.plain(cell.quality))


def timings_mark(cell: MatrixCell) -> str:
    """Return the word that warns beside a latency; nothing where it can be trusted or is not there."""
    return "" if cell.quality == "ok" or tuned_latency(cell) is None else text.plain(cell.quality, 20)
