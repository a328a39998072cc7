"""Which kinds of pages a report has. A kind is what stands before the first hyphen of a file's name.

A part that adds a kind, a search or tables to be sorted adds it here: a test holds these sets against what a report
has, so that the others leave nothing out unnoticed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KINDS = frozenset({
    "index", "model", "case", "layers", "engine", "session", "sessions", "environment", "verdict", "versions"
})  # fmt: skip
# Pages that can be searched, and pages with a column that can be sorted.
SEARCHED = frozenset({"index", "layers", "engine", "session", "sessions", "environment"})
SORTED = KINDS


def pages_of(report: Path) -> dict[str, list[Path]]:
    """Return the pages of a report by their kind, the largest of each first."""
    pages: dict[str, list[Path]] = {}
    for file in sorted(report.glob("*.html"), key=lambda file: -file.stat().st_size):
        pages.setdefault(re.split(r"[-.]", file.name)[0], []).append(file)
    return pages
