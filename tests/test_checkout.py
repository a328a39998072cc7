from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.checkout import ancestors, author_of, branch_of, git, lineage_of, merge_base, target_branch

if TYPE_CHECKING:
    from pathlib import Path


def run(root: Path, *arguments: str) -> str:
    """Run git in ``root`` and return what it printed."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(root: Path, message: str) -> str:
    """Make a commit and return its name."""
    run(root, "commit", "--quiet", "--allow-empty", "-m", message)
    return run(root, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout whose branch ``main`` has two commits, and ``feature``, which is checked out, one more."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    run(tmp_path, "init", "--quiet", "--initial-branch=main")
    run(tmp_path, "config", "user.name", "Ada Lovelace")
    run(tmp_path, "config", "user.email", "ada@example.org")
    commit(tmp_path, "one")
    commit(tmp_path, "two")
    run(tmp_path, "checkout", "--quiet", "-b", "feature")
    commit(tmp_path, "three")
    return tmp_path


def test_the_merge_base_is_where_a_branch_was_left(checkout: Path) -> None:
    """Later commits of the target branch are not part of it."""
    left = run(checkout, "rev-parse", "main")
    run(checkout, "checkout", "--quiet", "main")
    later = commit(checkout, "four")
    run(checkout, "checkout", "--quiet", "feature")
    assert merge_base(checkout, "main") == left
    lineage = lineage_of(checkout, left)
    assert lineage is not None
    assert lineage.on_base(left)
    assert not lineage.on_base(later)
    assert not lineage.on_base(run(checkout, "rev-parse", "feature"))
    assert lineage.on_line(run(checkout, "rev-parse", "feature"), None)
    assert lineage.branch == "feature"


def test_a_branch_that_only_the_remote_has_is_found(checkout: Path) -> None:
    """CI checks out one commit, and knows the others by their remote names."""
    left = run(checkout, "rev-parse", "main")
    run(checkout, "update-ref", "refs/remotes/origin/trunk", left)
    assert merge_base(checkout, "trunk") == left


def test_what_git_does_not_know_is_none(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No such branch, no such commit, no checkout: the answer is None, not an error."""
    nowhere = tmp_path_factory.mktemp("nowhere")
    assert merge_base(checkout, "nope") is None
    assert ancestors(checkout, "0" * 40) is None
    assert lineage_of(checkout, "0" * 40) is None
    assert git(nowhere, "rev-parse", "HEAD") is None
    assert branch_of(nowhere, {}) is None


def test_a_shallow_clone_knows_no_merge_base(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the commits between are not there, no wrong ones are taken."""
    run(checkout, "checkout", "--quiet", "main")
    commit(checkout, "four")
    run(checkout, "checkout", "--quiet", "feature")
    shallow = tmp_path_factory.mktemp("shallow")
    run(shallow, "clone", "--quiet", "--depth=1", "--no-single-branch", checkout.as_uri(), "clone")
    assert merge_base(shallow / "clone", "main") is None


@pytest.mark.parametrize(
    ("setting", "environment", "branch"),
    [
        pytest.param("main", {"GITHUB_BASE_REF": "trunk"}, "main", id="the setting goes first"),
        pytest.param("", {"GITHUB_BASE_REF": "trunk"}, "trunk", id="GitHub names it"),
        pytest.param("", {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "trunk"}, "trunk", id="GitLab names it"),
        pytest.param("", {"GITHUB_BASE_REF": ""}, None, id="GitHub has none for a push"),
        pytest.param("", {}, None, id="nobody names it"),
    ],
)
def test_which_branch_is_the_target(setting: str, environment: dict[str, str], branch: str | None) -> None:
    """A setting, else what CI says."""
    assert target_branch(setting, environment) == branch


def test_a_detached_checkout_has_the_branch_that_ci_tells(checkout: Path) -> None:
    """CI builds commits that no branch is at; where a branch is checked out, that is the answer."""
    told = {"GITHUB_HEAD_REF": "topic"}
    assert branch_of(checkout, told) == "feature"
    run(checkout, "checkout", "--quiet", "--detach")
    assert branch_of(checkout, told) == "topic"
    assert branch_of(checkout, {}) == "HEAD"
    lineage = lineage_of(checkout, run(checkout, "rev-parse", "main"))
    assert lineage is not None
    assert lineage.branch is None


def test_who_decides(checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's user, else the account, else nobody."""
    assert author_of(checkout) == "Ada Lovelace"
    nowhere = tmp_path_factory.mktemp("nowhere")
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    assert author_of(nowhere) == "ada"

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert author_of(nowhere) == ""
