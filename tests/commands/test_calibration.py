from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Shell

SHAPE = ("--shape", "image:8x3x8x8")


def test_every_method_has_a_row_and_a_column(shell: Shell, image_model: Path) -> None:
    """The first table is by method, the second by activation, and the last line is for the catalogue."""
    answer = shell("calibration", image_model, *SHAPE)
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert lines[0].split() == ["method", "cosine", "SQNR,", "dB", "values", "clipped"]
    methods = ["minmax", "percentile-99.99", "percentile-99.999", "entropy", "mse"]
    assert [line.split()[0] for line in lines[1:6]] == methods
    header = next(line for line in lines if line.startswith("activation"))
    assert header.split() == ["activation", "range", *methods]
    assert any(line.startswith("image ") for line in lines)
    assert lines[-2].startswith("inputs: made from the seed 'calibration compared', at batch=")
    assert lines[-1].startswith("smallest error: ")
    assert "for the catalogue, beside what its Calibration says: method='" in lines[-1]


def test_plain_data_has_every_activation(shell: Shell, image_model: Path) -> None:
    """JSON lists thresholds, ranges and shares, and only the methods asked for."""
    answer = shell("calibration", image_model, *SHAPE, "--methods", "minmax, percentile-90", "--json")
    minmax, percentile = json.loads(answer.stdout)
    assert [minmax["method"], percentile["method"]] == ["minmax", "percentile-90"]
    assert minmax["share_clipped"] == 0
    assert percentile["share_clipped"] > 0.05
    assert percentile["activations"][0].keys() == {"tensor", "range", "threshold", "share"}
    assert percentile["outputs"]["scores"]["cosine"] == percentile["cosine"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(("--methods", "entrpoy"), "Did you mean 'entropy'", id="an unknown method"),
        pytest.param(("--precision", "fp16"), "'fp16' is no INT8 precision of 'convnet'", id="another recipe"),
    ],
)
def test_what_cannot_be_done_is_told_at_once(
    shell: Shell, image_model: Path, arguments: tuple[str, ...], text: str
) -> None:
    """A mistake ends with 2 and one line that says how to mend it."""
    answer = shell("calibration", image_model, *SHAPE, *arguments)
    assert answer.exit_code == 2
    assert text in answer.stderr
    assert answer.stdout == ""
