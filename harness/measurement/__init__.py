"""Timing, memory, and what the machine was doing meanwhile."""

from __future__ import annotations
