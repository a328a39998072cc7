from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.engines import EngineStore
from tests.engines.building import key, store_engines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Shell


@pytest.fixture
def store(tmp_path: Path) -> EngineStore:
    """Return the store of the default cache, with three engines of 1, 2 and 3 MiB, each used a day before the last."""
    store = EngineStore.below(tmp_path / ".trt-harness" / "cache")
    store_engines(store, tmp_path, 2**20, 2 * 2**20, 3 * 2**20)
    return store


def test_engines_are_listed(shell: Shell, store: EngineStore) -> None:
    """One line each, the one used last first, and what they amount to."""
    answer = shell("engines", "list")
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [f"model{number}-fp16-static" for number in range(3)]
    for said in ("tensorrt 8.6.0", "NVIDIA H200", "1.0", "21.5", store.list()[0].key[:12]):
        assert said in lines[1]
    assert lines[4].startswith("3 engines of 6.0 MiB in ")


def test_an_empty_store_is_said(shell: Shell) -> None:
    """No table, no folder made, no error."""
    answer = shell("engines", "list")
    assert (answer.exit_code, answer.stdout.splitlines()[0][:24]) == (0, "0 engines of 0.0 MiB in ")


def test_what_was_discarded_is_told(shell: Shell, store: EngineStore) -> None:
    """A reader learns that an engine was of no use, and why."""
    store.discard(key(1), "the plan is of another version")
    said = shell("engines", "list").stdout.splitlines()[-1]
    assert said.startswith("1 discarded, the last one ")
    assert said.endswith("model1-fp16-static: the plan is of another version")


def test_the_list_is_there_as_data(shell: Shell, store: EngineStore) -> None:
    """JSON has every part of the key and every fact of the build."""
    data = json.loads(shell("engines", "list", "--json").stdout)
    assert [engine["key"] for engine in data["engines"]] == [engine.key for engine in store.list()]
    assert data["engines"][0]["parts"]["axes"] == {"batch": [1, 4, 16]}
    assert data["engines"][0]["facts"]["warnings"] == ["a layer fell back"]
    assert data["discarded"] == []


@pytest.mark.parametrize(
    ("options", "left"),
    [
        pytest.param(("--keep-last", "1"), 1, id="so many"),
        pytest.param(("--max-gib", "0.003"), 2, id="so much"),
        pytest.param(("--older-than", "0.5"), 1, id="so long"),
        pytest.param(("--keep-last", "2", "--older-than", "0.5"), 1, id="two rules"),
    ],
)
def test_engines_are_pruned(shell: Shell, store: EngineStore, options: tuple[str, ...], left: int) -> None:
    """What goes is listed; --dry-run says the same and removes nothing."""
    dry = shell("engines", "prune", *options, "--dry-run")
    assert len(store.list()) == 3
    wet = shell("engines", "prune", *options)
    assert (dry.exit_code, wet.exit_code) == (0, 0)
    assert len(store.list()) == left
    assert wet.stdout.splitlines()[-1].startswith(f"removed {3 - left} engine")
    assert wet.stdout.splitlines()[-1].endswith("left")
    assert dry.stdout == wet.stdout.replace("\nremoved", "\nwould remove")


def test_pruning_tells_what_went_as_data(shell: Shell, store: EngineStore) -> None:
    """JSON lists the engines that went."""
    data = json.loads(shell("engines", "prune", "--keep-last", "2", "--json").stdout)
    assert [engine["facts"]["case"] for engine in data["removed"]] == ["model2-fp16-static"]
    assert data["dry_run"] is False
    assert len(store.list()) == 2


def test_pruning_without_a_rule_is_refused(shell: Shell, store: EngineStore) -> None:
    """Nothing is removed by accident, and the error names the rules."""
    answer = shell("engines", "prune")
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: say what is to go: --max-gib GIB")
    assert len(store.list()) == 3


def test_the_cache_can_be_named(shell: Shell, store: EngineStore, tmp_path: Path) -> None:
    """Engines are looked for where sessions with the same --cache keep them."""
    assert "0 engines" in shell("engines", "list", "--cache", tmp_path / "elsewhere").stdout
    assert "3 engines" in shell("engines", "list", "--cache", store.folder.parent).stdout


@pytest.mark.parametrize("command", ["list", "prune"])
def test_every_option_is_described(shell: Shell, command: str) -> None:
    """No option stands in --help without a word about it."""
    text = shell("engines", command, "--help").stdout
    options = [line.split() for line in text.splitlines() if line.startswith("  --")]
    assert options
    assert all(len(words) > 1 for words in options)
