from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from harness.settings import Settings
from reports.rerun import command_again
from tests.history.building import session

CASE = {"model": "resnet50", "precision": "fp16", "profile": "batch1x4x16"}
PLAIN = "pytest suites/ --models resnet50 --precisions fp16 --profiles batch1x4x16"


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        pytest.param({}, PLAIN, id="a session that says nothing of its settings"),
        pytest.param(asdict(Settings()), PLAIN, id="the usual ones"),
        pytest.param({"pace": "quick", "gpu": "h200"}, f"{PLAIN} --quick --gpu h200", id="pace and target"),
        pytest.param(
            {"build_options": ["optimization_level=1", "workspace_mib=64"], "subjects": ["trt86=my python"]},
            f"{PLAIN} --subject 'trt86=my python' --build-option optimization_level=1 --build-option workspace_mib=64",
            id="several of one option",
        ),
        pytest.param({"db": "postgresql://db/h"}, f"{PLAIN} --db postgresql://db/h", id="another history"),
        pytest.param({"catalogue": "ours:MODELS"}, f"TRT_HARNESS_CATALOGUE=ours:MODELS {PLAIN}", id="other models"),
        pytest.param({"models": ["resnet50", "lstm"], "cache": "elsewhere"}, PLAIN, id="what measures nothing else"),
        pytest.param({"check": "model.onnx"}, "trt-harness check 'my model.onnx'", id="a file that was checked"),
    ],
)
def test_a_case_is_measured_again_as_it_was(settings: dict[str, Any], command: str) -> None:
    """The command has the settings that make another measurement of it, where they are not the usual ones."""
    record = replace(session(1), settings=settings, command="trt-harness check 'my model.onnx'")
    assert command_again(record, **CASE) == command
