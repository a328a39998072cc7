from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import metric_named
from harness.history.records import MeasurementRecord, VerdictRecord
from harness.history.store import History
from harness.verdicts.gate import judge
from tests.history.building import MACHINE, remember, session, trial, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.verdicts.gate import Verdict
    from tests.commands.conftest import Shell

CASE = trial(0).case_id
SIGNED = ("--reason", "it is so", "--author", "Ada")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the default history, in which nine sessions passed and a tenth found one regression of two."""
    found = tmp_path / ".trt-harness" / "history.db"
    with History.open(found) as history:
        for number in range(1, 10):
            remember(history, trial(number, word=verdict("pass")))
        passed = VerdictRecord(metric="engine_bytes", point="", verdict=verdict("pass"))
        regressed = VerdictRecord(metric="latency_host", point="batch4", verdict=verdict("regressed", k=5))
        both = (
            MeasurementRecord(metric="latency_host", point="batch4", value=1.3),
            MeasurementRecord(metric="engine_bytes", point="", value=100.0),
        )
        remember(history, trial(10, measurements=both, verdicts=(passed, regressed)))
        for number in range(1, 11):
            history.finish_session(session(number).id)
    return found


def listed(shell: Shell) -> dict[str, Any]:
    """Return what ``baseline list`` has."""
    data: dict[str, Any] = json.loads(shell("baseline", "list", "--format", "json").stdout)
    return data


def values(path: Path, metric: str = "latency_host", point: str = "batch4", **options: Any) -> list[float]:
    """Return the baseline of a series of the one case."""
    with History.open(path, read_only=True) as history:
        return history.queries.baseline_values(CASE, 1, MACHINE.hash, metric, point, **options)


def test_a_change_is_acknowledged(shell: Shell, path: Path) -> None:
    """Only the series that changed begins anew, and the decision is on record with author and reason."""
    answer = shell("baseline", "ack", "squeezenet-*", "--session", session(10).id, *SIGNED)
    assert (answer.exit_code, answer.stdout) == (0, f"1 series begins a new level with session {session(10).id}\n")
    assert values(path) == [1.3]
    assert values(path, "engine_bytes", "") == [100.0]
    (decision,) = listed(shell)["decisions"]
    told = {name: decision[name] for name in ("action", "case", "reason", "author", "state")}
    assert told == {"action": "ack", "case": "squeezenet-*", "reason": "it is so", "author": "Ada", "state": "in force"}
    again = shell("baseline", "ack", CASE, *SIGNED)
    assert again.exit_code == 2
    assert "is acknowledged already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("ack", "squezenet-*"), "no case judged in session", id="a case that the session has not"),
        pytest.param(("ack", CASE, "latency_hst"), "The nearest: 'latency_host'", id="a metric that it has not"),
        pytest.param(("ack", CASE, "*", "batch5"), "The nearest: 'batch4'", id="a point that it has not"),
        pytest.param(("ack", CASE, "engine_bytes"), "judged 1 pass of what matches", id="a series that passed"),
        pytest.param(("ack", CASE, "--session", "nope"), "'nope' is no session", id="no such session"),
        pytest.param(("quarantine", "squeezenet", "--until", "2999-01-01"), f"nearest: '{CASE}'", id="no such case"),
        pytest.param(("quarantine", CASE, "latncy", "--until", "2999-01-01"), "'latncy' is no metric", id="no metric"),
        pytest.param(("quarantine", CASE, "--until", "2001-01-01"), "that day is over", id="a day that is over"),
        pytest.param(("quarantine", CASE, "--until", "soon"), "YYYY-MM-DD", id="no day"),
        pytest.param(("alias", "nope", "new"), "no case of this history matches 'nope'", id="no such former name"),
        pytest.param(("alias", CASE, CASE), "leads back", id="a case that is renamed to itself"),
        pytest.param(("drop", "nope-*"), "no case of this history matches 'nope-*'", id="nothing to drop"),
        pytest.param(("withdraw", "7"), "7 is no decision in force; those are: none", id="nothing to withdraw"),
        pytest.param(("pin", "release", "--session", "nope"), "'nope' is no session", id="pin an unknown session"),
        pytest.param(("pin", "release", "--commit", "abcdef"), "Commits of the last sessions: c0ffee", id="no commit"),
        pytest.param(("pin", "release", "--commit", "c0ffee", "--session", "latest"), "not both", id="two sources"),
        pytest.param(("pin", " ", "--session", "latest"), "a baseline's name has text", id="no name"),
        pytest.param(("promote", "relase"), "'relase' is no named baseline", id="promote an unknown baseline"),
        pytest.param(("drop", CASE, "--reason", " "), "needs a reason", id="an empty reason"),
        pytest.param(("drop", CASE, "--author", ""), "needs an author", id="an empty author"),
    ],
)
def test_what_cannot_be_decided(shell: Shell, path: Path, arguments: tuple[str, ...], message: str) -> None:
    """The error names what there is, ends with 2, and nothing is stored."""
    given = [*arguments]
    for option, value in (("--reason", "it is so"), ("--author", "Ada")):
        if option not in given:
            given += [option, value]
    answer = shell("baseline", *given)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: ")
    assert message in answer.stderr
    assert listed(shell) == {"baselines": [], "decisions": []}


@pytest.mark.parametrize("command", ["ack", "drop", "pin"])
def test_a_reason_is_required(shell: Shell, path: Path, command: str) -> None:
    """No decision is made without one."""
    answer = shell("baseline", command, CASE)
    assert answer.exit_code == 2
    assert "--reason" in answer.stderr


def test_no_history_is_made_to_decide_in(shell: Shell, tmp_path: Path) -> None:
    """Where there is none, there is nothing to decide about."""
    answer = shell("baseline", "drop", CASE, *SIGNED)
    assert answer.exit_code == 2
    assert "no history" in answer.stderr
    assert not list(tmp_path.iterdir())


def test_the_author_is_who_git_says(shell: Shell, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --author nobody has to say their name."""
    monkeypatch.setattr("harness.checkout.git", lambda *_: "Grace Hopper")
    shell("baseline", "drop", CASE, "--reason", "it is so")
    assert listed(shell)["decisions"][0]["author"] == "Grace Hopper"


def test_a_baseline_is_pinned_and_promoted(shell: Shell, path: Path) -> None:
    """It is compared with alone, a promotion replaces its members, and every revision stays on record."""
    one = shell("baseline", "pin", "release", "--session", session(9).id, *SIGNED)
    assert one.exit_code == 0
    assert one.stdout == f"baseline release, revision 1: 1 trial of session {session(9).id}\n"
    assert one.stderr.startswith("1 of 1 series have fewer than 8 runs")
    again = shell("baseline", "pin", "release", *SIGNED)
    assert again.exit_code == 2
    assert "baseline promote" in again.stderr
    more = shell("baseline", "promote", "release", "--session", session(9).id, "--runs", "8", *SIGNED)
    assert more.stdout.startswith("baseline release, revision 2: 8 trials of ")
    assert more.stderr == ""
    baselines = listed(shell)["baselines"]
    assert [(each["revision"], each["trials"]) for each in baselines] == [(1, 1), (2, 8)]
    assert values(path, named=baselines[0]["id"]) == [1.0]
    assert values(path, named=baselines[1]["id"]) == [1.0] * 8


def test_a_commit_is_pinned_without_what_regressed_before(shell: Shell, path: Path) -> None:
    """All its sessions are taken; runs from before it are taken only from sessions without a regression."""
    with History.open(path) as history:
        history.start_session(replace(session(11), commit="feedbeef" * 5))
        history.add_trial(trial(11, value=1.1))
    shell("baseline", "pin", "tip", "--commit", "feedbeef", "--runs", "3", *SIGNED)
    (baseline,) = listed(shell)["baselines"]
    assert values(path, named=baseline["id"]) == [1.0, 1.0, 1.1]


def test_decisions_are_listed(shell: Shell, path: Path) -> None:
    """A table says of each decision what it is, whether it holds, who made it, when and why."""
    shell("baseline", "quarantine", "squeezenet-*", "latency_*", "--until", "2999-12-30", *SIGNED)
    shell("baseline", "alias", "squeezenet-*", "smallnet-*", *SIGNED)
    dropped = shell("baseline", "drop", CASE, *SIGNED)
    assert dropped.stdout == f"no longer missing if they do not run: {CASE}\n"
    shell("baseline", "withdraw", "3", *SIGNED)
    shell("baseline", "pin", "release", *SIGNED)
    lines = shell("baseline", "list").stdout.splitlines()
    assert lines[1].split()[:3] == ["release", "1", "1"]
    rows = [line.split() for line in lines if line[:1].isdigit()]
    assert [row[:3] for row in rows[:4]] == [
        ["1", "quarantine", "squeezenet-*"],
        ["2", "alias", "squeezenet-*"],
        ["3", "drop", CASE],
        ["4", "withdraw", CASE],
    ]
    for row, said in zip(rows, ("up to 2999-12-30", "now smallnet-*", "withdrawn by 4", "no. 3"), strict=False):
        assert said in " ".join(row)
        assert " ".join(row).endswith("it is so")
    assert lines[-1] == "1 named baseline, 4 decisions"


def test_an_alias_says_what_goes_on(shell: Shell, path: Path) -> None:
    """Each case is told with its new name, and whether that has run."""
    answer = shell("baseline", "alias", "squeezenet-*", "smallnet-*", *SIGNED)
    assert answer.stdout == f"{CASE} goes on as smallnet-fp16-batch1x4x16, which has not run yet\n"


@pytest.mark.parametrize("command", ["list", "pin", "promote", "ack", "quarantine", "alias", "drop", "withdraw"])
def test_every_option_is_described(shell: Shell, command: str) -> None:
    """No option stands in --help without a word about it."""
    text = shell("baseline", command, "--help").stdout
    options = [line.split() for line in text.splitlines() if line.startswith("  --")]
    assert options
    assert all(len(words) > 1 for words in options)


def judge_and_store(path: Path, number: int, level: float, noise: random.Random) -> Verdict:
    """Run one simulated session as a real one goes: screen, confirm by four trials what one suggests, and store all."""
    metric = metric_named("latency_host")
    options: dict[str, Any] = {"smallest_effect": metric.smallest_effect, "resolution": metric.resolution}
    runs = [level * (1 + noise.gauss(0, 0.005)) for _ in range(5)]
    baseline = values(path, before_session=session(number).id)
    found = judge(baseline, runs[:1], **options)
    confirmed = found.status == "inconclusive"
    if confirmed:
        found = judge(baseline, runs, **options)
    with History.open(path) as history:
        remember(history, trial(number, value=runs[0], word=found))
        if confirmed:
            remember(history, *(trial(number, value=value, index=i) for i, value in enumerate(runs[1:], start=1)))
        history.finish_session(session(number).id)
    return found


def test_an_acknowledged_regression_does_not_silence_the_next(shell: Shell, tmp_path: Path) -> None:
    """Regression, acknowledgement, a new level that passes once it has eight runs, and the next regression is found."""
    path, noise = tmp_path / ".trt-harness" / "history.db", random.Random(0)
    History.open(path).close()

    def run(numbers: range, level: float) -> list[str]:
        return [judge_and_store(path, number, level, noise).status for number in numbers]

    assert run(range(1, 21), 1.0) == ["insufficient"] * 8 + ["pass"] * 12
    assert run(range(21, 24), 1.1) == ["regressed"] * 3
    assert max(values(path)) < 1.05
    answer = shell("baseline", "ack", CASE, "latency_*", "--session", session(21).id, *SIGNED)
    assert answer.exit_code == 0, answer.stderr
    # Five trials of the session that was acknowledged, and the two that saw the same before it was.
    assert len(values(path)) == 7
    assert run(range(24, 30), 1.1) == ["insufficient"] + ["pass"] * 5
    assert min(values(path)) > 1.05
    assert run(range(30, 32), 1.2) == ["regressed"] * 2
    assert shell("gate").exit_code == 1
    assert max(values(path)) < 1.15
    shell("baseline", "ack", CASE, *SIGNED)
    assert min(values(path)) > 1.15
    assert run(range(32, 34), 1.2)[0] == "insufficient"
