"""Numbers in, verdicts out: pure functions, with neither a GPU nor a file.

judge           one series' new trials against its baseline      harness.verdicts.gate
find_changes    since when a series has the level it has         harness.verdicts.changes
compare_blocks  two subjects, interleaved in one session         harness.verdicts.compare
components      noise of builds, of processes, within a run      harness.verdicts.noise
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.verdicts.changes import Change, find_changes
    from harness.verdicts.compare import Comparison, compare_blocks
    from harness.verdicts.gate import Verdict, adjust, judge
    from harness.verdicts.noise import Components, Replication, Run, components, needed

__all__ = [
    "Change", "Comparison", "Components", "Replication", "Run", "Verdict", "adjust", "compare_blocks", "components",
    "find_changes", "judge", "needed",
]  # fmt: skip

_MODULES = {
    "changes": ("Change", "find_changes"),
    "compare": ("Comparison", "compare_blocks"),
    "gate": ("Verdict", "adjust", "judge"),
    "noise": ("Components", "Replication", "Run", "components", "needed"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: pytest loads the gate on every start, and numpy takes longer than all else here."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
