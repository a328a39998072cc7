from __future__ import annotations

import pytest

from harness.commands.extent import Extent


@pytest.mark.parametrize(
    ("cases", "subjects", "trials", "told"),
    [
        pytest.param(0, 0, 0, "0 cases", id="nothing"),
        pytest.param(1, 1, 1, "1 case", id="one case"),
        pytest.param(2, 1, 2, "2 cases", id="one subject"),
        pytest.param(2, 2, 4, "2 cases under 2 subjects (4 trials)", id="each case under each subject"),
        pytest.param(2, 2, 3, "2 cases under 2 subjects (3 trials)", id="broken off between two subjects"),
        pytest.param(2, 2, 2, "2 cases under 2 subjects", id="each case under another subject"),
        pytest.param(1, 1, 2, "1 case (2 trials)", id="a case that a resumed session ran again"),
    ],
)
def test_a_case_counts_once_however_many_subjects_it_ran_under(
    cases: int, subjects: int, trials: int, told: str
) -> None:
    """Subjects and trials are told where they are not plain from the cases."""
    assert str(Extent(cases=cases, subjects=subjects, trials=trials)) == told
