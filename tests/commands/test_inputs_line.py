from __future__ import annotations

from harness.cases import FP16, Case, Model, Profile
from harness.commands.inputs_line import case_inputs_line, inputs_line


def test_inputs_are_named_by_seed_and_points() -> None:
    """Of many points the first are named, and how many more there are."""
    assert inputs_line("net", ["batch=1", "batch=4"]) == "inputs: made from the seed 'net', at batch=1, batch=4"
    points = [f"batch={size}" for size in range(1, 9)]
    assert inputs_line("net", points, more="twice").endswith("at batch=1, batch=2, batch=3, batch=4, batch=5, batch=6 "
                                                             "and 2 more; twice")  # fmt: skip


def test_a_case_is_fed_from_its_models_name() -> None:
    """A quick run has its smallest point alone."""
    profile = Profile(name="batches", axes={"batch": (1, 4, 16)})
    case = Case(Model(name="net", source="zoo:net", profiles=(profile,)), FP16, profile)
    assert case_inputs_line(case, smallest_only=True) == "inputs: made from the seed 'net', at batch=1"
    assert case_inputs_line(case, smallest_only=False).endswith("at batch=1, batch=4, batch=16")
