from __future__ import annotations

import subprocess
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import FP32, Case, Model, Profile
from harness.errors import HistoryError
from harness.history.decisions import Decision
from harness.history.named_baselines import NamedBaseline
from harness.history.store import History
from harness.session_baselines import SessionBaselines
from harness.settings import Settings
from tests.history.building import MACHINE, NOON, remember, session, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL = Model(name="net", source="a:b", profiles=(Profile({"batch": (1, 4, 16)}),), precisions=(FP32,))
CASE = Case(MODEL, FP32, MODEL.profiles[0])
SIGNED: dict[str, Any] = {"reason": "it is so", "author": "Ada", "created_at": NOON}


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    """Return a history with one run of a case, where no CI names a branch."""
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
        monkeypatch.delenv(name, raising=False)
    with History.open(tmp_path / "history.db") as opened:
        remember(opened, trial(1, value=1.0, case_id=CASE.id, case_hash=CASE.hash))
        yield opened


def baselines(history: History | None, root: Path, **settings: Any) -> SessionBaselines:
    """Return the baselines of a second session on the machine of the first."""
    chosen = Settings(pace="quick", **settings)
    return SessionBaselines(history, chosen, root, session=session(2).id, environment_hash=MACHINE.hash)


def values(found: SessionBaselines) -> list[float]:
    """Return the baseline of the one series."""
    return list(found.values(CASE, "latency_host", "batch4", "onnxruntime"))


def test_without_a_branch_every_session_counts(history: History, tmp_path: Path) -> None:
    """Nothing is remarked where nothing is out of the ordinary."""
    found = baselines(history, tmp_path)
    assert (values(found), found.remarks) == ([1.0], [])


def test_a_branch_that_git_does_not_know_is_remarked(history: History, tmp_path: Path) -> None:
    """All sessions are used, and the header says so once."""
    found = baselines(history, tmp_path, baseline_branch="main")
    assert values(found) == [1.0]
    (remark,) = found.remarks
    assert remark.startswith("baseline: runs of every branch, since git does not know here where 'main'")


def test_a_branch_that_ci_names_is_compared_with(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of other commits stay out, and the header says up to which commit runs are used."""
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("commit", "--quiet", "--allow-empty", "-m", "one"),
    ):
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, timeout=60)
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=tmp_path, text=True).strip()
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    found = baselines(history, tmp_path)
    assert values(found) == []
    assert found.remarks == [f"baseline: the last 20 good runs on main, up to {head[:12]}"]


def test_a_named_baseline_is_described(history: History, tmp_path: Path) -> None:
    """The newest revision is compared with, whatever the branch, and the header says what it is."""
    made = NamedBaseline(name="release", revision=1, source="session 1", **SIGNED)
    history.pin(made, [1])
    remember(history, trial(3, value=3.0, case_id=CASE.id, case_hash=CASE.hash))
    found = baselines(history, tmp_path, baseline="release", baseline_branch="main")
    assert values(found) == [1.0]
    assert found.remarks == ["baseline: release, revision 1: 1 trial of session 1 (Ada, 2024-06-01: it is so)"]


def test_a_baseline_that_is_not_there_is_refused(history: History, tmp_path: Path) -> None:
    """Neither an unknown name nor the lack of a history is passed over."""
    with pytest.raises(HistoryError, match="'nope' is no named baseline"):
        baselines(history, tmp_path, baseline="nope")
    with pytest.raises(HistoryError, match="--baseline 'nope': there is no history"):
        baselines(None, tmp_path, baseline="nope")
    assert values(baselines(None, tmp_path)) == []


def test_a_renamed_case_has_its_former_runs(history: History, tmp_path: Path) -> None:
    """An alias is looked up for values and for fingerprints."""
    model = Model(name="renamed", source="a:b", profiles=MODEL.profiles, precisions=(FP32,))
    renamed = Case(model, FP32, model.profiles[0])
    history.decide(Decision(action="alias", case="net-*", parameters={"new": "renamed-*"}, **SIGNED))
    found = baselines(history, tmp_path)
    assert list(found.values(renamed, "latency_host", "batch4", "onnxruntime")) == [1.0]
    was = found.fingerprints(CASE, "latency_host", "batch4")
    assert found.fingerprints(renamed, "latency_host", "batch4")[1:] == was


def test_quarantines_are_asked_for_and_expire(history: History, tmp_path: Path) -> None:
    """One holds until its day is over, is told once when it has, and then no more."""
    now = datetime.now(timezone.utc)
    for days, metric in ((1, "latency_host"), (-1, "engine_bytes")):
        until = now + timedelta(days=days)
        history.decide(Decision(action="quarantine", case="net-*", metric=metric, until=until, **SIGNED))
    found = baselines(history, tmp_path)
    assert found.quarantine(CASE, "latency_host") is not None
    assert found.quarantine(CASE, "engine_bytes") is None
    (remark,) = found.remarks
    assert remark.startswith("expired: the quarantine of net-* engine_bytes ended on ")
    history.start_session(type(session(5))(id=f"{5:012x}", started_at=now, command=""))
    assert baselines(history, tmp_path).remarks == []
