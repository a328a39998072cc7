"""What git says of the checkout that holds the suite: commit, branch, what it grew from, and who works on it."""

from __future__ import annotations

import getpass
import os
import subprocess
from typing import TYPE_CHECKING

from harness.verdicts.baseline import Lineage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Where CI says which branch a change is to be merged into, and which one it is on, as it checks out neither by name.
_TARGETS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
_SOURCES = ("GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH")
_DETACHED = "HEAD"
# A history of half a million commits is listed in about three.
_SECONDS = 60


def git(root: Path, *arguments: str) -> str | None:
    """Return what git answers in the checkout at ``root``; None where there is no git, no checkout or no answer."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def branch_of(root: Path, environment: Mapping[str, str] | None = None) -> str | None:
    """Return the branch of a checkout, which CI tells where the checkout itself has none; None if nobody knows.

    Args:
        root: the checkout.
        environment: by default ``os.environ``.
    """
    name = git(root, "rev-parse", "--abbrev-ref", "HEAD")
    if name != _DETACHED:
        return name
    return _first(_SOURCES, os.environ if environment is None else environment) or name


def target_branch(setting: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Return the branch that the checkout is to be merged into; None if none is known.

    Args:
        setting: ``baseline_branch``; empty leaves it to CI.
        environment: by default ``os.environ``.
    """
    return setting or _first(_TARGETS, os.environ if environment is None else environment)


def merge_base(root: Path, target: str) -> str | None:
    """Return the commit at which the checkout left the branch ``target``, or its remote twin where there is no other.

    Returns:
        None where git does not know: no such branch, a shallow clone, no checkout.
    """
    for name in (target, f"origin/{target}"):
        if found := git(root, "merge-base", "HEAD", name):
            return found
    return None


def ancestors(root: Path, commit: str) -> frozenset[str] | None:
    """Return a commit and all that it grew from; None where git does not know it."""
    listed = git(root, "rev-list", commit, "--")
    return frozenset(listed.split()) if listed else None


def lineage_of(root: Path, base: str) -> Lineage | None:
    """Return what the checkout at ``root`` descends from, given its merge base; None where git does not know it."""
    merged, line = ancestors(root, base), ancestors(root, "HEAD")
    if merged is None or line is None:
        return None
    branch = branch_of(root)
    return Lineage(base=merged, line=line, branch=None if branch == _DETACHED else branch)


def author_of(root: Path) -> str:
    """Return who works here: git's ``user.name``, else the name of the account; empty if nobody knows."""
    if name := git(root, "config", "user.name"):
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no account, as in a container that runs as a number; KeyError before Python 3.13
        return ""


def _first(names: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)
