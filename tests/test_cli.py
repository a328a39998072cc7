from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import harness
from harness.history.store import History
from tests.commands.conftest import shell  # noqa: F401 - a fixture is found by its name
from tests.history.building import remember, session, trial, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.history.records import TrialRecord
    from tests.commands.conftest import Shell

ROOT = Path(__file__).parents[1]
COMMANDS = ("changes", "check", "compare", "doctor", "report", "query", "gate", "sensitivity", "serve")
HEAVY = ("numpy", "onnx", "sqlalchemy", "scipy", "jinja2", "onnxruntime")


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run this interpreter, which finds the package whether or not it is installed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_names_every_command_and_is_quick(tmp_path: Path) -> None:
    """--help answers within half a second of the processor's time, whatever else the machine does."""
    program = "import sys, time; from harness import cli; sys.argv[1:] = ['--help']\ntry: cli.main()\n"
    program += "finally: print(time.process_time(), file=sys.stderr)"
    answer = python("-c", program, cwd=tmp_path)
    for command in (
        "baseline",
        "changes",
        "check",
        "compare",
        "doctor",
        "report",
        "query",
        "gate",
        "sensitivity",
        "serve",
    ):
        assert f"  {command} " in answer.stdout
    assert float(answer.stderr.splitlines()[0]) < 0.5


def test_declaring_the_commands_loads_nothing_heavy(tmp_path: Path) -> None:
    """What a command needs is imported when it is run."""
    program = f"import sys, harness.cli; print([name for name in {HEAVY} if name in sys.modules])"
    assert python("-c", program, cwd=tmp_path).stdout == "[]\n"


@pytest.mark.parametrize(
    "command", ["changes", "check", "compare", "doctor", "report", "query", "gate", "sensitivity", "serve"]
)
def test_every_option_of_every_command_is_described(shell: Shell, command: str) -> None:  # noqa: F811 - the fixture
    """No option stands in --help without a word about it."""
    text = shell(command, "--help").stdout
    options = [line.split() for line in text.splitlines() if line.startswith("  --")]
    assert options
    assert all(len(words) > 1 for words in options)


def test_the_version_is_told(shell: Shell) -> None:  # noqa: F811 - the fixture
    """--version prints the package's version."""
    assert shell("--version").stdout == f"trt-harness {harness.__version__}\n"


def test_a_real_process_ends_with_two(tmp_path: Path) -> None:
    """Run as a program, an error is one line on standard error, without a traceback, and the exit code is 2."""
    answer = python("-m", "harness.cli", "gate", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: there is no history")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("chek",), id="an unknown command"),
        pytest.param(("gate", "--nope"), id="an unknown option"),
        pytest.param(("check",), id="an argument that is missing"),
        pytest.param(("query", "trend", "--limit", "-1"), id="a number out of range"),
        pytest.param(("query", "trend", "--format", "xml"), id="an unknown format"),
    ],
)
def test_wrong_usage_ends_with_two(shell: Shell, arguments: tuple[str, ...]) -> None:  # noqa: F811 - the fixture
    """What typer itself refuses ends like every other usage error."""
    assert shell(*arguments).exit_code == 2


def test_an_interruption_ends_with_130(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811 - the fixture
    """Ctrl-C during any command ends it as shells expect."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.settings.load_settings", interrupted)
    assert shell("gate").exit_code == 130


def test_settings_come_from_the_folder_the_environment_and_options(
    shell: Shell,  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An option goes before a variable, and that before pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text('[tool.trt-harness]\ndb = "file.db"\n')
    assert "file.db" in shell("gate").stderr
    monkeypatch.setenv("TRT_HARNESS_DB", "variable.db")
    assert "variable.db" in shell("gate").stderr
    assert "option.db" in shell("gate", "--db", "option.db").stderr


@pytest.fixture
def remembered(tmp_path: Path) -> Callable[..., str]:
    """Return a function that stores trials in finished sessions and returns the history's path."""

    def store(*trials: TrialRecord) -> str:
        path = tmp_path / "history.db"
        with History.open(path) as history:
            remember(history, *trials)
            for number in {int(record.session, 16) for record in trials}:
                history.finish_session(session(number).id)
        return str(path)

    return store


@pytest.mark.parametrize(
    ("trials", "options", "code"),
    [
        pytest.param([trial(1, word=verdict("pass"))], (), 0, id="nothing regressed"),
        pytest.param([trial(1, word=verdict("regressed"))], (), 1, id="a series regressed"),
        pytest.param([trial(1, outcome="crashed")], (), 1, id="an engine crashed"),
        pytest.param([trial(1, word=verdict("insufficient"))], (), 0, id="insufficient by default"),
        pytest.param([trial(1, word=verdict("insufficient"))], ("--strict",), 3, id="insufficient when strict"),
        pytest.param(
            [trial(1, word=verdict("insufficient"))], ("--count", "missing, insufficient"), 3, id="insufficient counted"
        ),
        pytest.param(
            [trial(1), trial(1, case_id="squeezenet-int8-static", case_hash="2"), trial(2)], (), 3, id="a case vanished"
        ),
        pytest.param([trial(1, word=verdict("regressed")), trial(2)], (), 0, id="only the latest is judged"),
        pytest.param(
            [trial(1, word=verdict("regressed")), trial(2)], ("--session", f"{1:012x}"), 1, id="an earlier one by id"
        ),
        pytest.param([trial(1)], ("--session", "nope"), 2, id="a session that is not there"),
        pytest.param([trial(1)], ("--count", "nope"), 2, id="a word that cannot be counted"),
    ],
)  # fmt: skip
def test_gate_ends_with_its_answer(
    shell: Shell,  # noqa: F811 - the fixture
    remembered: Callable[..., str],
    trials: list[TrialRecord],
    options: tuple[str, ...],
    code: int,
) -> None:
    """The exit code is the answer, and JSON says the same."""
    db = remembered(*trials)
    answer = shell("gate", "--db", db, *options)
    assert answer.exit_code == code, answer.output
    data = shell("gate", "--db", db, *options, "--json")
    assert data.exit_code == code
    if code != 2:
        assert json.loads(data.stdout)["exit_code"] == code


def test_gate_does_not_pass_a_session_that_was_killed(shell: Shell, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """A session that never finished ends with 2, and what its finished cases said is told."""
    with History.open(tmp_path / "history.db") as history:
        remember(history, trial(1, word=verdict("pass")))
    answer = shell("gate", "--db", str(tmp_path / "history.db"))
    assert answer.exit_code == 2
    assert "the session did not finish" in answer.stdout
    assert "1 case; series: 1 pass" in answer.stdout


def test_gate_explains_each_exit_code(shell: Shell) -> None:  # noqa: F811 - the fixture
    """--help of the gate and of the whole program lists 0 to 3."""
    for text in (shell("gate", "--help").stdout, shell("--help").stdout):
        assert all(re.search(rf"\b{code}\s+\w", text) for code in range(4)), text


def test_gate_writes_markdown(
    shell: Shell,  # noqa: F811 - the fixture
    remembered: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The summary goes to GitHub's where it runs, and to the file that is named."""
    db = remembered(trial(1, word=verdict("regressed")))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    shell("gate", "--db", db)
    assert "| regressed | squeezenet-fp16-batch1x4x16 |" in (tmp_path / "step.md").read_text()
    shell("gate", "--db", db, "--summary", "named.md")
    assert (tmp_path / "step.md").read_text() == 2 * (tmp_path / "named.md").read_text()


@pytest.mark.parametrize(
    ("options", "on_github", "printed"),
    [
        pytest.param([], "true", True, id="in GitHub's workflows"),
        pytest.param([], "", False, id="not elsewhere"),
        pytest.param(["--annotations"], "", True, id="where they are asked for"),
        pytest.param(["--no-annotations"], "true", False, id="not where they are declined"),
    ],
)
def test_gate_annotates_in_workflows(
    shell: Shell,  # noqa: F811 - the fixture
    remembered: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    options: list[str],
    on_github: str,
    printed: bool,
) -> None:
    """Annotations are on standard error, so that standard output is the same with and without them."""
    db = remembered(trial(1, word=verdict("regressed")))
    monkeypatch.setenv("GITHUB_ACTIONS", on_github)
    answer = shell("gate", "--db", db, "--json", *options)
    assert ("::error title=regressed" in answer.stderr) is printed
    assert json.loads(answer.stdout)["exit_code"] == 1


def test_report_writes_one_finding(shell: Shell, remembered: Callable[..., str]) -> None:  # noqa: F811 - the fixture
    """What is no finding ends 2 and says of what form one is."""
    answer = shell("report", "--db", remembered(trial(1)), "--finding", "first")
    assert answer.exit_code == 2
    assert "--finding takes TRIAL[:METRIC[:POINT]], e.g. 17 or 17:latency_host:batch=4, not 'first'" in answer.stderr


def test_a_report_that_is_broken_off_says_so(
    shell: Shell,  # noqa: F811 - the fixture
    remembered: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C ends it with 130 and a line on what comes next; no path is printed."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reports.write.write_report", interrupted)
    answer = shell("report", "--db", remembered(trial(1)), "--output", str(tmp_path / "report"))
    assert (answer.exit_code, answer.stdout) == (130, "")
    assert "is not whole; run it again" in answer.stderr


def test_report_prints_where_it_is(shell: Shell, remembered: Callable[..., str], tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """The path of the first page is all that is on standard output."""
    answer = shell("report", "--db", remembered(trial(1)), "--output", "pages")
    assert answer.exit_code == 0
    page = Path(answer.stdout.strip())
    assert page == tmp_path / "pages" / "index.html"
    assert "squeezenet" in page.read_text(encoding="utf-8")
