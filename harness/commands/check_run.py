"""``trt-harness check`` in a terminal: progress while it runs, then what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.commands.check import plan_check, run_check
from harness.commands.check_text import case_line, check_data, check_text
from harness.commands.output import console, print_json
from harness.session import STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.commands.check import CheckedCase
    from harness.settings import Settings


def show_check(
    file: Path, settings: Settings, root: Path, *, shapes: Sequence[str], name: str | None, as_json: bool
) -> int:
    """Check one ONNX file, print what was found, and return the exit code.

    Progress and errors go to standard error, a bar where that is a terminal; results to standard output.

    Args:
        file: the ONNX file.
        settings: the settings in force.
        root: the folder that relative paths of the settings are meant from.
        shapes: what ``--shape`` was given.
        name: of the model in the history.
        as_json: print plain data.

    Raises:
        UsageError: it cannot be done as asked, and nothing was written.
    """
    errors = console(stderr=True)
    with errors.status(f"reading {file}"):
        plan = plan_check(file, settings, root, shapes=shapes, name=name)
    errors.print(
        f"{len(plan.runs)} cases on {plan.target.target.name} ({plan.target.reason}); history {settings.shown_db}"
    )
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("starting", total=len(plan.runs) * len(STAGES))
        finished: list[str] = []

        def on_stage(case: str, stage: str) -> None:
            done = len(finished) * len(STAGES) + STAGES.index(stage)
            progress.update(bar, description=f"{case} · {stage}", completed=done)

        def on_case(case: CheckedCase) -> None:
            finished.append(case.id)
            errors.print(case_line(case))

        result = run_check(plan, settings, root, on_stage=on_stage, on_case=on_case)
    if as_json:
        print_json(check_data(plan, result, db=settings.shown_db))
    else:
        for shown in check_text(plan, result, db=settings.shown_db, quick=settings.pace == "quick"):
            console().print(shown)
    for remark in result.remarks:
        errors.print(remark)
    for error in result.errors:
        errors.print(f"error: {error}")
    return result.exit_code
