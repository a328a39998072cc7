"""What the drawings below the heat map have in common: their records, and which cases they are of."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import text
from reports.current import LATENCIES, is_tuned, volume
from reports.versions_levels import Configuration, Levels, Measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from reports.names import Names
    from reports.versions_pairs import Slot

# A page has room for so many of a kind.
MOST_FIGURES = 48


@dataclass(frozen=True)
class FigureView:
    """A drawing with its title and a sentence on what it shows."""

    title: str
    sentence: str
    chart: Markup


@dataclass(frozen=True)
class CaseSlots:
    """The cells of one case, by its points."""

    slots: tuple[Slot, ...]

    @property
    def tuned(self) -> Slot:
        """The point that the engine is tuned for; the middle one where its profile does not tell."""
        found = next((slot for slot in self.slots if is_tuned(slot.profile, slot.point)), None)
        return found or sorted(self.slots, key=lambda slot: volume(slot.point))[(len(self.slots) - 1) // 2]


@dataclass(frozen=True)
class Scope:
    """What every drawing is made from.

    Attributes:
        cases: the cells by case.
        levels: what was measured.
        names: of subjects and machines.
        shapes: of the precisions.
    """

    cases: Sequence[CaseSlots]
    levels: Levels
    names: Names
    shapes: Mapping[str, int]

    def newest(self) -> list[Configuration]:
        """Return the newest configuration of each machine, in the order of the machines."""
        chosen: dict[str, Configuration] = {}
        for configuration in self.levels.newest_first:
            chosen.setdefault(configuration.environment, configuration)
        return sorted(chosen.values(), key=lambda each: self.names.environments[each.environment].index)

    def by_model(self) -> dict[tuple[str, str], list[CaseSlots]]:
        """Return the cases of each model and profile, which differ by their precisions."""
        grouped: dict[tuple[str, str], list[CaseSlots]] = defaultdict(list)
        for case in self.cases:
            grouped[case.tuned.model, case.tuned.profile].append(case)
        return grouped

    def title(self, configuration: Configuration) -> str:
        """Return what a configuration is called."""
        subject = self.names.subjects[configuration.subject].label
        return f"{subject} on {self.names.environments[configuration.environment].name}"

    def title_of_model(self, model: str, profile: str, configuration: Configuration) -> str:
        """Return model and profile, with the machine where there are several."""
        title = f"{text.plain(model, 60)} · {text.plain(profile, 60)}"
        machine = self.names.environments[configuration.environment].name
        return f"{title} on {machine}" if len(self.names.environments) > 1 else title


def by_case(slots: Sequence[Slot]) -> list[CaseSlots]:
    """Group cells by their case, in the order given."""
    grouped: dict[tuple[str, int], list[Slot]] = defaultdict(list)
    for slot in slots:
        grouped[slot.case_id, slot.version].append(slot)
    return [CaseSlots(tuple(own)) for own in grouped.values()]


def latency_key(slot: Slot, configuration: Configuration, levels: Levels) -> Measured | None:
    """Return the series of the quietest latency that a configuration has of a cell, or None if it has none."""
    measured = levels.measured(configuration)
    keys = (Measured(slot.case_id, slot.version, metric, slot.point) for metric in LATENCIES)
    return next((key for key in keys if key in measured), None)
