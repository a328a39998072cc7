"""The seam to what is under test: build an engine, look into it, run it."""

from __future__ import annotations
