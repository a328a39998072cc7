from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CATALOGUE = """
from harness.cases import FP16, FP32, INT8, TF32, Classification, Model, Profile

def model(name, **more):
    return Model(name=name, source="tests.tiny:convnet", **{
        "profiles": (Profile({"batch": (1, 2, 4)}),), "precisions": (FP32, FP16), **more})

CATALOGUE = (
    model("first", precisions=(FP32, TF32)),
    model("second", precisions=(FP16,), task=Classification(source="tests.tiny:labelled", output="scores", batch=4)),
    model("large", slow=True),
)
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Make a checkout as a user has it: a catalogue of tiny models and the tests over it."""
    (tmp_path / "catalogue.py").write_text(CATALOGUE)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.trt-harness]\ncatalogue = "catalogue:CATALOGUE"\n'
        '[tool.pytest.ini_options]\naddopts = "--strict-markers"\n'
    )
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_engines.py").write_text((ROOT / "suites" / "test_engines.py").read_text())
    return tmp_path


def command(*arguments: str, quick: bool = True) -> list[str]:
    """Return the command line of a session over the suite."""
    pace = ["--quick"] if quick else []
    return [sys.executable, "-m", "pytest", "-p", "harness.plugin", "suites", *pace, *arguments]


def environment() -> dict[str, str]:
    """Return the variables of a session that finds this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "COLUMNS": "200"}


@pytest.fixture
def run(suite: Path) -> Run:
    """Return a function that runs a session over the suite and waits for it."""

    def start(*arguments: str, quick: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments, quick=quick),
            cwd=suite,
            env={**environment(), **more},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return start


def rows(suite: Path, query: str) -> list[tuple]:
    """Ask the suite's history."""
    with sqlite3.connect(suite / ".trt-harness" / "history.db") as database:
        return database.execute(query).fetchall()


def test_a_session_runs_remembers_and_reports(run: Run, suite: Path) -> None:
    """One command builds, compares and times every case, stores a trial for each and writes the report."""
    result = run("-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "target cpu (" in result.stdout
    assert "test_outputs[first-fp32-batch1x2x4] PASSED" in result.stdout
    assert "test_regression[second-fp16-batch1x2x4] INSUFFICIENT" in result.stdout
    assert "test_build[first-tf32-batch1x2x4] SKIPPED" in result.stdout
    assert "[large-" not in result.stdout
    names = rows(suite, 'select name from "case" order by name')
    assert names == [("first-fp32-batch1x2x4",), ("first-tf32-batch1x2x4",), ("second-fp16-batch1x2x4",)]
    assert (suite / "build" / "report" / "index.html").is_file()
    assert str(suite / "build" / "report" / "index.html") in result.stdout


def test_items_of_a_case_run_one_after_another(run: Run) -> None:
    """Collection lists every stage of a case before the next case, so that they share its engine."""
    listed = [line for line in run("--collect-only", "-q").stdout.splitlines() if "::" in line]
    cases = [line.partition("[")[2] for line in listed]
    assert len(listed) == 27
    assert cases == sorted(cases, key=cases.index)


def test_pytest_benchmark_reports_the_samples(run: Run, suite: Path) -> None:
    """Its JSON holds the latencies that the worker measured, in seconds."""
    result = run("--models", "first", "--precisions", "fp32", "-k", "latency", "--benchmark-json", "out.json")
    assert result.returncode == 0, result.stdout
    (benchmark,) = json.loads((suite / "out.json").read_text())["benchmarks"]
    assert benchmark["group"] == "first"
    assert benchmark["stats"]["rounds"] >= 9
    query = (
        "select value, sample_count from measurement join series on series.id = series_id where metric = 'latency_host'"
    )
    ((value, count),) = rows(suite, query)
    assert benchmark["stats"]["rounds"] == count
    assert benchmark["stats"]["median"] * 1e3 == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--gpu", "t5"], "'t5' is no target of --gpu. Did you mean 't4'?"),
        (["--gpu", "t4"], "--gpu t4 asks for an NVIDIA T4, but"),
        (["--models", "frist"], "Did you mean 'first'?"),
        (["--precisions", "fp15"], "'fp15' is no precision of the catalogue. Did you mean 'fp16'?"),
        (["--case-timeout", "soon"], "setting 'case_timeout' takes a number, not 'soon'"),
        (["--case-timeout", "-1"], "a number of seconds above 0"),
        (["--subject", "new=/no/python"], "there is no interpreter at '/no/python'"),
        (["--build-option", "fast"], "--build-option takes NAME=VALUE"),
        (["--build-option", "optimisation=all"],
         "'optimisation' is no build option of onnxruntime. Did you mean 'optimization'? Known: optimization."),
        (["--quick", "--full"], "--quick and --full contradict each other"),
        (["--reference", "cuda:/no/python"], "--reference cuda:/no/python: there is no interpreter at '/no/python'"),
        (["--engines", "keep"], "'keep' is no way to come by engines."),
        (["--baseline", "nope"], "'nope' is no named baseline of this history. Known: none."),
        (["--resume", "abcdef"], "the history has no such session"),
        (["--db", "nowhere://x"], "nowhere"),
        (["--report", "catalogue.py/report"], "the report folder"),
        (["--cache", "catalogue.py"], "the cache folder"),
    ],
    ids=["unknown gpu", "absent gpu", "unknown model", "unknown precision", "a timeout that is no number",
         "negative timeout", "no such interpreter", "a build option without a value", "an unknown build option",
         "two paces",
         "no interpreter for references", "no such way", "no such baseline",
         "no such session", "unknown kind of database",
         "a report below a file", "a cache that is a file"],
)  # fmt: skip
def test_bad_options_end_in_one_clear_error(run: Run, arguments: list[str], text: str) -> None:
    """A value that cannot be used ends the run as pytest's own usage errors do, with a sentence that names it."""
    result = run(*arguments)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert line.startswith("ERROR: ")
    assert text in line
    assert "Traceback" not in result.stdout
    assert "Exit:" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--gpu", "t4"], "--gpu t4 asks for an NVIDIA T4, but"),
        (["--models", "frist"], "Did you mean 'first'?"),
        (["--case-timeout", "soon"], "setting 'case_timeout' takes a number, not 'soon'"),
        (["--subject", "new=/no/python"], "there is no interpreter at '/no/python'"),
        (["--cache", "catalogue.py"], "the cache folder"),
    ],
    ids=["absent gpu", "unknown model", "no number", "no such interpreter", "a cache that is a file"],
)
def test_what_an_xdist_worker_refuses_is_said_once_by_the_controller(
    run: Run, suite: Path, arguments: list[str], text: str
) -> None:
    """Whichever process finds that it cannot be done, the user reads one sentence and nothing is run."""
    result = run("-n", "2", *arguments)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert line.startswith("ERROR: ")
    assert text in line
    assert "Traceback" not in result.stdout
    assert not (suite / ".trt-harness" / "history.db").exists()


def test_a_model_that_cannot_be_made_fails_alone(run: Run, suite: Path) -> None:
    """A source, a file or a calibration that is not there fails its own case with the reason, and the others run."""
    (suite / "catalogue.py").write_text(
        CATALOGUE.partition("CATALOGUE")[0]
        + """CATALOGUE = (
    Model(name="sourceless", source="no_zoo:net", precisions=(FP32,)),
    Model(name="fileless", source="no_model.onnx", precisions=(FP32,)),
    model("sound", precisions=(FP32,)),
)
"""
    )
    result = run("-k", "build or outputs", "-rf")
    assert result.returncode == pytest.ExitCode.TESTS_FAILED, result.stdout
    assert "sourceless-fp32-static: ConfigurationError: 'no_zoo:net': there is no module 'no_zoo'" in result.stdout
    assert "fileless-fp32-static: ModelError: there is no file" in result.stdout
    assert "2 failed, 2 passed, 2 skipped" in result.stdout
    assert rows(suite, "select outcome, count(*) from trial group by 1 order by 1") == [("failed", 2), ("ok", 1)]


def test_what_was_left_out_on_purpose_is_not_missed(run: Run, suite: Path) -> None:
    """The gate passes a session that pytest's own options narrowed, and says so; one that lost a case it stops."""

    def gate() -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "harness.cli", "gate"]
        return subprocess.run(
            asked, cwd=suite, env=environment(), capture_output=True, text=True, timeout=60, check=False
        )

    run("-k", "build")
    settings = "select json_extract(settings, '$.narrowed') from session order by started_at"
    assert rows(suite, settings) == [("-k",)]
    run("-k", "build and first")
    answer = gate()
    assert answer.returncode == 0, answer.stdout
    assert "missing cases were not looked for, since cases were left out by -k" in answer.stdout
    (suite / "catalogue.py").write_text(CATALOGUE.replace("(FP32, TF32)", "(FP32,)"))
    run("--models", "first", "--baseline-branch", "main")
    answer = gate()
    assert answer.returncode == 3, answer.stdout
    assert "first-tf32-batch1x2x4" in answer.stdout


def test_an_unknown_setting_is_refused(run: Run) -> None:
    """An environment variable that is no setting is named, with the nearest one."""
    result = run(TRT_HARNESS_CASE_TIMEUOT="3")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "Did you mean 'case_timeout'?" in result.stdout + result.stderr


def test_a_corrupt_history_is_refused_before_anything_runs(run: Run, suite: Path) -> None:
    """A file that is no database is refused at once and left as it was."""
    (suite / ".trt-harness").mkdir()
    (suite / ".trt-harness" / "history.db").write_text("no database " * 1000)
    result = run()
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "history.db" in result.stdout + result.stderr
    assert (suite / ".trt-harness" / "history.db").read_text() == "no database " * 1000


def test_two_sessions_on_one_database_both_succeed(suite: Path) -> None:
    """Two sessions at once store their trials in one history."""
    sessions = [
        subprocess.Popen(
            command("--models", "first", "-q"), cwd=suite, env=environment(), stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outputs = [session.communicate(timeout=180)[0] for session in sessions]
    assert [session.returncode for session in sessions] == [0, 0], outputs
    assert rows(suite, "select count(*), count(distinct session_id) from trial") == [(4, 2)]


def start_and_wait_for_a_trial(suite: Path) -> subprocess.Popen[str]:
    """Start a session and return once its first trial is stored."""
    session = subprocess.Popen(
        command("-v"), cwd=suite, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    end = time.monotonic() + 60
    while time.monotonic() < end and session.poll() is None:
        try:
            if rows(suite, "select count(*) from trial") != [(0,)]:
                return session
        except sqlite3.OperationalError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"no trial was stored: {session.communicate()[0]}")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed outright", "interrupted by Ctrl-C"])
def test_a_broken_off_session_is_resumed(run: Run, suite: Path, number: signal.Signals) -> None:
    """What was finished before a session was broken off is there, and --resume runs only the rest."""
    session = start_and_wait_for_a_trial(suite)
    session.send_signal(number)
    session.communicate(timeout=60)
    stored = rows(suite, "select count(*) from trial")[0][0]
    assert 1 <= stored < 3
    ((identity, status),) = rows(suite, "select id, status from session")
    assert status == ("running" if number == signal.SIGKILL else "interrupted")
    result = run("--resume", identity, "-v", quick=False)
    assert result.returncode == 0, result.stdout
    assert rows(suite, "select count(*) from series where point = 'batch=4'") == [(0,)], "it went on at another pace"
    assert f"session {identity}, {stored} cases recorded already" in result.stdout
    assert rows(suite, "select status from session") == [("finished",)]
    per_case = 'select c.name, count(*) from trial t join "case" c on c.id = t.case_id group by 1 order by 1'
    assert rows(suite, per_case) == [
        ("first-fp32-batch1x2x4", 1), ("first-tf32-batch1x2x4", 1), ("second-fp16-batch1x2x4", 1)
    ]  # fmt: skip
    assert result.stdout.count("PASSED") >= 10


def test_a_resumed_failure_is_still_a_failure(run: Run, suite: Path) -> None:
    """A case that failed before the resumption fails again, from the record."""
    strict = CATALOGUE.replace(
        "precisions=(FP32, TF32)", 'precisions=(FP32,), tolerances={"fp32": (Tolerance(sqnr_db=500),)}'
    )
    (suite / "catalogue.py").write_text(strict.replace("import FP16", "import Tolerance, FP16"))
    assert run("--models", "first").returncode == 1
    ((identity,),) = rows(suite, "select id from session")
    again = run("--models", "first", "--resume", identity)
    assert again.returncode == 1
    assert "sqnr_db" in again.stdout
    assert rows(suite, "select count(*) from trial") == [(1,)]


def test_xdist_workers_share_one_history(run: Run, suite: Path) -> None:
    """Under xdist the items of a case stay together, and the controller writes every trial."""
    result = run("-n", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert rows(suite, "select count(*), count(distinct session_id) from trial") == [(3, 1)]
    assert (suite / "build" / "report" / "index.html").is_file()


def test_tests_without_cases_open_nothing(run: Run, suite: Path) -> None:
    """A run that has no case leaves no history behind and says nothing of one."""
    (suite / "suites" / "test_engines.py").unlink()
    (suite / "suites" / "test_plain.py").write_text("def test_plain():\n    assert True\n")
    result = run()
    assert result.returncode == 0
    assert "history" not in result.stdout
    assert "report:" not in result.stdout
    assert not (suite / ".trt-harness").exists()


def test_two_subjects_run_side_by_side(run: Run, suite: Path) -> None:
    """Each case runs under every interpreter given, and the trials name their subject."""
    result = run("--models", "second", "--subject", f"one={sys.executable}", "--subject", f"two={sys.executable}", "-v")
    assert result.returncode == 0, result.stdout
    assert "test_build[second-fp16-batch1x2x4@two] PASSED" in result.stdout
    assert rows(suite, "select count(*) from trial") == [(2,)]


def test_a_subject_that_cannot_run_here_fails_alone(run: Run, suite: Path) -> None:
    """Where one interpreter's runtime is missing its cases fail with the sentence that says so; another's run."""
    (suite / "tensorrt.py").write_text("raise ModuleNotFoundError('No module named tensorrt', name='tensorrt')\n")
    subjects = ("--subject", f"sound={sys.executable}", "--subject", f"broken=tensorrt:{sys.executable}")
    result = run("--gpu", "cpu", "--models", "second", "-k", "build or outputs", "-rf", *subjects)
    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    assert "second-fp16-batch1x2x4@broken: ConfigurationError: TensorRT is not installed for" in result.stdout
    assert "1 failed, 2 passed, 1 skipped" in result.stdout
