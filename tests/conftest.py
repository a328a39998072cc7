from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cases import Case, Model, Precision, Profile
from harness.history.records import EnvironmentRecord
from harness.session import CaseRun
from harness.settings import Settings
from harness.surroundings import Surroundings
from harness.workbench import Workbench
from harness.workers.subject import Subject

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
ENVIRONMENT = EnvironmentRecord(name="test machine", identity={"processor": "test"})


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    """Lend real workers whose caches start empty."""
    bench = Workbench(tmp_path / "session", tmp_path / "cache", [ROOT])
    yield bench
    bench.close()


StartCase = Callable[..., CaseRun]


@pytest.fixture
def start_case(workbench: Workbench) -> StartCase:
    """Return a function that starts one case of a tiny model, with real workers and a given baseline."""

    def start(
        precision: Precision | None = None,
        *,
        baseline: Callable[[Case, str, str, str], Sequence[float]] = lambda *_: (),
        case_timeout: float = 60.0,
        profile: Profile | None = None,
        settings: Mapping[str, Any] | None = None,
        bench: Workbench | None = None,
        subject: Subject | None = None,
        surroundings: Mapping[str, Any] | None = None,
        **model: object,
    ) -> CaseRun:
        precision = precision or Precision("fp32")
        described = {
            "name": "convnet",
            "source": "tests.tiny:convnet",
            "profiles": (profile or Profile({"batch": (1, 2, 4)}),),
            "precisions": (precision,),
            **model,
        }
        subject_model = Model(**described)  # type: ignore[arg-type]
        case = Case(subject_model, precision, subject_model.profiles[0])
        in_force = Settings(**{"pace": "quick", "case_timeout": case_timeout, **(settings or {})})
        around = Surroundings(
            "0123456789ab", in_force, ENVIRONMENT, bench or workbench, baseline, **(surroundings or {})
        )
        return CaseRun(case, subject or Subject("onnxruntime"), around)

    return start
