from __future__ import annotations

import pytest

from reports.drawing import SHAPES, marker_definitions, number, shape_icon, shape_path
from tests.reports.parsed_page import ParsedPage


@pytest.mark.parametrize(
    ("value", "written"),
    [(12.0, "12"), (12.34, "12.3"), (-0.01, "0"), (0.06, "0.1")],
    ids=["whole", "a tenth", "no minus zero", "rounded up"],
)
def test_coordinates_take_few_characters(value: float, written: str) -> None:
    """A coordinate is rounded to a tenth and has no digit that says nothing."""
    assert number(value) == written


def test_each_colour_has_a_shape_of_its_own() -> None:
    """Subjects can be told apart without seeing colours."""
    assert len({shape_path(subject) for subject in range(len(SHAPES))}) == len(SHAPES)


def test_markers_are_defined_for_each_subject_and_for_layers() -> None:
    """A page has one marker per subject, and never more than there are shapes."""
    assert ParsedPage(marker_definitions(2)).attributes("id") == ["m0", "m1", "layer"]
    assert len(ParsedPage(marker_definitions(50)).attributes("id")) == len(SHAPES) + 1


def test_an_icon_shows_the_shape_of_its_subject() -> None:
    """The icon in a legend has the shape and the colour of the line in a chart."""
    assert f'class="f1" d="{shape_path(1)}"' in shape_icon(1)
