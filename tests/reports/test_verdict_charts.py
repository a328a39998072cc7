from __future__ import annotations

import re

import numpy as np
import pytest

from reports.verdict_charts import TrialDot, drawn_range, runs_chart, samples_chart
from tests.reports.parsed_page import ParsedPage

HOSTILE = "</text><script>alert(1)</script>"


def test_runs_and_trials_have_shapes_of_their_own() -> None:
    """Dots are runs, diamonds trials that counted, crosses those that did not."""
    trials = [TrialDot(1.2), TrialDot(1.21), TrialDot(1.9, "contended")]
    chart = runs_chart([1.0, 1.01, 0.99], trials, band=(0.95, 1.05), median=1.0, unit="ms", description="three")
    page = ParsedPage(chart)
    assert page.problems == []
    assert [len(page.with_class(name)) for name in ("run", "decided", "spoilt", "band")] == [3, 2, 1, 1]
    assert "trial 3: left out, contended" in page.texts


def test_a_band_of_a_noisy_start_does_not_press_the_points_into_a_line() -> None:
    """A band many times as wide as the points reach is cut by the drawing's edge."""
    chart = runs_chart([1.0, 1.01], [TrialDot(1.02)], band=(0.1, 10.0), median=None, unit="ms", description="wide")
    heights = [float(y) for y in re.findall(r'class="run" cx="[\d.]+" cy="([\d.]+)"', chart)]
    assert abs(heights[0] - heights[1]) > 20


def test_shares_rise_from_none_to_all_at_the_samples() -> None:
    """Half of the samples are below their median, at half of the height."""
    now = np.linspace(1.0, 2.0, 1001)
    chart = samples_chart(now, None, labels=("this trial", ""), unit="ms", description="even")
    (path,) = re.findall(r'class="shares now" d="M([^"]+)"', chart)
    points = [tuple(map(float, point.split())) for point in path.split("L")]
    xs, ys = zip(*points, strict=True)
    assert list(ys) == sorted(ys, reverse=True)
    middle = min(points, key=lambda point: abs(point[0] - (xs[0] + xs[-1]) / 2))
    assert middle[1] == pytest.approx((ys[0] + ys[-1]) / 2, abs=2)
    assert len(points) <= 120


def test_two_trials_are_told_apart_without_colour() -> None:
    """The lines' labels say which is dashed."""
    samples = np.linspace(1.0, 2.0, 50)
    chart = samples_chart(samples, samples * 1.1, labels=("this", "that"), unit="ms", description="two")
    page = ParsedPage(chart)
    assert {"this (solid line)", "that (dashed line)"} <= set(page.texts)
    assert len(page.with_class("shares")) == 2


@pytest.mark.parametrize(("factor", "left"), [(1.1, "now"), (0.9, "before")])
def test_a_label_is_at_the_side_of_its_line(factor: float, left: str) -> None:
    """The faster of two trials is at the left, and so is what it is called."""
    samples = np.linspace(1.0, 2.0, 50)
    chart = samples_chart(samples, samples * factor, labels=("this", "that"), unit="ms", description="two")
    assert re.findall(r'<text class="(now|before)" [^>]*text-anchor="start"', chart) == [left]


def test_a_far_outlier_is_beyond_the_edge() -> None:
    """One sample of a thousand that is a hundred times as large does not set the axis."""
    samples = np.append(np.linspace(1.0, 2.0, 999), 100.0)
    low, high = drawn_range(samples, None)
    assert low < 1.02
    assert 1.98 < high < 3.0


def test_labels_are_escaped() -> None:
    """Names from outside are text."""
    samples = np.linspace(1.0, 2.0, 50)
    drawings = (
        runs_chart([1.0], [TrialDot(1.0, HOSTILE)], band=None, median=None, unit=HOSTILE, description=HOSTILE),
        samples_chart(samples, samples, labels=(HOSTILE, HOSTILE), unit=HOSTILE, description=HOSTILE),
    )
    for drawing in drawings:
        page = ParsedPage(drawing)
        assert "script" not in [tag for tag, _ in page.elements]
        assert page.problems == []
