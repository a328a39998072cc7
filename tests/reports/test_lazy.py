from __future__ import annotations

import pytest

from reports.lazy import GroupedMapping


class Loads:
    """A mapping of ``a1 a2 b1 c1`` in groups by their letters, which notes what it reads."""

    def __init__(self, most_kept: int | None = None) -> None:
        self.read: list[str] = []
        self.mapping: GroupedMapping[str, str] = GroupedMapping(
            "abc", lambda key: key[0] if key[0] in "abc" else None, self._load, most_kept=most_kept
        )

    def _load(self, group: str) -> dict[str, str]:
        self.read.append(group)
        return {key: key.upper() for key in ("a1", "a2", "b1", "c1") if key[0] == group}


def test_a_group_is_read_once_when_one_of_its_keys_is_asked_for() -> None:
    """Nothing is read before, and the other groups are not read at all."""
    loads = Loads()
    assert loads.read == []
    assert [loads.mapping["a1"], loads.mapping["a2"], loads.mapping["a1"]] == ["A1", "A2", "A1"]
    assert loads.read == ["a"]


def test_a_key_that_is_not_there_is_missing() -> None:
    """A key of no group reads nothing; one that its group does not have is missing too."""
    loads = Loads()
    with pytest.raises(KeyError):
        loads.mapping["z"]
    assert loads.read == []
    assert loads.mapping.get("b9") is None


def test_going_through_all_reads_each_group_once() -> None:
    """Keys come group by group, and are counted."""
    loads = Loads(most_kept=1)
    # Without list(), which asks for the number first.
    assert ", ".join(f"{key} {value}" for key, value in loads.mapping.items()) == "a1 A1, a2 A2, b1 B1, c1 C1"
    assert loads.read == ["a", "b", "c"]
    assert len(Loads().mapping) == 4


def test_the_groups_that_were_used_last_are_kept() -> None:
    """A third group takes the place of the one that was not asked for since."""
    loads = Loads(most_kept=2)
    for key in ("a1", "b1", "a1", "c1", "a2", "b1"):
        loads.mapping[key]
    assert loads.read == ["a", "b", "c", "b"]
