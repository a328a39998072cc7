"""What the shell's commands do; ``harness.cli`` declares their options and calls these."""

from __future__ import annotations
