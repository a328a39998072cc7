from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cases import FP16, FP32, Tolerance
from harness.errors import ConfigurationError
from harness.session import CheckFailed

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cases import Precision
    from harness.workbench import Workbench
    from tests.conftest import StartCase


def test_a_reference_that_others_confirm_passes(start_case: StartCase) -> None:
    """The remark names the parties, and the trial has the noise floor as a metric and in its conditions."""
    run = start_case(framework_outputs="tests.framework:outputs")
    run.check("reference")
    assert "'tests.framework:outputs' to " in run.findings[0].message
    (trial,) = run.records()
    (measured,) = [m for m in trial.measurements if m.metric == "reference_sqnr_db"]
    assert measured.point == "batch=1"
    assert measured.value > 100
    assert trial.conditions["reference_noise"]["batch=1"]["scores"]["max_abs"] < 1e-5


def test_a_framework_that_disagrees_fails_the_reference(start_case: StartCase) -> None:
    """The failure names the output, both parties and the command that reproduces it."""
    run = start_case(framework_outputs="tests.framework:other_outputs")
    with pytest.raises(CheckFailed, match=r"reproduce: pytest suites/ --models convnet .* -k reference") as failure:
        run.check("reference")
    assert "output 'scores': onnxruntime " in str(failure.value)
    assert "unoptimised and 'tests.framework:other_outputs' disagree" in str(failure.value)


@pytest.mark.parametrize("precision", [FP32, FP16], ids=lambda precision: precision.name)
def test_a_tolerance_below_the_noise_fails_the_reference(start_case: StartCase, precision: Precision) -> None:
    """A limit of FP32 that the reference's own twin does not keep is told in whatever precision the case is."""
    run = start_case(precision, precisions=(FP32, FP16), tolerances={"fp32": (Tolerance(max_abs=1e-12),)})
    with pytest.raises(CheckFailed, match=r"its tolerance in fp32 is below the noise of its own reference: max_abs"):
        run.check("reference")


def test_a_reference_of_nan_fails_itself(start_case: StartCase) -> None:
    """Where the FP32 graph gives NaN, the reference is what is the matter."""
    with pytest.raises(CheckFailed, match="itself gives NaN in 10 of 10 elements"):
        start_case(source="tests.tiny:convnet_of_nan").check("reference")


def test_a_framework_that_does_not_exist_is_an_error(start_case: StartCase) -> None:
    """A reference to no function is refused with the functions that there are."""
    with pytest.raises(ConfigurationError, match="'outputz' is no function"):
        start_case(framework_outputs="tests.framework:outputz").check("reference")


def test_the_cost_is_paid_once_for_all_precisions(start_case: StartCase, workbench: Workbench) -> None:
    """A second precision of the same model finds what the first one's witnesses said."""
    start_case(FP32).check("reference")

    def said() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for file in workbench.cache.glob("reference/*/*/witnesses/*.json")}

    before = said()
    start_case(FP16).check("reference")
    assert len(before) == 2
    assert said() == before
