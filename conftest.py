"""Loads the plugin, so that ``pytest suites/`` works in a checkout where nothing was installed."""

from __future__ import annotations

pytest_plugins = ["harness.plugin"]
