"""What a changed latency goes with."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harness.verdicts.cause import BuiltEngine, CauseClass, cause_of, changed_layers


@dataclass(frozen=True)
class Layer:
    """One layer, as an engine lists it."""

    name: str
    tactic: str = ""
    compute_type: str = "float16"
    outputs: tuple[str, ...] = ()
    milliseconds: float | None = None


def no_layers(build: str) -> tuple[Layer, ...]:
    """Say nothing of any engine."""
    return ()


@pytest.mark.parametrize(
    ("engine", "baseline", "expected", "builds"),
    [
        pytest.param(BuiltEngine(build="a", fingerprint="f"), [("a", "f")] * 8, "same engine", 1, id="kept"),
        pytest.param(
            BuiltEngine(build="a", fingerprint="f"), [*[("b", "g")] * 8, ("a", "f")], "same engine", 2,
            id="the last run's",
        ),
        pytest.param(
            BuiltEngine(build="c", fingerprint="f"), [("a", "f"), ("b", "f")], "rebuilt, same tactics", 2, id="rebuilt"
        ),
        pytest.param(
            BuiltEngine(build="c", fingerprint="f"), [*[("a", "g")] * 9, ("b", "f")], "rebuilt, same tactics", 2,
            id="one of the baseline's chose the same",
        ),
        pytest.param(BuiltEngine(build="c", fingerprint="h"), [("a", "f")], "other tactics", 1, id="other tactics"),
        pytest.param(None, [("a", "f")], "unknown", 1, id="a trial without an engine"),
        pytest.param(BuiltEngine(build="c", fingerprint="h"), [("", "")] * 8, "unknown", 0, id="engines not known"),
    ],
)  # fmt: skip
def test_the_class_follows_from_builds_and_fingerprints(
    engine: BuiltEngine | None, baseline: list[tuple[str, str]], expected: CauseClass, builds: int
) -> None:
    """The same build, another that chose the same, one that chose otherwise, and what cannot be told."""
    cause = cause_of(engine, baseline, no_layers)
    assert (cause.name, cause.baseline_builds) == (expected, builds)


def test_layers_are_compared_with_those_of_most_runs() -> None:
    """Of the baseline's engines the one that ran most often is what the new one is held against."""
    asked: list[str] = []

    def layers_of(build: str) -> tuple[Layer, ...]:
        asked.append(build)
        return (Layer("conv", "before"),)

    engine = BuiltEngine(build="new", fingerprint="h", layers=(Layer("conv", "after"),))
    cause = cause_of(engine, [("a", "f"), ("a", "f"), ("b", "g")], layers_of)
    assert asked == ["a"]
    assert cause.fingerprints == ("f", "h")
    assert cause.sentence == "other tactics in 1 layer: conv (tactic)"


def test_engines_that_did_not_change_are_not_looked_into() -> None:
    """Where the class follows without layers, nobody reads them."""

    def layers_of(build: str) -> tuple[Layer, ...]:
        raise AssertionError(build)

    engine = BuiltEngine(build="a", fingerprint="f")
    assert cause_of(engine, [("a", "f")], layers_of).sentence == "same engine"
    assert cause_of(engine, [("b", "f")], layers_of).sentence == "rebuilt, same tactics"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(
            [Layer("conv", "x", milliseconds=0.1)], [Layer("conv", "y", milliseconds=0.15)],
            ["conv (tactic, +0.05 ms)"], id="another tactic, and slower",
        ),
        pytest.param(
            [Layer("fc", compute_type="float16")], [Layer("fc", compute_type="float32")], ["fc (float16 to float32)"],
            id="another number type",
        ),
        pytest.param(
            [Layer("conv1", "x", outputs=("y",))], [Layer("conv1 + relu", "y", outputs=("y",))],
            ["conv1 + relu (tactic)"], id="another name for what makes the same tensor",
        ),
        pytest.param(
            [Layer("a", outputs=("t",)), Layer("b", outputs=("u",))], [Layer("a + b", outputs=("u",))],
            ["a (gone)"], id="fused with its neighbour",
        ),
        pytest.param(
            [Layer("a", outputs=("t",))], [Layer("a", outputs=("t",)), Layer("reformat", milliseconds=0.02)],
            ["reformat (new, +0.02 ms)"], id="one that was not there",
        ),
        pytest.param(
            [Layer("a", milliseconds=1.0)], [Layer("a", milliseconds=1.05)], [], id="a time within the scatter",
        ),
        pytest.param(
            [Layer("a", milliseconds=0.001), Layer("b", milliseconds=1.0)],
            [Layer("a", milliseconds=0.002), Layer("b", milliseconds=1.0)], [],
            id="a layer too small to matter",
        ),
        pytest.param(
            [Layer("a", milliseconds=1.0)], [Layer("a", milliseconds=1.2)], ["a (+0.2 ms)"],
            id="the same tactic, slower",
        ),
        pytest.param([], [Layer("a", "x")], [], id="an engine whose layers were not listed"),
    ],
)  # fmt: skip
def test_layers_are_paired_by_what_they_compute(before: list[Layer], after: list[Layer], told: list[str]) -> None:
    """Each layer is held against the one that makes the same tensors, or else has its name."""
    assert [str(change) for change in changed_layers(before, after)] == told


def test_the_largest_change_of_time_is_told_first_and_five_at_most() -> None:
    """Seven layers changed; the sentence has the five that moved most, the details have all."""
    before = [Layer(f"l{i}", "x", milliseconds=1.0) for i in range(7)]
    after = [Layer(f"l{i}", "y", milliseconds=1.0 + 0.2 * i * (-1) ** i) for i in range(7)]
    engine = BuiltEngine(build="b", fingerprint="g", layers=after)
    cause = cause_of(engine, [("a", "f")], lambda _: before)
    assert cause.sentence == (
        "other tactics in 7 layers: l6 (tactic, +1.2 ms), l5 (tactic, -1 ms), l4 (tactic, +0.8 ms), "
        "l3 (tactic, -0.6 ms), l2 (tactic, +0.4 ms) and 2 more"
    )
    assert [layer["name"] for layer in cause.details()["layers"]] == ["l6", "l5", "l4", "l3", "l2", "l1", "l0"]
    assert cause.details()["layers"][0]["tactics"] == ["x", "y"]


def test_layers_of_the_same_tactic_are_no_other_tactics() -> None:
    """What merely took longer is in the details and not among those that the sentence counts."""
    before = [Layer("a", "x", milliseconds=1.0), Layer("b", "x", milliseconds=1.0)]
    after = [Layer("a", "x", milliseconds=2.0), Layer("b", "y", milliseconds=1.0)]
    cause = cause_of(BuiltEngine(build="b", fingerprint="g", layers=after), [("a", "f")], lambda _: before)
    assert cause.sentence == "other tactics in 1 layer: b (tactic)"
    assert [layer["changed"] for layer in cause.details()["layers"]] == [["time"], ["tactic"]]


def test_unlisted_layers_are_said_to_be_so() -> None:
    """Where the fingerprint differs and no layer is known, the class stands and the layers do not."""
    cause = cause_of(BuiltEngine(build="b", fingerprint="g"), [("a", "f")], no_layers)
    assert cause.sentence == "other tactics, in layers that are not listed"
