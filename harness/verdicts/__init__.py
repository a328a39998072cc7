"""Numbers in, verdicts out: pure functions, with neither a GPU nor a file.

judge           one series' new trials against its baseline      harness.verdicts.gate
find_changes    since when a series has the level it has         harness.verdicts.changes
compare_blocks  two subjects, interleaved in one session         harness.verdicts.compare
components      noise of builds, of processes, within a run      harness.verdicts.noise
"""

from __future__ import annotations

from harness.verdicts.changes import Change, find_changes
from harness.verdicts.compare import Comparison, compare_blocks
from harness.verdicts.gate import Verdict, adjust, judge
from harness.verdicts.noise import Components, Replication, Run, components, needed

__all__ = [
    "Change", "Comparison", "Components", "Replication", "Run", "Verdict", "adjust", "compare_blocks", "components",
    "find_changes", "judge", "needed",
]  # fmt: skip
