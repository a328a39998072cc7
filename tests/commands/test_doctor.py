from __future__ import annotations

import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import RECIPES
from harness.commands.doctor import Diagnosis, _cuda_provider, examine
from harness.commands.doctor_text import doctor_text
from harness.history.store import History
from harness.settings import Settings
from harness.workbench import Workbench
from tests.history.building import remember, trial

if TYPE_CHECKING:
    from harness.workers.client import WorkerClient
    from harness.workers.subject import Subject
    from tests.commands.conftest import Shell

ROOT = Path(__file__).parents[2]


@pytest.fixture
def without_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the start of a worker where subjects are not what a test is about."""
    monkeypatch.setattr("harness.commands.doctor._subjects", lambda *_: None)


def blocking(diagnosis: Diagnosis) -> str:
    """Return the problems that block, as one text."""
    return "\n".join(problem.text for problem in diagnosis.problems if problem.blocking)


def test_doctor_says_what_can_be_run(shell: Shell, tmp_path: Path) -> None:
    """As JSON and as text it tells versions, target, what each precision can do and why not, history and cache."""
    (tmp_path / "pyproject.toml").write_text('[tool.trt-harness]\ncatalogue = "suites.catalogue:CATALOGUE"\n')
    with History.open(tmp_path / ".trt-harness" / "history.db") as history:
        remember(history, trial(1))
    answer = shell("doctor", "--json")
    found = json.loads(answer.stdout)
    assert answer.exit_code == 0, answer.output
    assert found["can_run"] is True
    assert found["software"]["python"] == sys.version.split()[0]
    assert found["software"]["packages"]["onnx"]
    assert found["machine"]["cores"] >= 1
    precisions = found["subjects"]["onnxruntime"]["precisions"]
    assert set(precisions) == set(RECIPES)
    assert precisions["fp32"] is None
    assert "tensor cores" in precisions["tf32"]
    assert (found["history"]["exists"], found["history"]["sessions"]) == (True, 1)
    assert found["cache"]["bytes"] == 0
    text = shell("doctor")
    assert text.exit_code == 0
    for part in (
        "tf32",
        "tensor cores",
        "computed in float32",
        "1 sessions",
        "suites can be run here",
    ):
        assert part in text.stdout


@pytest.mark.parametrize(
    ("gpu_driver", "told"),
    [
        pytest.param((None, None), ["GPUs"], id="a machine without a GPU"),
        pytest.param(("580.1", None), ["GPUs", "driver", "TensorRT", "CUDA provider"], id="a driver"),
        pytest.param((None, "it fails"), ["GPUs", "driver", "TensorRT", "CUDA provider"], id="a driver that fails"),
    ],
)
def test_what_a_gpu_needs_is_told_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu_driver: tuple[str | None, str | None], told: list[str]
) -> None:
    """Without a GPU and a driver there is a line that says so, and no advice on how to install what uses one."""
    monkeypatch.setattr("harness.commands.doctor.present_gpus", tuple)
    monkeypatch.setattr("harness.commands.doctor.driver", lambda: gpu_driver)
    monkeypatch.setattr("harness.commands.doctor.tensorrt", lambda: (None, None))
    diagnosis = examine(Settings(catalogue="suites.catalogue:CATALOGUE", gpu="cpu"), tmp_path)
    lines = [line.strip() for line in map(str, doctor_text(diagnosis))]
    names = ("GPUs", "driver", "TensorRT", "CUDA provider")
    assert [name for line in lines for name in names if line.startswith(f"{name}  ")] == told
    provider = diagnosis.facts["target"].get("cuda_provider")
    assert (provider is not None) == (len(told) > 1)
    assert provider is None or bool(provider["version"]) != bool(provider["reason"])


def test_a_subject_that_does_not_answer_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter without the runtime is named, with its own last words and the command that mends it."""
    start = Workbench.builder

    def start_and_wait_for_its_end(bench: Workbench, subject: Subject) -> WorkerClient:
        worker = start(bench, subject)
        while worker.alive:
            time.sleep(0.01)
        return worker

    monkeypatch.setattr(Workbench, "builder", start_and_wait_for_its_end)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho there is no numpy here >&2\nexit 1\n")
    broken.chmod(0o755)
    diagnosis = examine(Settings(subjects=(f"old={broken}",), catalogue="suites.catalogue:CATALOGUE"), ROOT)
    assert diagnosis.facts["subjects"] == {"old": None}
    assert "there is no numpy here" in blocking(diagnosis)
    assert f"{broken} -m pip install" in blocking(diagnosis)
    assert not diagnosis.can_run


def test_a_provider_that_cannot_be_used_blocks_only_those_who_want_it(tmp_path: Path) -> None:
    """Its absence is a fact, and a problem where references are to come from it."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho there is no numpy here >&2\nexit 1\n")
    python.chmod(0o755)
    asked = Diagnosis()
    found = _cuda_provider(Settings(reference=f"cuda:{python}"), asked)
    assert "there is no numpy here" in str(found["reason"])
    assert f"--reference cuda:{python}: " in blocking(asked)
    silent = Diagnosis()
    assert _cuda_provider(Settings(subjects=(f"gpu=onnxruntime-cuda:{python}",)), silent)["reason"]
    assert not silent.problems


@pytest.mark.usefixtures("without_subjects")
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"catalogue": "nowhere:CATALOGUE"}, "'nowhere:CATALOGUE' cannot be imported", id="no catalogue"),
        pytest.param({"gpu": "t4"}, "no NVIDIA GPU is present", id="a GPU that is not there"),
        pytest.param({"db": "corrupt.db"}, "not a SQLite database", id="a corrupt history"),
        pytest.param({"db": "foreign.db"}, "a database of something else", id="somebody else's database"),
    ],
)
def test_what_stops_suites_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], said: str
) -> None:
    """Each thing without which no session starts is a problem that blocks."""
    monkeypatch.setattr("harness.opening.present_gpus", tuple)
    (tmp_path / "corrupt.db").write_text("this is no database, and long enough to be seen as none" * 20)
    with sqlite3.connect(tmp_path / "foreign.db") as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
    foreign.close()
    diagnosis = examine(Settings(**({"catalogue": "suites.catalogue:CATALOGUE"} | settings)), tmp_path)
    assert said in blocking(diagnosis)
    assert not diagnosis.can_run


@pytest.mark.usefixtures("without_subjects")
def test_looking_changes_nothing(tmp_path: Path) -> None:
    """In an empty folder neither a history nor a cache is made."""
    diagnosis = examine(Settings(catalogue="suites.catalogue:CATALOGUE"), tmp_path)
    assert diagnosis.facts["history"]["exists"] is False
    assert diagnosis.can_run
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("without_subjects")
@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"governor": "powersave"}, "cpupower frequency-set", id="a governor that saves power"),
        pytest.param({"load": 64.0}, "the load average is 64", id="other work"),
    ],
)
def test_what_spoils_timings_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: dict[str, object], said: str
) -> None:
    """A machine that measures badly can run suites all the same."""
    monkeypatch.setattr("harness.commands.doctor.host_facts", lambda: {"governor": None, **facts})
    monkeypatch.setattr("os.getloadavg", lambda: (facts.get("load", 0.0), 0.0, 0.0))
    diagnosis = examine(Settings(catalogue="suites.catalogue:CATALOGUE"), tmp_path)
    assert diagnosis.can_run
    assert said in "\n".join(problem.text for problem in diagnosis.problems)


@pytest.mark.usefixtures("without_subjects")
def test_an_old_history_is_upgraded_when_asked(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--upgrade-history leaves a history of the newest schema, and says whether there was anything to do."""
    (tmp_path / "pyproject.toml").write_text('[tool.trt-harness]\ncatalogue = "suites.catalogue:CATALOGUE"\n')
    answer = shell("doctor", "--upgrade-history", "--json", "--db", "new.db")
    assert "up to date already" in answer.stderr
    assert json.loads(answer.stdout)["history"]["exists"] is True
