from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.commands.compare_sides import check_same_way, is_to_be_run, stored_sides
from harness.errors import ConfigurationError
from harness.history.records import EnvironmentRecord, SubjectRecord
from harness.history.store import History
from tests.history.building import MACHINE, NEW, OLD, session, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.commands.compare_sides import StoredSide

OTHER = EnvironmentRecord(name="NVIDIA H200", identity={"gpu": "H200", "power_limit": 700})
CAPPED = EnvironmentRecord(name="NVIDIA H200", identity={"gpu": "H200", "power_limit": 500})
COMMITS = ("a" * 40, "b" * 40, "b" * 40)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Return the history of three sessions: two commits, two versions, three machines, of which two have one name."""
    with History.open(tmp_path / "history.db") as opened:
        for number, commit in enumerate(COMMITS, start=1):
            opened.start_session(replace(session(number), commit=commit, dirty=number == 3))
        named = replace(OLD, name="pinned")
        opened.add_trial(trial(1, subject=OLD))
        opened.add_trial(trial(2, subject=NEW, environment=OTHER))
        opened.add_trial(trial(3, subject=named, environment=CAPPED))
        yield opened


def sides(history: History, a: str, b: str, root: Path) -> tuple[StoredSide, StoredSide]:
    """Look two names up."""
    return stored_sides(a, b, history.queries, root)


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        pytest.param("latest~2", "latest", ("session", session(1).id, session(3).id), id="sessions by their order"),
        pytest.param(session(1).id, "latest~1", ("session", session(1).id, session(2).id), id="a session by its id"),
        pytest.param("session:latest~1", "session:latest", ("session", session(2).id, session(3).id), id="said so"),
        pytest.param("onnxruntime@1.30.0", "onnxruntime@1.31.1",
                     ("subject", "onnxruntime@1.30.0", "onnxruntime@1.31.1"), id="subjects with their versions"),
        pytest.param("pinned", NEW.hash[:12], ("subject", "pinned@1.30.0", "onnxruntime@1.31.1"),
                     id="a subject by its name and one by its hash"),
        pytest.param("aaaaaaa", "b" * 40, ("commit", "a" * 12, "b" * 12), id="commits, in full or in short"),
        pytest.param(MACHINE.name, OTHER.hash[:10], ("gpu", MACHINE.name, f"NVIDIA H200 ({OTHER.hash[:12]})"),
                     id="a machine by its name and one by its hash"),
        pytest.param(f"gpu:NVIDIA H200 ({CAPPED.hash[:12]})", f"gpu:{OTHER.hash}",
                     ("gpu", f"NVIDIA H200 ({CAPPED.hash[:12]})", f"NVIDIA H200 ({OTHER.hash[:12]})"),
                     id="machines of one model"),
    ],
)  # fmt: skip
def test_names_are_recognised(history: History, tmp_path: Path, a: str, b: str, found: tuple[str, str, str]) -> None:
    """What a name stands for follows from what the history has, and both are told apart in their columns."""
    one, other = sides(history, a, b, tmp_path)
    assert one.kind == other.kind
    assert (one.kind, one.name, other.name) == found


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        pytest.param("nope", "latest", ["nothing called 'nope'", "onnxruntime@1.30.0", "latest", "a" * 12, "H200"],
                     id="unknown"),
        pytest.param("latest~7", "latest", ["nothing called 'latest~7'"], id="before the first session"),
        pytest.param("latest", MACHINE.name, ["'latest' is a session", "is a gpu", "of one kind"], id="two kinds"),
        pytest.param("onnxruntime", "pinned", ["2 subjects", "onnxruntime@1.30.0", "onnxruntime@1.31.1"],
                     id="a subject of two versions"),
        pytest.param("NVIDIA H200", MACHINE.name, ["2 gpus", OTHER.hash[:12], CAPPED.hash[:12]],
                     id="one name of two machines"),
        pytest.param("latest", session(3).id, ["are the same session"], id="the same session twice"),
        pytest.param("session:pinned", "session:latest", ["nothing called 'session:pinned'"], id="another kind"),
    ],
)  # fmt: skip
def test_names_that_cannot_be_compared_are_explained(
    history: History, tmp_path: Path, a: str, b: str, said: list[str]
) -> None:
    """The error names the value, and what there is instead."""
    with pytest.raises(ConfigurationError) as caught:
        sides(history, a, b, tmp_path)
    assert all(words in str(caught.value) for words in said), str(caught.value)


def test_a_name_of_two_kinds_has_to_be_explained(history: History, tmp_path: Path) -> None:
    """Where subjects and machines have the same two names, the prefix decides."""
    for number, name in ((1, "left"), (2, "right")):
        machine = EnvironmentRecord(name=name, identity={"cpu": name})
        history.add_trial(trial(number, subject=SubjectRecord(name=name, runtime="onnxruntime", version="1"),
                                environment=machine))  # fmt: skip
    with pytest.raises(ConfigurationError, match="say which: subject:left subject:right"):
        sides(history, "left", "right", tmp_path)
    assert {side.kind for side in sides(history, "gpu:left", "right", tmp_path)} == {"gpu"}


def test_a_branch_is_the_commit_that_it_points_to(history: History, tmp_path: Path) -> None:
    """Names that only the checkout knows are resolved there, and uncommitted changes are told."""

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        answer = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()

    git("init", "-q", "-b", "trunk")
    git("commit", "-q", "--allow-empty", "-m", "first")
    history.start_session(replace(session(4), commit=git("rev-parse", "HEAD")))
    history.add_trial(trial(4))
    trunk, other = sides(history, "trunk", "b" * 40, tmp_path)
    assert trunk.sessions == {session(4).id}
    assert other.remark == "1 of its 2 sessions had uncommitted changes"


@pytest.mark.parametrize(
    ("text", "run"),
    [("new=/usr/bin/python", True), ("subject:new=tensorrt:/usr/bin/python", True), ("new", False), ("latest", False)],
)
def test_interpreters_are_recognised(text: str, run: bool) -> None:
    """Whatever has a NAME= is to be run."""
    assert is_to_be_run(text) == run


def test_one_that_is_run_is_not_compared_with_one_that_is_stored() -> None:
    """They would not have been measured in turns, so the error asks for the other interpreter."""
    assert check_same_way("latest~1", "latest") is False
    with pytest.raises(ConfigurationError, match=r"Give 'latest' an interpreter, too: NAME=PYTHON"):
        check_same_way("new=/usr/bin/python", "latest")
