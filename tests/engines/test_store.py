from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from harness.engines import Discarded, EngineStore
from harness.engines import store as store_module
from tests.engines.building import FACTS, KEY, engine_file, key, set_time, store_engines

ROOT = Path(__file__).parents[2]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> EngineStore:
    """Return a store whose folder is not there yet."""
    return EngineStore.below(tmp_path / "cache")


def names_in(store: EngineStore) -> set[str]:
    """Return the endings of the files in the store."""
    return {path.suffix or path.name for path in store.folder.iterdir()}


def test_what_was_put_is_found_with_its_record(store: EngineStore, tmp_path: Path) -> None:
    """Everything that its build told comes back, in another session too."""
    put = store.put(KEY, engine_file(tmp_path), FACTS)
    found = EngineStore(store.folder).find(KEY)
    assert found is not None
    assert (found.facts, found.bytes, found.sha256, found.path) == (FACTS, 6, put.sha256, put.path)
    assert found.path.read_bytes() == b"a plan"
    assert found.built_at == put.built_at
    assert abs(found.last_used - datetime.now(timezone.utc)) < MINUTE
    assert found.parts["gpu"] == "NVIDIA H200"


def test_another_key_finds_nothing(store: EngineStore, tmp_path: Path) -> None:
    """Neither in an empty store nor in one that has other engines."""
    assert store.find(KEY) is None
    store.put(KEY, engine_file(tmp_path), FACTS)
    assert store.find(replace(KEY, version="10.0")) is None


def test_a_store_makes_its_folder_when_it_must(store: EngineStore, tmp_path: Path) -> None:
    """Looking makes nothing."""
    assert (store.list(), store.discarded(), store.find(KEY), store.prune(keep_last=0)) == ((), (), None, ())
    assert not store.folder.exists()
    store.put(KEY, engine_file(tmp_path), FACTS)
    assert names_in(store) == {".json", ".engine"}


def test_taking_copies_and_counts_as_use(store: EngineStore, tmp_path: Path) -> None:
    """What was taken stays whatever becomes of the store, and is the last to be pruned."""
    first, second = store_engines(store, tmp_path, 10, 20)
    assert [engine.key for engine in store.list()] == [first.key, second.key]
    taken = store.take(key(1), tmp_path / "session" / "x.engine")
    assert taken is not None
    assert taken.facts == second.facts
    assert [engine.key for engine in store.list()] == [second.key, first.key]
    store.prune(keep_last=0)
    assert (tmp_path / "session" / "x.engine").read_bytes() == b"\1" * 20


def test_taking_what_is_not_there_is_none(store: EngineStore, tmp_path: Path) -> None:
    """And leaves no file behind."""
    assert store.take(KEY, tmp_path / "x.engine") is None
    assert not (tmp_path / "x.engine").exists()


@pytest.mark.parametrize("content", [b"a plot", b"a pl"], ids=["another content", "cut off"])
def test_a_file_that_has_changed_is_discarded(store: EngineStore, tmp_path: Path, content: bytes) -> None:
    """A bit that fell over on disk, or the lack of an end, is noticed before a runtime loads it, told and noted."""
    put = store.put(KEY, engine_file(tmp_path), FACTS)
    put.path.write_bytes(content)
    taken = store.take(KEY, tmp_path / "x.engine")
    assert isinstance(taken, Discarded)
    assert "6 bytes no longer holds what was stored" in taken.why
    assert taken.case == FACTS.case
    assert store.discarded() == (taken,)
    assert not (tmp_path / "x.engine").exists()
    assert store.find(KEY) is None
    assert names_in(store) == {".jsonl"}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda put: put.path.unlink(), id="its file is gone"),
        pytest.param(lambda put: put.path.write_bytes(b"a pl"), id="its file was cut off"),
        pytest.param(lambda put: put.path.with_name(f"{put.key}.json").write_text("{"), id="its sidecar is broken"),
    ],
)
def test_an_engine_that_is_not_whole_is_not_there(store: EngineStore, tmp_path: Path, damage: Any) -> None:
    """It is built anew, and storing it mends the store."""
    damage(store.put(KEY, engine_file(tmp_path), FACTS))
    assert store.find(KEY) is None
    assert store.list() == ()
    store.put(KEY, engine_file(tmp_path), FACTS)
    assert store.find(KEY) is not None


def test_a_rebuilt_engine_takes_the_place_of_the_first(store: EngineStore, tmp_path: Path) -> None:
    """One key has one engine, and its record is that of its own build."""
    store.put(KEY, engine_file(tmp_path), FACTS)
    store.put(KEY, engine_file(tmp_path, b"another plan"), replace(FACTS, fingerprint="00" * 32))
    (engine,) = store.list()
    assert (engine.path.read_bytes(), engine.facts.fingerprint) == (b"another plan", "00" * 32)
    assert len(list(store.folder.iterdir())) == 2


def test_an_engine_that_is_replaced_meanwhile_is_taken_whole(
    store: EngineStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that looked just before another one stored gets the new engine with the new record."""
    store.put(KEY, engine_file(tmp_path), FACTS)
    copy, calls = store_module._copy, []

    def late(source: Path, destination: Path) -> str:
        calls.append(source)
        if len(calls) == 1:
            newer = engine_file(tmp_path, b"another plan")
            store.put(KEY, newer, replace(FACTS, seconds=1.0))
        return copy(source, destination)

    monkeypatch.setattr(store_module, "_copy", late)
    taken = store.take(KEY, tmp_path / "x.engine")
    assert taken is not None
    assert (taken.facts.seconds, (tmp_path / "x.engine").read_bytes()) == (1.0, b"another plan")


def test_an_engine_that_is_pruned_meanwhile_is_not_there(
    store: EngineStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is built anew, as if it had never been there."""
    store.put(KEY, engine_file(tmp_path), FACTS)
    copy = store_module._copy

    def late(source: Path, destination: Path) -> str:
        store.prune(keep_last=0)
        return copy(source, destination)

    monkeypatch.setattr(store_module, "_copy", late)
    assert store.take(KEY, tmp_path / "x.engine") is None


def test_a_failed_put_leaves_the_store_as_it_was(
    store: EngineStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full costs the new engine and nothing else."""
    store.put(KEY, engine_file(tmp_path), FACTS)

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_copy", full)
        with pytest.raises(OSError, match="No space"):
            store.put(KEY, engine_file(tmp_path, b"another plan"), FACTS)
    assert store.take(KEY, tmp_path / "x.engine") is not None
    assert len(list(store.folder.iterdir())) == 2


def test_a_discarded_engine_is_gone_and_noted(store: EngineStore, tmp_path: Path) -> None:
    """The reason is kept, so that a rebuild can be explained."""
    store.put(KEY, engine_file(tmp_path), FACTS)
    store.discard(KEY, "the plan is of another TensorRT version")
    store.discard(key(5), "never heard of")
    assert store.find(KEY) is None
    assert [(entry.case, entry.why) for entry in store.discarded()] == [
        (FACTS.case, "the plan is of another TensorRT version"),
        ("", "never heard of"),
    ]
    assert names_in(store) == {".jsonl"}


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        pytest.param({}, [0, 1, 2, 3], id="no rule removes nothing"),
        pytest.param({"keep_last": 2}, [0, 1], id="so many"),
        pytest.param({"keep_last": 0}, [], id="none at all"),
        pytest.param({"older_than": timedelta(days=1.5)}, [0, 1], id="those used lately"),
        pytest.param({"max_bytes": 60}, [0, 1, 2], id="as far as they fit"),
        pytest.param({"max_bytes": 50}, [0, 1, 3], id="a large one goes before an older one that fits"),
        pytest.param({"max_bytes": 9}, [], id="none fits"),
        pytest.param({"keep_last": 3, "older_than": timedelta(days=1.5)}, [0, 1], id="any rule will do"),
    ],
)
def test_pruning_keeps_what_was_used_last(
    store: EngineStore, tmp_path: Path, rules: dict[str, Any], kept: list[int]
) -> None:
    """Engine 0 was used today, each next one a day before; they have 10, 20, 30 and 20 bytes."""
    engines = store_engines(store, tmp_path, 10, 20, 30, 20)
    expected = [engine.key for number, engine in enumerate(engines) if number not in kept]
    assert [engine.key for engine in store.prunable(**rules)] == expected
    assert len(store.list()) == 4
    assert [engine.key for engine in store.prune(**rules)] == expected
    assert [engine.key for engine in store.list()] == [engines[number].key for number in kept]
    assert len(list(store.folder.glob("*.engine"))) == len(kept)


def test_pruning_clears_away_what_a_killed_session_left(store: EngineStore, tmp_path: Path) -> None:
    """Old files that belong to no engine go; what may be in the making stays, and so does every whole engine."""
    (engine,) = store_engines(store, tmp_path, 10)
    for path in (engine.path, store.folder / f"{engine.key}.json"):
        set_time(path, hours=2)
    left = [store.folder / name for name in (".storing-abc", "k.0123.engine", "k.json")]
    fresh = [store.folder / name for name in (".storing-def", "l.0123.engine")]
    for path in (*left, *fresh):
        path.write_bytes(b"half")
    for path in left:
        set_time(path, hours=2)
    store.prune()
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in fresh)
    assert store.find(key(0)) is not None


def test_sessions_can_share_a_store(store: EngineStore, tmp_path: Path) -> None:
    """Several that store, take and prune at once never get an engine with the record of another build."""
    program = """
import random, sys
from dataclasses import replace
from pathlib import Path
from harness.engines import EngineStore
from tests.engines.building import FACTS, engine_file, key
seed, folder = int(sys.argv[1]), Path(sys.argv[2])
mine = folder / str(seed)
mine.mkdir()
store, chance, taken = EngineStore(folder / "store"), random.Random(seed), 0
for turn in range(60):
    number = chance.randrange(3)
    content = f"{seed} {turn} ".encode() * chance.randrange(1, 2000)
    store.put(key(number), engine_file(mine, content), replace(FACTS, case=f"{seed} {turn} "))
    got = store.take(key(chance.randrange(3)), mine / "taken.engine")
    if got is not None:
        taken += 1
        assert (mine / "taken.engine").read_bytes().startswith(got.facts.case.encode()), got
    if turn % 20 == 19:
        store.prune(keep_last=1)
    assert store.discarded() == ()
assert taken > 10
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(seed), str(tmp_path)], cwd=ROOT) for seed in range(3)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    left = EngineStore(tmp_path / "store")
    assert 1 <= len(left.list()) <= 3
