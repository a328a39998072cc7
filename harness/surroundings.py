"""What the cases of one session have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.cases.target import CPU, Target
from harness.spacing import Spacing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.cases import Case
    from harness.cases.boards import Board
    from harness.history.decisions import Decision
    from harness.history.records import EnvironmentRecord, LayerRecord
    from harness.history.rows import PastRun
    from harness.settings import Settings
    from harness.workbench import Workbench


def pytest_command(case: Case, stage: str) -> str:
    """Return the command line that runs one stage of a case of the catalogue."""
    return (
        f"pytest suites/ --models {case.model.name} --precisions {case.precision.name} "
        f"--profiles {case.profile.name} -k {stage}"
    )


@dataclass(frozen=True)
class Surroundings:
    """What all cases of a session have in common.

    Attributes:
        session: the session's id.
        settings: the settings in force.
        environment: the machine.
        workbench: workers and folders.
        baseline: (case, metric, point, runtime) -> the baseline's runs, oldest first.
        past_runs: (case, metric, point, runtime) -> runs of earlier sessions with their engines, oldest first.
        layers_of: the layers of an engine of an earlier session, by its build.
        quarantine: (case, metric) -> the quarantine that keeps its regressions from failing, if there is one.
        remarks: what the session's header says of its baselines, a sentence each.
        reproduce: (case, stage) -> the command that runs one stage again.
        target: what the session runs on.
        board: what is known of its GPU from the maker's data sheet, if anything.
        spacing: the waiting between trials that confirm each other.
    """

    session: str
    settings: Settings
    environment: EnvironmentRecord
    workbench: Workbench
    baseline: Callable[[Case, str, str, str], Sequence[float]]
    past_runs: Callable[[Case, str, str, str], Sequence[PastRun]] = lambda *_: ()
    layers_of: Callable[[str], Sequence[LayerRecord]] = lambda _: ()
    quarantine: Callable[[Case, str], Decision | None] = lambda *_: None
    remarks: Sequence[str] = ()
    reproduce: Callable[[Case, str], str] = pytest_command
    target: Target = CPU
    board: Board | None = None
    spacing: Spacing = field(default_factory=lambda: Spacing(0.0))
