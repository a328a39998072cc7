"""Runtimes in processes of their own, so that a crash, a hang or a leak ends a case and not the session."""

from __future__ import annotations
