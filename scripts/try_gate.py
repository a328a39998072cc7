"""Try the gate for real: a history, a run without a change that passes, and one with a slower model that is blocked.

CI runs this after the tests. It makes a repository of ``examples/gate`` in a temporary folder and calls
``scripts/gate`` there, as ``action.yml`` does. On a machine that is never quiet timings have no baseline; the slower
model is larger, too, and size is judged anywhere. What was found is printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from xml.etree.ElementTree import parse

ROOT = Path(__file__).resolve().parents[1]
# The gate wants 8 good runs; where others use the machine, some are not, and two more are tried.
FEWEST_RUNS, MOST_RUNS = 8, 10
CHANGE = ("CLASSIFIER_LAYERS = 24", "CLASSIFIER_LAYERS = 32")
SLOWER_PERCENT = 33
LATENCY, SIZE = "latency, host to host, median at batch=4", "engine size"


class Trial:
    """A repository of the example, and what the gate said in it last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self.answers = self.folder / "build" / "gate"
        self.history = self.folder / ".trt-harness" / "ci" / "history.db"
        self.step_summary = folder / "step-summary.md"
        shutil.copytree(ROOT / "examples" / "gate", self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self._git("init", "--quiet", "--initial-branch=main")
        self.commit("first")

    def commit(self, message: str) -> None:
        """Commit all that there is."""
        self._git("add", "--all", "--", ":!build", ":!.trt-harness")
        self._git("commit", "--quiet", "--message", message)

    def branch(self, name: str) -> None:
        """Go on with a branch of its own."""
        self._git("checkout", "--quiet", "-b", name)

    def gate(self, what: str, *options: str) -> tuple[int, str]:
        """Run ``scripts/gate`` as a workflow does, print what came of it, and return exit code and standard error."""
        github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(self.step_summary)}
        environment = {**os.environ, **github}
        self.step_summary.unlink(missing_ok=True)
        started = time.monotonic()
        ended = subprocess.run(
            [ROOT / "scripts" / "gate", *options, "--", "--gpu", "cpu", "--quick", "-q", "--baseline-branch", "main"],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        said = ended.stdout.strip().splitlines()[-1:] or ["nothing was printed"]
        print(f"{what}: {said[0]}, {time.monotonic() - started:.1f} s", flush=True)
        if ended.returncode not in (0, 1):
            demand(False, f"{what} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
        return ended.returncode, ended.stderr

    def outcomes(self) -> dict[tuple[str, str], str]:
        """Return how each series ended, by case and series, as the JUnit file has it."""
        cases = parse(self.answers / "gate.xml").getroot().iter("testcase")  # noqa: S314 - it is ours
        return {(c.attrib["classname"], c.attrib["name"]): c[0].tag if len(c) else "passed" for c in cases}

    def timed_runs(self) -> int:
        """Return how many runs of the history kept are good enough for a baseline of timings, in the worst case."""
        count = (
            "select count(*) filter (where quality = 'ok') from trend where metric = 'latency_host' group by case_id"
        )
        with closing(sqlite3.connect(self.history)) as connection:
            return min(number for (number,) in connection.execute(count))

    def _git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=gate", "-c", "user.email=gate@example.invalid", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True)


def demand(truth: object, otherwise: str) -> None:
    """End with 1 and a sentence if something is not as it has to be."""
    if not truth:
        sys.exit(f"try_gate: {otherwise}")


def make_history(trial: Trial) -> None:
    """Run the gate on the target branch until there is a baseline, or there will be none of timings."""
    for number in range(1, MOST_RUNS + 1):
        code, _ = trial.gate(f"main, run {number}", "--keep")
        demand(code == 0, f"a run without a change was blocked:\n{(trial.answers / 'gate.md').read_text()}")
        lacking = FEWEST_RUNS - trial.timed_runs()
        if number >= FEWEST_RUNS and not 0 < lacking <= MOST_RUNS - number:
            return


def check_blocked(trial: Trial, errors: str) -> None:
    """Demand that every form of the answer says what is slower, and nothing else."""
    outcomes = trial.outcomes()
    failed = {key for key, outcome in outcomes.items() if outcome == "failure"}
    cases = {case for case, _ in outcomes}
    demand(len(cases) == 2, f"two cases were run, and JUnit has {cases}")
    demand({case for case, _ in failed} == {"classifier-fp32-batch4"}, f"the slower model alone was to fail: {failed}")
    series = {name for _, name in failed}
    demand(SIZE in series, f"the larger engine was not found: {series}")
    print(f"found: {', '.join(sorted(series))}; latency {timing(trial, outcomes['classifier-fp32-batch4', LATENCY])}")
    check_places(trial, errors)


def timing(trial: Trial, outcome: str) -> str:
    """Say what became of the slower model's latency, and demand that it was found where the machine is quiet enough."""
    if outcome == "failure":
        return "among them"
    if outcome == "skipped":
        return "could not be judged, since others use this machine"
    lines = (trial.answers / "gate.md").read_text().splitlines()
    (row,) = (line.split(" | ") for line in lines if line.startswith(f"| classifier-fp32-batch4 | {LATENCY} |"))
    detectable = float(re.sub(r"[^0-9.]", "", row[-2]))
    # What is called detectable is missed once in five times.
    demand(1.5 * detectable > SLOWER_PERCENT, f"{detectable} % would have been seen, and latency passed: {row}")
    return f"passed, of which no less than {detectable} % could be seen on this machine"


def check_places(trial: Trial, errors: str) -> None:
    """Demand that SARIF and annotations point at the slower model, and that Markdown, summary and report are there."""
    (run,) = json.loads((trial.answers / "gate.sarif").read_text())["runs"]
    (line,) = (
        number
        for number, text in enumerate((trial.folder / "catalogue.py").read_text().splitlines(), start=1)
        if '"classifier"' in text
    )
    blocking = [result for result in run["results"] if result["level"] == "error"]
    places = [result["locations"][0]["physicalLocation"] for result in blocking]
    demand(places, "SARIF has no result")
    for place in places:
        found = (place["artifactLocation"]["uri"], place["region"]["startLine"])
        demand(found == ("catalogue.py", line), f"SARIF points at {found}")
    annotated = [text for text in errors.splitlines() if text.startswith("::error ")]
    demand(len(annotated) == len(blocking), f"{len(annotated)} annotations of {len(blocking)} errors:\n{errors}")
    demand(all(f"file=catalogue.py,line={line}," in text for text in annotated), f"annotations:\n{annotated}")
    summary = (trial.answers / "gate.md").read_text()
    demand("| regressed | classifier-fp32-batch4 |" in summary, f"the Markdown says nothing of it:\n{summary}")
    demand(trial.step_summary.read_text() == summary, "the summary of the step is another one, or was added twice")
    demand((trial.answers / "report" / "index.html").is_file(), "there is no report")


def main() -> None:
    """Make a history, then hold an unchanged and a slower model against it."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="try-gate-") as folder:
        trial = Trial(Path(folder))
        make_history(trial)
        kept = trial.history.read_bytes()

        trial.branch("harmless")
        code, _ = trial.gate("a branch without a change")
        demand(code == 0, f"a branch without a change was blocked:\n{(trial.answers / 'gate.md').read_text()}")

        models = trial.folder / "models.py"
        models.write_text(models.read_text().replace(*CHANGE))
        trial.commit("A deeper classifier")
        code, errors = trial.gate("a branch with a deeper model")
        demand(code == 1, f"the slower model was not blocked:\n{(trial.answers / 'gate.md').read_text()}")
        check_blocked(trial, errors)
        demand(trial.history.read_bytes() == kept, "runs of a branch were added to the baseline")
    print(f"the gate works, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
