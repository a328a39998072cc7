"""What is known of a stored engine: plain frozen records, and their form on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The form of a sidecar; one of another version is not read, and its engine is built anew.
# 1: as first written.
SIDECAR_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class BuildFacts:
    """How an engine came to be.

    Attributes:
        case: id of the case that it was first built for.
        seconds: how long the build took.
        fingerprint: SHA-256 over its layers, their types and tactics.
        options: the build's options in force.
        type_shares: share of its computing layers by number type.
        layers: how many it has.
        warnings: lines of the build log worth showing.
        more: anything else that the runtime's answer to a build holds, as plain data.
    """

    case: str
    seconds: float
    fingerprint: str
    options: Mapping[str, Any] = field(default_factory=dict)
    type_shares: Mapping[str, float] = field(default_factory=dict)
    layers: int = 0
    warnings: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StoredEngine:
    """One engine in the store.

    Attributes:
        key: ``EngineKey.hash``.
        parts: ``EngineKey.to_json()``.
        path: its file; pruning may remove it at any time, so take a copy (``EngineStore.take``) to work with.
        bytes: the file's size.
        sha256: of the file's content.
        built_at: UTC.
        last_used: UTC.
        facts: how it came to be.
    """

    key: str
    parts: Mapping[str, Any]
    path: Path
    bytes: int
    sha256: str
    built_at: datetime
    last_used: datetime
    facts: BuildFacts


@dataclass(frozen=True, kw_only=True)
class Discarded:
    """An engine that was in the store and proved to be of no use.

    Attributes:
        key: ``EngineKey.hash``.
        case: id of the case that it was built for; empty where its sidecar could not be read.
        why: in a sentence.
        at: UTC.
    """

    key: str
    case: str
    why: str
    at: datetime


def sidecar_of(stored: StoredEngine) -> bytes:
    """Return the text of an engine's sidecar: everything but when it was last used, which is the file's time."""
    return json.dumps(
        {
            "sidecar_version": SIDECAR_VERSION,
            "key": stored.key,
            "parts": dict(stored.parts),
            "file": stored.path.name,
            "bytes": stored.bytes,
            "sha256": stored.sha256,
            "built_at": stored.built_at.isoformat(),
            "facts": asdict(stored.facts),
        },
        indent=1,
    ).encode()


def read_sidecar(text: bytes, folder: Path, last_used: datetime) -> StoredEngine | None:
    """Return what ``sidecar_of`` wrote for an engine in ``folder``, or None if it is cut off or of another version."""
    try:
        data = json.loads(text)
        if data["sidecar_version"] != SIDECAR_VERSION:
            return None
        known = {entry.name for entry in fields(BuildFacts)}
        facts = {name: value for name, value in data["facts"].items() if name in known}
        return StoredEngine(
            key=data["key"],
            parts=data["parts"],
            path=folder / data["file"],
            bytes=data["bytes"],
            sha256=data["sha256"],
            built_at=datetime.fromisoformat(data["built_at"]),
            last_used=last_used,
            facts=BuildFacts(**{**facts, "warnings": tuple(facts["warnings"])}),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def line_of(discarded: Discarded) -> bytes:
    """Return one line of the list of discarded engines."""
    return json.dumps({**asdict(discarded), "at": discarded.at.isoformat()}).encode() + b"\n"


def read_discarded(line: bytes) -> Discarded | None:
    """Return what ``line_of`` wrote, or None where it is not whole."""
    try:
        data = json.loads(line)
        return Discarded(**{**data, "at": datetime.fromisoformat(data["at"])})
    except (ValueError, TypeError, KeyError):
        return None
