"""The models of a repository that uses the gate: two small ones, so that a session takes seconds on a CPU."""

from __future__ import annotations

from harness.cases import FP32, Model, Profile

CATALOGUE = (
    Model(name="classifier", source="models:classifier", profiles=(Profile({"batch": 4}),), precisions=(FP32,)),
    Model(name="regressor", source="models:regressor", profiles=(Profile({"batch": 4}),), precisions=(FP32,)),
)
