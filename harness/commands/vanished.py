"""Which cases a session should have had: plain data in, the vanished ones out.

A case is expected if one of the sessions that make the baselines had it, in an environment and under a runtime that
this session has, too, and if what this session was asked for would have selected it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.history.decisions import current_name, is_dropped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.history.decisions import Decision

# Settings that select cases by a part of their name, and the part.
_FILTERS = {"models": "model", "precisions": "precision", "profiles": "profile"}


@dataclass(frozen=True, kw_only=True)
class RanCase:
    """A case as one session ran it.

    Attributes:
        case: its id.
        model: a part of it, as are ``precision`` and ``profile``.
        environment: SHA-256 of the machine's identity.
        runtime: that it ran under.
        subject: what its session called the software under test.
    """

    case: str
    model: str
    precision: str
    profile: str
    environment: str
    runtime: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class RanSession:
    """A session, what it was asked for, and the cases that it ran."""

    id: str
    settings: Mapping[str, Any]
    cases: Sequence[RanCase]


def label_of(case: str, subject: str, runtime: str) -> str:
    """Return what a case is called: with its subject's name where one was given."""
    return case if subject == runtime else f"{case}@{subject}"


def vanished(own: RanSession, earlier: Iterable[RanSession], decisions: Sequence[Decision]) -> dict[str, str]:
    """Return the cases that a session lacks, each with the id of the newest session that had it.

    A renamed case is looked for under its new name; one that was dropped is not looked for. Nothing is said of a
    session that was narrowed by something other than settings (pytest's ``-k``), or that ran no suite.

    Args:
        own: the session.
        earlier: sessions that it can be held against, the newest first.
        decisions: those in force.
    """
    if own.settings.get("narrowed") or _is_special(own.settings):
        return {}
    machines = {(ran.environment, ran.runtime) for ran in own.cases}
    lacking: dict[str, str] = {}
    for session in earlier:
        if not is_comparable(own.settings, session.settings):
            continue
        same_subjects = _listed(own.settings, "subjects") == _listed(session.settings, "subjects")
        present = {_key(ran, current_name(ran.case, decisions), same_subjects=same_subjects) for ran in own.cases}
        for ran in session.cases:
            case = current_name(ran.case, decisions)
            if (ran.environment, ran.runtime) not in machines or not _selects(own.settings, ran):
                continue
            dropped = is_dropped(case, decisions) or is_dropped(ran.case, decisions)
            if _key(ran, case, same_subjects=same_subjects) not in present and not dropped:
                label = label_of(case, ran.subject, ran.runtime)
                lacking.setdefault(label if case == ran.case else f"{label} (formerly {ran.case})", session.id)
    return lacking


def is_comparable(own: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Tell whether all that an earlier session selected, this one would have, too, but for its filters.

    Without --models only the models run that are not slow, and which those are the catalogue of then knows alone.
    """
    if _is_special(earlier) or own.get("catalogue") != earlier.get("catalogue"):
        return False
    if _listed(own, "models"):
        return True
    return not _listed(earlier, "models") and (earlier.get("pace") != "full" or own.get("pace") == "full")


def _is_special(settings: Mapping[str, Any]) -> bool:
    """Tell whether a session ran no suite: it checked a single file, or compared two subjects."""
    return bool(settings.get("check") or settings.get("compare"))


def _selects(settings: Mapping[str, Any], ran: RanCase) -> bool:
    return all(
        not (wanted := _listed(settings, setting)) or getattr(ran, part) in wanted for setting, part in _FILTERS.items()
    )


def _listed(settings: Mapping[str, Any], name: str) -> list[str]:
    return sorted(settings.get(name) or ())


def _key(ran: RanCase, case: str, *, same_subjects: bool) -> tuple[str, ...]:
    return (ran.environment, ran.runtime, case, ran.subject if same_subjects else "")
