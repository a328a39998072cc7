from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
import yaml

from harness.cli import app
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
GATE_SCRIPT = (ROOT / "scripts" / "gate").read_text(encoding="utf-8")


def options_in(text: str) -> set[str]:
    """Return the long options that a text names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def options_of_script() -> set[str]:
    """Return the options that ``scripts/gate`` takes."""
    cases = GATE_SCRIPT[GATE_SCRIPT.index("while (($#))") : GATE_SCRIPT.index("*) fail")]
    return options_in(cases)


def options_of_gate() -> set[str]:
    """Return the options of ``trt-harness gate``."""
    command = typer.main.get_command(app).commands["gate"]  # type: ignore[attr-defined]
    return {option for parameter in command.params for option in parameter.opts}


def gate_step() -> dict[str, Any]:
    """Return the step of the action that calls ``scripts/gate``."""
    (step,) = (step for step in STEPS if step.get("id") == "gate")
    return step


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_give_the_action_only_inputs_that_it_has(file: Path) -> None:
    """A misspelt input would be ignored with a warning, and the gate run with its default."""
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {"name", "permissions", "jobs"} <= set(workflow)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"] if step.get("uses") == "./"]
    assert len(steps) == file.name.startswith("gate")
    for step in steps:
        assert set(step["with"]) <= set(ACTION["inputs"])


def test_every_input_is_used_and_every_input_that_is_used_is_declared() -> None:
    """What the steps of the action refer to is what it declares."""
    used = set(re.findall(r"inputs\.([\w-]+)", str(STEPS)))
    assert used == set(ACTION["inputs"])
    assert all(declared["description"] for declared in ACTION["inputs"].values())


def test_inputs_are_no_part_of_any_script() -> None:
    """An expression inside a script would run whatever a branch or an input is called."""
    scripts = [step["run"] for step in STEPS if "run" in step]
    scripts += [step["with"]["script"] for step in STEPS if "script" in step.get("with", {})]
    assert len(scripts) == 2
    assert not [script for script in scripts if "${{" in script]


def test_what_follows_the_gate_is_done_whatever_it_says() -> None:
    """Report, history and comment are there for a gate that blocks, too."""
    after = STEPS[STEPS.index(gate_step()) + 1 :]
    assert len(after) == 4
    assert all(step["if"].startswith("always()") for step in after)


def test_options_exist() -> None:
    """Those of the action are of the script or of pytest, and those of the script of the commands that it calls."""
    run = gate_step()["run"]
    ours, pytests = options_in(run.split("pytest_options")[0]), options_in(run[run.index("pytest_options+=") :])
    assert ours == {"--history", "--output", "--count", "--report-url", "--keep"} <= options_of_script()
    plugin = options_in((ROOT / "harness" / "plugin.py").read_text(encoding="utf-8"))
    assert pytests == {"--gpu", "--models", "--precisions", "--baseline-branch"} <= plugin
    called = GATE_SCRIPT[GATE_SCRIPT.index("-m harness.cli gate") :].split("|| code")[0]
    assert {"--session", "--junit", "--sarif", "--summary", "--report-url"} <= options_in(called) <= options_of_gate()


def test_the_head_of_the_script_describes_its_options() -> None:
    """Each option is in the comment that stands for a manual, and nothing else is."""
    head = GATE_SCRIPT[: GATE_SCRIPT.index("set -euo pipefail")]
    described = set(re.findall(r"^#   (--[a-z-]+)", head, flags=re.MULTILINE))
    assert described == options_of_script()


def run_step(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the action's own shell step, with a ``scripts/gate`` that prints what it is given and ends with 3."""
    script = folder / "scripts" / "gate"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\nfor each in "$@"; do printf "[%s]" "$each"; done\nexit 3\n')
    script.chmod(0o755)
    given = dict.fromkeys(gate_step()["env"], "") | {
        "GATE_HISTORY": "kept", "GATE_ANSWERS": "out", "GATE_GPU": "t4", "GITHUB_ACTION_PATH": str(folder),
        "GITHUB_OUTPUT": str(folder / "outputs"), "PATH": "/usr/bin:/bin",
    }  # fmt: skip
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", gate_step()["run"]],
        env=given | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_step_hands_its_inputs_on(tmp_path: Path) -> None:
    """Options arrive as they were given, pytest's after two dashes; the exit code is the script's, and an output."""
    answer = run_step(tmp_path, GATE_KEEP="true", GATE_PYTEST_ARGS="--quick -x", GATE_MODELS="a b; rm *,$(id)")
    assert answer.returncode == 3, answer.stderr
    assert answer.stdout == (
        "[--history][kept][--output][out][--count][][--report-url][][--keep][--][--quick][-x]"
        "[--gpu][t4][--models][a b; rm *,$(id)][--precisions][][--baseline-branch][]"
    )
    assert (tmp_path / "outputs").read_text() == "exit-code=3\nanswers=out\n"


def test_the_history_is_kept_only_where_it_is_said(tmp_path: Path) -> None:
    """A pull request's run is no baseline of others."""
    assert "--keep" not in run_step(tmp_path, GATE_KEEP="false").stdout


def test_the_job_for_gitlab_is_one() -> None:
    """The snippet of the manual is YAML, and calls scripts of this project with options that they take."""
    text = (ROOT / "docs" / "gitlab.md").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]).values()  # type: ignore[index]
    for command in (*job["script"], *job["after_script"]):
        named = re.search(r"scripts/\w+(\.py)?", command)
        assert named, command
        assert (ROOT / named[0]).is_file()
    (script,) = job["script"]
    assert options_in(script.split(" -- ")[0]) <= options_of_script()
    assert job["artifacts"]["reports"]["junit"] == "build/gate/gate.xml"
