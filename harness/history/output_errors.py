"""The errors of final outputs that engines had: one number for each run, output and point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from harness.history.tables import Case, Engine, Subject, TensorError, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.history.queries import Queries

# So many rows are the newest hundreds of sessions of a case; older ones tell of software that nobody runs.
_NEWEST_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class OutputError:
    """How far one output of one engine was from its reference.

    Attributes:
        output: its name.
        place: case, machine, runtime and point: what two engines must share to differ by their build alone.
        build: tells the engine's build from any other.
        sqnr_db: ratio of signal to error, in dB; infinite where nothing differed.
    """

    output: str
    place: tuple[str, int, str, str]
    build: str
    sqnr_db: float


def output_errors(queries: Queries, model: str, version: int, precision: str) -> list[OutputError]:
    """Return the errors of a model in a precision, of trials of which every stage passed, the newest first.

    Args:
        queries: of the history.
        model: its name.
        version: the model's; trials of another one do not count.
        precision: its name.
    """
    query = (
        select(
            TensorError.tensor,
            TensorError.point,
            TensorError.errors,
            Case.name,
            Trial.environment_id,
            Subject.runtime,
            Engine.build_hash,
        )
        .join(Trial, Trial.id == TensorError.trial_id)
        .join(Case, Case.id == Trial.case_id)
        .join(Subject, Subject.id == Trial.subject_id)
        .join(Engine, Engine.id == Trial.engine_id)
        .where(Case.model == model, Case.version == version, Case.precision == precision)
        .where(Trial.outcome == "ok", TensorError.scope == "outputs")
        .order_by(TensorError.id.desc())
        .limit(_NEWEST_ROWS)
    )
    with queries.snapshot() as connection:
        rows: Iterable[Any] = connection.execute(query).all()
    return [
        OutputError(tensor, (case, environment, runtime, point), build, float(errors["sqnr_db"]))
        for tensor, point, errors, case, environment, runtime, build in rows
        if "sqnr_db" in errors
    ]
