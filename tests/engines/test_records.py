from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from harness.engines.records import (
    Discarded,
    StoredEngine,
    line_of,
    read_discarded,
    read_sidecar,
    sidecar_of,
)
from tests.engines.building import FACTS, KEY

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
STORED = StoredEngine(
    key=KEY.hash,
    parts=json.loads(json.dumps(KEY.to_json())),
    path=Path("store/x.engine"),
    bytes=6,
    sha256="12" * 32,
    built_at=NOON,
    last_used=NOON,
    facts=FACTS,
)


def test_a_sidecar_is_read_as_it_was_written() -> None:
    """Nothing that is known of an engine is lost on disk."""
    assert read_sidecar(sidecar_of(STORED), Path("store"), NOON) == STORED


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sidecar_version": 2}, id="of a newer version"),
        pytest.param({"facts": {}}, id="without what an engine always has"),
        pytest.param({"facts": None}, id="with nothing where facts should be"),
        pytest.param({"built_at": "yesterday"}, id="with a time that is none"),
    ],
)
def test_a_sidecar_that_makes_no_sense_is_none(change: dict[str, Any]) -> None:
    """Its engine is built anew; nothing fails."""
    data = {**json.loads(sidecar_of(STORED)), **change}
    assert read_sidecar(json.dumps(data).encode(), Path("store"), NOON) is None


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe"], ids=repr)
def test_a_file_that_is_no_sidecar_is_none(text: bytes) -> None:
    """Whatever lies in the folder does no harm."""
    assert read_sidecar(text, Path("store"), NOON) is None


def test_a_fact_that_is_not_known_yet_is_passed_over() -> None:
    """A later version may add facts without making stored engines useless."""
    data = json.loads(sidecar_of(STORED))
    data["facts"]["colour"] = "green"
    assert read_sidecar(json.dumps(data).encode(), Path("store"), NOON) == STORED


def test_a_discarded_engine_is_read_as_it_was_written() -> None:
    """One line each, and a line that was cut off is none."""
    entry = Discarded(key="k", case="c", why="it no longer\nloads", at=NOON)
    line = line_of(entry)
    assert line.count(b"\n") == 1
    assert read_discarded(line) == entry
    assert read_discarded(line[:20]) is None
