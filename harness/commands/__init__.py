"""What the shell's commands do, and their options; ``harness.cli`` puts them together."""

from __future__ import annotations
