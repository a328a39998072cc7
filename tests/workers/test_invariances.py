from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.cases import TensorSpec, specs_to_json
from harness.errors import RunFailed
from harness.workers.invariances import InvarianceChecks, unusual_outputs
from harness.workers.tensors import has_tensors, load_tensors, save_tensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Outputs = dict[str, np.ndarray]

INPUTS = (TensorSpec("x", "float32", ("batch", "length")), TensorSpec("mask", "int64", ("batch", "length")))
OUTPUTS = (TensorSpec("y", "float32", ("batch", "length")), TensorSpec("sum", "float32", ("batch",)))


def masked(inputs: Outputs) -> Outputs:
    """Double what the mask does not hide, and add it up."""
    y = 2 * inputs["x"] * inputs["mask"].astype(np.float32)
    return {"y": y, "sum": y.sum(axis=1)}


class FakeEngine:
    """An engine that is a function; ``together`` is what it gives where it runs several times at once."""

    def __init__(self, function: Callable[[Outputs], Outputs], together: Callable[[Outputs], Outputs] | None) -> None:
        self._function, self._together = function, together
        self.runs = 0

    def run(self, inputs: Outputs) -> Outputs:
        """Return the function's value."""
        self.runs += 1
        return self._function(inputs)

    def run_concurrently(self, inputs: Outputs, contexts: int, runs: int) -> list[Outputs] | None:
        """Return a value for each context, if there is a function for that."""
        return None if self._together is None else [self._together(inputs) for _ in range(contexts * runs)]


def check(
    function: Callable[[Outputs], Outputs],
    checks: dict[str, Any],
    *,
    together: Callable[[Outputs], Outputs] | None = masked,
    recipe: str = "fp32",
) -> dict[str, Any]:
    """Run ``checks`` on an engine that is ``function`` and return the answer."""
    request = {
        "inputs": specs_to_json(INPUTS),
        "outputs": specs_to_json(OUTPUTS),
        "feeds": {},
        "seed": "s",
        "recipe": recipe,
        "sizes": {"batch": 1, "length": 4},
    }
    return InvarianceChecks(FakeEngine(function, together), request).run(checks)  # type: ignore[arg-type]


def only(answer: dict[str, Any]) -> tuple[str, str]:
    """Return outcome and sentence of the one item."""
    (item,) = answer["items"]
    return item["outcome"], item["sentence"]


PADDING = {"padding": {"axis": "length", "mask": "mask", "meant": 1, "padded": 0, "size": 8}}


def test_padding_that_is_masked_changes_nothing() -> None:
    """Outputs along the padded dimension are compared where they are meant, others as a whole."""
    outcome, sentence = only(check(masked, PADDING))
    assert outcome == "passed"
    assert sentence.startswith("length 4 padded to 8 and by itself: bit-equal")


def test_the_mask_says_which_places_are_meant() -> None:
    """All of the sequence by itself is meant; padded, its beginning is, which holds the same values."""
    seen: list[Outputs] = []

    def noting(inputs: Outputs) -> Outputs:
        seen.append(inputs)
        return masked(inputs)

    check(noting, PADDING)
    by_itself, padded = seen
    assert by_itself["mask"].tolist() == [[1] * 4]
    assert padded["mask"].tolist() == [[1] * 4 + [0] * 4]
    assert (padded["x"][:, :4] == by_itself["x"]).all()
    assert (padded["x"][:, 4:] != 0).all()


def test_a_model_that_looks_at_padding_is_caught() -> None:
    """Padding holds ordinary values, so a sum that ignores the mask is seen to take them in."""

    def careless(inputs: Outputs) -> Outputs:
        return {**masked(inputs), "sum": inputs["x"].sum(axis=1)}

    outcome, sentence = only(check(careless, PADDING))
    assert outcome == "failed"
    assert "length 4 padded to 8 and by itself: output 'sum' differs by" in sentence
    assert "(limit 0.0001)" in sentence


def test_a_batch_row_that_depends_on_its_neighbours_is_caught() -> None:
    """Rows are compared as before."""

    def mixed(inputs: Outputs) -> Outputs:
        return {"y": inputs["x"] + inputs["x"].sum(axis=0)}

    rows = {"rows": {"sizes": {"batch": 2, "length": 4}, "axis": "batch", "size": 3}}
    assert only(check(masked, rows))[0] == "passed"
    assert only(check(mixed, rows))[0] == "failed"


def test_whether_runs_repeat_themselves_is_recorded() -> None:
    """Runs that differ fail nothing: the difference is a metric, 0 where they do not."""
    same = check(masked, {"repeats": {}})
    assert only(same) == ("recorded", "2 more runs: bit-equal")
    assert same["metrics"] == {"run_to_run_difference": 0.0}
    steps = iter(range(100))

    def drifting(inputs: Outputs) -> Outputs:
        return {"y": np.ones_like(inputs["x"]) + np.float32(0.125 * next(steps))}

    differing = check(drifting, {"repeats": {}})
    assert only(differing)[0] == "recorded"
    assert differing["metrics"] == {"run_to_run_difference": 0.25}


def test_two_contexts_that_disturb_each_other_are_caught() -> None:
    """Outputs of runs at once must be those of a run alone, within what equal runs differ by."""
    assert only(check(masked, {"contexts": {}}))[0] == "passed"
    outcome, sentence = only(
        check(masked, {"contexts": {}}, together=lambda i: {n: a + 1 for n, a in masked(i).items()})
    )
    assert outcome == "failed"
    assert "2 at once against one alone: output" in sentence
    assert sentence.endswith("equal runs of one: bit-equal")


def test_contexts_are_not_blamed_for_what_equal_runs_do() -> None:
    """An engine whose seventh run differs is asked again before two contexts are said to disturb each other."""
    runs = iter(range(100))

    def now_and_then(inputs: Outputs) -> Outputs:
        return {"y": np.ones_like(inputs["x"]) + np.float32(next(runs) == 6)}

    answer = check(now_and_then, {"contexts": {}}, together=lambda i: {"y": np.ones_like(i["x"]) + np.float32(0.5)})
    assert only(answer)[0] == "passed"


def test_a_runtime_without_contexts_is_left_out() -> None:
    """What cannot be asked is no pass."""
    assert only(check(masked, {"contexts": {}}, together=None))[0] == "left out"


def test_the_second_profile_is_held_against_the_first(tmp_path: Path) -> None:
    """The first engine leaves its outputs; the second one's difference from them is recorded at the shared point."""

    def checks(own: str, other: str) -> dict[str, Any]:
        sizes = {"batch": 2, "length": 3}
        return {"profiles": {"sizes": sizes, "own": str(tmp_path / own), "others": {other: str(tmp_path / other)}}}

    first = check(masked, checks("small", "large"))
    assert only(first) == ("left out", "no engine of another profile was there yet: large")
    assert load_tensors(tmp_path / "small")["y"].shape == (2, 3)
    second = check(lambda i: {n: a * np.float32(1.5) for n, a in masked(i).items()}, checks("large", "small"))
    outcome, sentence = only(second)
    assert outcome == "recorded"
    assert sentence.startswith("against small: output")
    assert second["metrics"] == {"profile_difference": pytest.approx(0.5)}


@pytest.mark.parametrize(
    ("kind", "function", "outcome"),
    [
        pytest.param("nan", masked, "passed", id="NaN that stays"),
        pytest.param("nan", lambda i: {n: np.nan_to_num(a) for n, a in masked(i).items()}, "failed",
                     id="NaN that is swallowed"),
        pytest.param("zero", lambda i: {n: a / a for n, a in masked(i).items()}, "failed", id="zeros that become NaN"),
        pytest.param("huge", masked, "passed", id="huge numbers"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:invalid value")
def test_unusual_inputs_are_held_against_what_is_known(
    kind: str, function: Callable[[Outputs], Outputs], outcome: str, tmp_path: Path
) -> None:
    """The outputs that the CPU left are what the engine's are held against, output by output."""
    request = {"inputs": specs_to_json(INPUTS), "feeds": {}, "seed": "s", "sizes": {"batch": 1, "length": 4}}
    unusual_outputs(FakeEngine(masked, None), request, {kind: str(tmp_path / "known")})  # type: ignore[arg-type]
    known = {"kind": kind, "reference": str(tmp_path / "known"), "oracle": str(tmp_path / "known")}
    answer = check(function, {kind: known})
    assert answer["items"][0]["name"] == kind
    assert only(answer)[0] == outcome
    assert "output 'y'" in only(answer)[1]


def test_answers_that_are_there_are_not_computed_again(tmp_path: Path) -> None:
    """Only the kinds whose folder is empty are run."""
    engine = FakeEngine(masked, None)
    save_tensors(tmp_path / "zero", {"y": np.ones(1)})
    folders = {kind: str(tmp_path / kind) for kind in ("zero", "nan")}
    request = {"inputs": specs_to_json(INPUTS), "feeds": {}, "seed": "s", "sizes": {"batch": 1, "length": 4}}
    unusual_outputs(engine, request, folders)  # type: ignore[arg-type]
    assert engine.runs == 1
    assert has_tensors(tmp_path / "nan")


def test_an_engine_that_refuses_an_input_fails_that_one_only() -> None:
    """The reason becomes the sentence, and what follows is still asked."""

    def refuses(inputs: Outputs) -> Outputs:
        if inputs["x"].shape[1] > 4:
            raise RunFailed("too long")
        return masked(inputs)

    answer = check(refuses, {**PADDING, "repeats": {}})
    assert [(item["outcome"], item["sentence"]) for item in answer["items"]] == [
        ("failed", "too long"),
        ("recorded", "2 more runs: bit-equal"),
    ]
