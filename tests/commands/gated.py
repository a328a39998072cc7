"""Sessions to assess, in which everything that a name can do to a file format is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.commands.gate import Assessment, GatedCase, GatedSession, assess
from harness.history.records import FindingRecord, VerdictRecord
from tests.history.building import NOON, verdict

if TYPE_CHECKING:
    from harness.verdicts.gate import Status

# Ends of cells, elements, sections and lines, in every format that the gate writes; none of it may have any effect.
HOSTILE = "a|b\n::error::c\r\n%0A%3A <img src=x> ]]> &amp; `d` **e** @everyone [f](http://g) $h$ \x00\x1b[31m\u202e\\"
# What people see of it: one line, without what cannot be seen.
SEEN = "a|b ::error::c %0A%3A <img src=x> ]]> &amp; `d` **e** @everyone [f](http://g) $h$ \\"


def judged(status: Status, point: str = "batch=1", *, cause: str = "", **changes: Any) -> VerdictRecord:
    """Return a verdict on a latency."""
    return VerdictRecord(metric="latency_host", point=point, verdict=verdict(status, **changes), cause=cause)


def case(*statuses: Status, case_id: str = "net-fp16-static", failed: str = "", **changes: Any) -> GatedCase:
    """Return a case with a series for each status, and a failed stage where its message is given."""
    return GatedCase(
        id=case_id,
        outcome="failed" if failed else "ok",
        findings=(FindingRecord(stage="outputs", outcome="failed", message=failed),) if failed else (),
        verdicts=tuple(judged(status, f"batch={i}", **changes) for i, status in enumerate(statuses, start=1)),
        model="net",
    )


def assessed(*cases: GatedCase, count: tuple[str, ...] = (), status: str = "finished", **more: Any) -> Assessment:
    """Return what the gate says of a session with these cases."""
    facts = {"machines": ("CPU: EPYC, 2 cores",), "software": ("onnxruntime 1.31.1",), "started_at": NOON}
    session = GatedSession(id="0" * 12, status=status, cases=cases, **(facts | more))
    return assess(session, count=count)


def hostile() -> Assessment:
    """Return an assessment with ``HOSTILE`` wherever there can be foreign text."""
    bad = case("regressed", "inconclusive", case_id=HOSTILE, failed=HOSTILE, reason=HOSTILE, cause=HOSTILE)
    return assessed(bad, machines=(HOSTILE,), software=(HOSTILE,), lacking={HOSTILE: HOSTILE})
