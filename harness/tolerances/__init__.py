"""Tolerances that are derived: what is measured of a model, and what it allows to be asked of its engines."""
