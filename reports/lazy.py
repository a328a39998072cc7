"""Mappings that read their values when they are first asked for: a page that is not written costs no statement."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class GroupedMapping(Mapping[Key, Value], Generic[Key, Value]):
    """A mapping that reads a whole group at once, as soon as one of its keys is asked for, e.g. all that is of a model.

    Whoever goes through the keys in the order of their groups reads each group once.
    """

    def __init__(
        self,
        groups: Iterable[str],
        group_of: Callable[[Key], str | None],
        load: Callable[[str], Mapping[Key, Value]],
        *,
        most_kept: int | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            groups: all there are, in the order of iteration.
            group_of: tells the group of a key; None for one that is in no group.
            load: reads a group.
            most_kept: how many groups are kept, those that were used last; all of them by default.
        """
        self._groups = tuple(dict.fromkeys(groups))
        self._group_of = group_of
        self._load = load
        self._most_kept = most_kept
        self._loaded: OrderedDict[str, Mapping[Key, Value]] = OrderedDict()

    def __getitem__(self, key: Key) -> Value:
        group = self._group_of(key)
        if group is None:
            raise KeyError(key)
        return self._group(group)[key]

    def __iter__(self) -> Iterator[Key]:
        for group in self._groups:
            yield from self._group(group)

    def __len__(self) -> int:
        return sum(len(self._group(group)) for group in self._groups)

    def _group(self, group: str) -> Mapping[Key, Value]:
        if group in self._loaded:
            self._loaded.move_to_end(group)
        else:
            self._loaded[group] = self._load(group)
            if self._most_kept is not None and len(self._loaded) > self._most_kept:
                self._loaded.popitem(last=False)
        return self._loaded[group]
