from __future__ import annotations

import json
import lzma
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.history.store import History
from tests.history.building import full_trial, remember, session, trial

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "examples" / "demo" / "sessions.jsonl.xz"


def script(name: str, *arguments: object) -> str:
    """Run a script of the project as a person does, and return what it printed."""
    command = [sys.executable, str(ROOT / "scripts" / name), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the demonstration, made from the recording of the repository."""
    folder = tmp_path_factory.mktemp("demo")
    assert Path(script("replay_demo.py", "--output", folder).strip()) == folder / "index.html"
    return folder


def test_the_demonstration_is_a_history_with_its_report(demonstration: Path) -> None:
    """Both versions of TensorRT are there, on the GPU that they were recorded on, with all that was stored."""
    with History.open(demonstration / "history.db", read_only=True) as history:
        sessions = history.queries.sessions()
        subjects = history.queries.subjects().values()
        assert {environment.name for environment in history.queries.environments().values()} == {"NVIDIA H200"}
    assert {(subject.runtime, subject.version) for subject in subjects} == {
        ("tensorrt", "8.5.3.1"),
        ("tensorrt", "8.6.0"),
    }
    assert len(sessions) >= 30
    assert all(row.finished_at and row.finished_at > row.record.started_at for row in sessions)
    assert "NVIDIA H200" in (demonstration / "index.html").read_text(encoding="utf-8")


def test_a_history_survives_being_recorded_and_replayed(tmp_path: Path) -> None:
    """What ended is the same afterwards, in every field, raw samples to five digits; what still runs is left out."""
    with History.open(tmp_path / "history.db") as history:
        remember(history, trial(1), full_trial(2), trial(3))
        for number in (1, 2):
            history.finish_session(session(number).id)
        before = [history.session(session(number).id).record for number in (1, 2)]
        trials = [history.queries.trial(number).record for number in (1, 2)]
        samples = history.queries.samples(2, "latency_host", "batch4")
    recording = tmp_path / "sessions.jsonl.xz"
    assert "2 sessions, 2 trials" in script("record_demo.py", tmp_path / "history.db", "--output", recording)
    script("replay_demo.py", "--recording", recording, "--output", tmp_path / "demo")
    with History.open(tmp_path / "demo" / "history.db", read_only=True) as history:
        assert [history.session(session(number).id).record for number in (1, 2)] == before
        assert [history.queries.trial(number).record for number in (1, 2)] == trials
        replayed = history.queries.samples(2, "latency_host", "batch4")
    assert (samples is None) == (replayed is None)
    if samples is not None and replayed is not None:
        assert replayed == pytest.approx(samples[: len(replayed)], rel=1e-4)


def test_the_recording_is_small_and_tells_nothing_of_the_machines_files() -> None:
    """No folder of the machine and no serial number of its GPU is in it."""
    assert RECORDING.stat().st_size < 1_500_000
    text = lzma.decompress(RECORDING.read_bytes()).decode()
    assert re.findall(r"/(?:home|mnt|opt|root|tmp|usr|var|work)/", text) == []
    assert re.findall(r"GPU-[0-9a-f]{8}", text) == []
    assert json.loads(text.partition("\n")[0]) == {"format": 1}


def test_a_recording_of_another_format_is_refused(tmp_path: Path) -> None:
    """The error names both formats, and the exit code is 2."""
    recording = tmp_path / "other.jsonl.xz"
    recording.write_bytes(lzma.compress(b'{"format": 2}\n'))
    with pytest.raises(subprocess.CalledProcessError) as ended:
        script("replay_demo.py", "--recording", recording, "--output", tmp_path / "demo")
    assert ended.value.returncode == 2
    assert "format 2, and this reads format 1" in ended.value.stderr
