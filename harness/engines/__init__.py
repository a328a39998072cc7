"""Engines that were built before, found again instead of built anew."""

from __future__ import annotations

from harness.engines.key import EngineKey, axes_of, plugin_hashes
from harness.engines.keys_of_builds import key_of_build
from harness.engines.records import BuildFacts, Discarded, StoredEngine
from harness.engines.store import EngineStore

__all__ = [
    "BuildFacts",
    "Discarded",
    "EngineKey",
    "EngineStore",
    "StoredEngine",
    "axes_of",
    "key_of_build",
    "plugin_hashes",
]
