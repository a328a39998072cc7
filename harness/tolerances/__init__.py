"""Tolerances that are derived: what is measured of a model, and what it allows to be asked of its engines."""

from __future__ import annotations

# How far below what was measured a tolerance lies where nobody says otherwise, in dB: 6 dB is an error twice as large.
# What was measured is already the worst of several inputs at every point.
MARGIN_DB = 6.0
