"""What the two arguments of ``trt-harness compare`` stand for: interpreters to be run, or parts of the history."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from sqlalchemy import select

from harness.errors import ConfigurationError
from harness.history.tables import Environment, Session, Subject, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from harness.history.queries import Queries

Kind = Literal["subject", "session", "commit", "gpu"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_LATEST = re.compile(r"latest(?:~(\d+))?")
# So many digits of a hash name it.
_SHORTEST_HASH = 6
_MOST_LISTED = 8


@dataclass(frozen=True, kw_only=True)
class StoredSide:
    """A part of the history: trials that all of what is not None is true of.

    Attributes:
        kind: what it was named as.
        name: what columns are called.
        sessions: ids of the sessions that it is of.
        subject_label: what its sessions called the subject.
        subject_hash: the software.
        environment_hash: the machine.
        remark: what else is worth knowing; a sentence without its full stop, or empty.
    """

    kind: Kind
    name: str
    sessions: frozenset[str] | None = None
    subject_label: str | None = None
    subject_hash: str | None = None
    environment_hash: str | None = None
    remark: str = ""


def is_to_be_run(text: str) -> bool:
    """Tell whether an argument gives an interpreter: ``NAME=PYTHON`` or ``NAME=RUNTIME:PYTHON``."""
    return "=" in text.removeprefix("subject:")


def check_same_way(a: str, b: str) -> bool:
    """Return whether both arguments give interpreters.

    Raises:
        ConfigurationError: one does and the other does not.
    """
    run = [is_to_be_run(text) for text in (a, b)]
    if run[0] != run[1]:
        given, stored = (a, b) if run[0] else (b, a)
        raise ConfigurationError(
            f"{given!r} is to be run and {stored!r} is of the history; two that are compared have to be of one kind. "
            f"Give {stored!r} an interpreter, too: NAME=PYTHON"
        )
    return run[0]


def stored_sides(a: str, b: str, queries: Queries, root: Path) -> tuple[StoredSide, StoredSide]:
    """Find what two arguments name in the history: subjects, sessions, commits or environments, both of one kind.

    Args:
        a: ``latest``, ``latest~1``, the id of a session, a subject as ``NAME`` or ``NAME@VERSION``, a commit or branch,
            an environment's name; or the beginning of the hash of any of them. ``subject:``, ``session:``,
            ``commit:`` or ``gpu:`` before it says which kind is meant.
        b: likewise.
        queries: of the history.
        root: the checkout in which branches are looked up.

    Raises:
        ConfigurationError: one names nothing, or more than one thing, or both name the same; the text lists what there
            is.
    """
    with queries.snapshot() as connection:
        known = _Known(connection, root)
        found = [known.sides(text) for text in (a, b)]
        for text, sides in zip((a, b), found, strict=True):
            if not sides:
                raise ConfigurationError(f"the history has nothing called {text!r}. {known.listing()}")
        kinds = [kind for kind in KINDS if all(any(side.kind == kind for side in sides) for sides in found)]
        if not kinds:
            said = [f"{text!r} is a {_either({side.kind for side in sides})}"
                    for text, sides in zip((a, b), found, strict=True)]  # fmt: skip
            raise ConfigurationError(f"{' and '.join(said)}; two that are compared have to be of one kind")
        if len(kinds) > 1:
            raise ConfigurationError(
                f"{a!r} and {b!r} can both be a {_either(kinds)}; say which: {kinds[0]}:{a} {kinds[0]}:{b}"
            )
        one, other = (
            _only([side for side in sides if side.kind == kinds[0]], text)
            for text, sides in zip((a, b), found, strict=True)
        )
    if replace(one, name="") == replace(other, name=""):
        raise ConfigurationError(f"{a!r} and {b!r} are the same {one.kind}, {one.name}; there is nothing to compare")
    return one, other


class _Known:
    """What the history has that can be named."""

    def __init__(self, connection: Connection, root: Path) -> None:
        self._root = root
        newest_first = select(Session.id, Session.commit, Session.dirty).order_by(Session.started_at.desc(), Session.id)
        rows = connection.execute(newest_first).all()
        self._sessions: list[str] = [row.id for row in rows]
        self._commits: dict[str, dict[str, bool]] = {}
        for row in rows:
            if row.commit:
                self._commits.setdefault(row.commit, {})[row.id] = row.dirty
        labelled = select(Trial.subject_label, Subject.version, Subject.subject_hash).join(Subject).distinct()
        self._subjects: list[tuple[str, str, str]] = [
            (label, version, subject_hash)
            for label, version, subject_hash in connection.execute(labelled.order_by(Subject.id, Trial.subject_label))
        ]
        self._environments: list[tuple[str, str]] = [
            (name, identity)
            for name, identity in connection.execute(
                select(Environment.name, Environment.identity_hash).order_by(Environment.id)
            )
        ]

    def sides(self, text: str) -> list[StoredSide]:
        """Return all that ``text`` may stand for."""
        finders: dict[Kind, Callable[[str], list[StoredSide]]] = {
            "subject": self._as_subject,
            "session": self._as_session,
            "commit": self._as_commit,
            "gpu": self._as_environment,
        }
        prefix, colon, rest = text.partition(":")
        for kind, finder in finders.items():
            if colon and prefix == kind:
                return finder(rest)
        return [side for finder in finders.values() for side in finder(text)]

    def listing(self) -> str:
        """Say what there is to be named."""
        subjects = [f"{label}@{version}" for label, version, _ in self._subjects]
        said = {
            "subjects": subjects,
            "sessions": ["latest", *self._sessions],
            "commits": [commit[:12] for commit in self._commits],
            "GPUs and other environments": [name for name, _ in self._environments],
        }
        return " ".join(f"Its {what}: {_listed(names)}." for what, names in said.items())

    def _as_subject(self, text: str) -> list[StoredSide]:
        named = _told_apart([(f"{label}@{version}", key) for label, version, key in self._subjects])
        return [
            StoredSide(kind="subject", name=name, subject_label=label, subject_hash=key)
            for name, (label, version, key) in zip(named, self._subjects, strict=True)
            if text in (label, f"{label}@{version}", name) or _begins(key, text)
        ]

    def _as_session(self, text: str) -> list[StoredSide]:
        latest = _LATEST.fullmatch(text)
        if latest:
            back = int(latest[1] or 0)
            ids = self._sessions[back : back + 1]
        else:
            ids = [session for session in self._sessions if session == text or _begins(session, text)]
        return [StoredSide(kind="session", name=session, sessions=frozenset({session})) for session in ids]

    def _as_commit(self, text: str) -> list[StoredSide]:
        resolved = _git_commit(self._root, text)
        commits = [commit for commit in self._commits if commit == resolved or _begins(commit, text)]
        sides = []
        for commit in commits:
            sessions = self._commits[commit]
            unclean = sum(sessions.values())
            remark = f"{unclean} of its {len(sessions)} sessions had uncommitted changes" if unclean else ""
            sides.append(StoredSide(kind="commit", name=commit[:12], sessions=frozenset(sessions), remark=remark))
        return sides

    def _as_environment(self, text: str) -> list[StoredSide]:
        return [
            StoredSide(kind="gpu", name=told_apart, environment_hash=key)
            for told_apart, (name, key) in zip(_told_apart(self._environments), self._environments, strict=True)
            if text in (name, told_apart) or _begins(key, text)
        ]


def _only(sides: Sequence[StoredSide], text: str) -> StoredSide:
    """Return the one side that there is.

    Raises:
        ConfigurationError: there are several; the text tells how each one is named.
    """
    if len(sides) == 1:
        return sides[0]
    named = [side.name for side in sides]
    raise ConfigurationError(
        f"{text!r} is the name of {len(sides)} {sides[0].kind}s of the history; say which: {_listed(named)}"
    )


def _told_apart(named: Sequence[tuple[str, str]]) -> list[str]:
    """Return the names, those that several have with the beginning of their hash."""
    names = [name for name, _ in named]
    return [f"{name} ({key[:12]})" if names.count(name) > 1 else name for name, key in named]


def _git_commit(root: Path, text: str) -> str | None:
    """Return the commit that ``text`` names in the checkout at ``root``, or None where it names none."""
    if text.startswith("-"):
        return None
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def _begins(hash_text: str, text: str) -> bool:
    return len(text) >= _SHORTEST_HASH and hash_text.startswith(text)


def _either(kinds: Iterable[str]) -> str:
    return " or a ".join(sorted(kinds))


def _listed(names: Sequence[str]) -> str:
    shown = list(dict.fromkeys(names))
    more = f" and {len(shown) - _MOST_LISTED} more" if len(shown) > _MOST_LISTED else ""
    return (", ".join(shown[:_MOST_LISTED]) or "none") + more
