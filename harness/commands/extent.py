"""How much a session ran: one way of counting for the gate, which tells subjects apart, and for the report's tables."""

from __future__ import annotations

from dataclasses import dataclass

from reports.text import count


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much a session ran; as text, ``2 cases``, or ``2 cases under 2 subjects (4 trials)``.

    Attributes:
        cases: how many on how many machines, each counted once however many subjects it ran under.
        subjects: how many there were, told apart by runtime, version and libraries.
        trials: how many first trials: confirmations and further builds are no part of it.
    """

    cases: int
    subjects: int
    trials: int

    def __str__(self) -> str:
        told = count(self.cases, "case")
        if self.subjects > 1:
            told += f" under {self.subjects} subjects"
        return told if self.trials == self.cases else f"{told} ({count(self.trials, 'trial')})"
