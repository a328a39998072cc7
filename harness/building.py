"""The engine of a case: built now, or taken from those that earlier sessions built."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.engines import BuildFacts, Discarded
from harness.errors import RuntimeFailure, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.engines import EngineKey, EngineStore, StoredEngine
    from harness.workbench import Phases

Answer = dict[str, Any]

# How much of a runtime's reason for not loading an engine goes into a warning.
_LONGEST_REASON = 300

# What an answer says of how this session came by the engine, and not of the engine.
_OF_THIS_SESSION = ("reused", "remark")


def keeps_engines(use: str, *, slow_builds: bool) -> bool:
    """Tell whether engines are kept from session to session.

    Args:
        use: the setting ``engines``.
        slow_builds: whether the runtime's builds are worth it.
    """
    return use != "auto" or slow_builds


class KeptEngine:
    """The engine of one key, in the store and at the place where the session works with it.

    Args:
        store: what earlier sessions left.
        key: which engine it is.
        case: id of the case that needs it.
        destination: its file in this session.
        phases: where the time of copying is counted.
    """

    def __init__(self, store: EngineStore, key: EngineKey, case: str, destination: str, phases: Phases) -> None:
        self._store, self._key, self._case = store, key, case
        self._destination = Path(destination)
        self._phases = phases

    def take_or_build(self, adopt: Callable[[], Answer], build: Callable[[], Answer]) -> Answer:
        """Take the engine from the store, or build and store it where there is none that loads.

        Args:
            adopt: asks a worker to load the engine at ``destination`` and to look into it.
            build: asks a worker to build it there, and to look into it.

        Returns:
            What ``build`` returned for the build that made the engine, whichever session that was, with ``reused`` and,
            as ``remark``, a sentence on where it is from.
        """
        taken, why_not = self._take(adopt)
        return taken or self.build(build, why_not)

    def build(self, build: Callable[[], Answer], why: str = "") -> Answer:
        """Build the engine, and put it in the place of the one that is stored.

        Args:
            build: asks a worker to build it at ``destination``, and to look into it.
            why: a sentence that goes with its warnings; empty where there is nothing to tell.
        """
        answer = build_only(build)
        if why:
            answer["warnings"] = [why, *answer["warnings"]]
            answer["remark"] = why
        try:
            with self._phases.phase("build"):
                self._store.put(self._key, self._destination, _facts_of(answer, self._case))
        except OSError as error:
            # The engine is there all the same: only the next session has to build it again.
            answer["remark"] = f"the engine could not be kept for other sessions: {error}"
            answer["warnings"] = [*answer["warnings"], answer["remark"]]
        return answer

    def _take(self, adopt: Callable[[], Answer]) -> tuple[Answer | None, str]:
        """Return the answer for the stored engine; or None and, where there is one that is of no use, why it is not."""
        try:
            with self._phases.phase("build"):
                found = self._store.take(self._key, self._destination)
        except OSError as error:
            return None, f"the engine kept from an earlier session could not be copied ({error}); built anew"
        if found is None:
            return None, ""
        if isinstance(found, Discarded):
            return None, f"the engine kept from an earlier session is damaged ({found.why}); built anew"
        try:
            looked_into = adopt()
        except (RuntimeFailure, WorkerError) as failure:
            reason = _in_short(failure)
            self._store.discard(self._key, reason)
            return None, f"the engine kept from {found.built_at:%Y-%m-%d} no longer loads ({reason}); built anew"
        return _answer_of(found, looked_into), ""


def build_only(build: Callable[[], Answer]) -> Answer:
    """Build an engine that is not kept: ``build``'s answer, with what ``KeptEngine.take_or_build`` adds to it."""
    return {**build(), "reused": False, "remark": ""}


def _answer_of(stored: StoredEngine, looked_into: Mapping[str, Any]) -> Answer:
    facts = stored.facts
    return {
        **looked_into,  # what the build's own answer has is taken from there; an older harness may have noted less
        **facts.more,
        "seconds": facts.seconds,
        "bytes": stored.bytes,
        "fingerprint": facts.fingerprint,
        "options": dict(facts.options),
        "type_shares": dict(facts.type_shares),
        "layers": facts.layers,
        "warnings": list(facts.warnings),
        "reused": True,
        "remark": f"the engine built on {stored.built_at:%Y-%m-%d %H:%M} UTC, in {facts.seconds:.1f} s, is used again",
    }


def _facts_of(answer: Mapping[str, Any], case: str) -> BuildFacts:
    own = {field.name for field in fields(BuildFacts)} - {"case", "more"}
    rest = {name: value for name, value in answer.items() if name not in (*own, "bytes", *_OF_THIS_SESSION)}
    known = {name: answer[name] for name in own}
    return BuildFacts(**{**known, "case": case, "warnings": tuple(answer["warnings"]), "more": rest})


def _in_short(failure: RuntimeFailure | WorkerError) -> str:
    text = " ".join((failure.summary if isinstance(failure, WorkerError) else str(failure)).split())
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"
