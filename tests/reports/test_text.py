from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest

from reports import text


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        pytest.param(1.23456, "ms", "1.23 ms", id="three significant digits"),
        pytest.param(0.012345, "ms", "0.0123 ms", id="small numbers keep three digits"),
        pytest.param(12345.6, "ms", "12,300 ms", id="large numbers are rounded and grouped"),
        pytest.param(99.96, "ms", "100 ms", id="rounding up takes a decimal away"),
        pytest.param(0.000004567, "ms", "4.57e-06 ms", id="tiny numbers get an exponent"),
        pytest.param(-0.5, "dB", "−0.5 dB", id="decibels get one decimal and a real minus"),
        pytest.param(512, "B", "512 B", id="bytes are whole"),
        pytest.param(1536, "B", "1.50 KiB", id="kibibytes"),
        pytest.param(51_000_000, "B", "48.6 MiB", id="mebibytes"),
        pytest.param(325.4, "1/s", "325/s", id="rates"),
        pytest.param(0.999987, "1", "0.999987", id="a cosine keeps what tells it from one"),
        pytest.param(0.99, "1", "0.99", id="a cosine of two nines"),
        pytest.param(1 - 3e-11, "1", "1 − 3e-11", id="a cosine that rounds to one is told by what it lacks"),
        pytest.param(1.0, "1", "1.00", id="one"),
        pytest.param(0.0, "ms", "0 ms", id="zero"),
        pytest.param(math.inf, "dB", "∞", id="infinity has no unit"),
        pytest.param(-math.inf, "dB", "−∞", id="minus infinity likewise"),
        pytest.param(math.nan, "ms", "not a number", id="NaN is said in words"),
        pytest.param(None, "ms", "–", id="no value is a dash"),
    ],
)
def test_quantities_are_written_for_people(value: float | None, unit: str, written: str) -> None:
    """A value gets its unit, three significant digits, and never a name out of a programming language."""
    assert text.quantity(value, unit).replace("\u00a0", " ") == written


def test_number_and_unit_stay_on_one_line() -> None:
    """The space between a number and its unit does not break."""
    assert text.quantity(1.5, "ms") == "1.50\u00a0ms"
    assert text.percent(0.5) == "50.0\u00a0%"


@pytest.mark.parametrize(
    ("share", "signed", "written"),
    [
        pytest.param(0.0731, True, "+7.3 %", id="a rise has its sign"),
        pytest.param(-0.0731, True, "−7.3 %", id="a fall has a real minus"),
        pytest.param(0.0042, True, "+0.42 %", id="below one percent two decimals"),
        pytest.param(1.5, False, "150 %", id="large shares are whole"),
        pytest.param(-0.00001, True, "0 %", id="nothing has no sign"),
        pytest.param(math.nan, False, "not a number", id="NaN is said in words"),
    ],
)
def test_shares_are_written_as_percents(share: float, signed: bool, written: str) -> None:
    """Shares become percents with as many digits as they need."""
    assert text.percent(share, signed=signed).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    ("effect", "scale", "unit", "written"),
    [
        pytest.param(0.05, "log", "ms", "+5.0 %", id="a ratio"),
        pytest.param(-3.2, "linear", "dB", "−3.2 dB", id="a difference that is negative"),
        pytest.param(3.2, "linear", "dB", "+3.2 dB", id="a difference that is positive"),
        pytest.param(0.0, "log", "ms", "none", id="no change"),
    ],
)
def test_changes_are_ratios_or_differences(effect: float, scale: str, unit: str, written: str) -> None:
    """On a log scale a change is a share, on a linear one a difference in the metric's unit."""
    assert text.change(effect, scale, unit).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        pytest.param(0.523, "0.52 s", id="fractions"),
        pytest.param(59.7, "60 s", id="whole seconds"),
        pytest.param(200, "3 min 20 s", id="minutes"),
        pytest.param(7500, "2 h 5 min", id="hours"),
        pytest.param(3 * 86400, "3 days", id="days"),
        pytest.param(None, "–", id="unknown"),
        pytest.param(math.nan, "–", id="not a number"),
    ],
)
def test_durations_use_two_units_at_most(seconds: float | None, written: str) -> None:
    """A duration is written in the units that a person would use."""
    assert text.duration(seconds) == written


def test_moments_are_in_utc() -> None:
    """A time of another zone is shown in UTC."""
    there = timezone(timedelta(hours=9))
    assert text.moment(datetime(2026, 3, 1, 3, 5, tzinfo=there)) == "2026-02-28 18:05"


@pytest.mark.parametrize(
    ("foreign", "cleaned"),
    [
        pytest.param("\x1b[0;93mwarning\x1b[m", "warning", id="colours of a terminal"),
        pytest.param("\x1b]0;title\x07after", "after", id="a window title"),
        pytest.param("a\x00b\x08c\x7f", "abc", id="control characters"),
        pytest.param("evil\u202etxt.exe", "eviltxt.exe", id="marks that reverse the text"),
        pytest.param("half \ud800 pair", "half  pair", id="what UTF-8 cannot write"),
        pytest.param("one\r\ntwo\tthree", "one\ntwo\tthree", id="line ends are made one, tabs stay"),
        pytest.param("<b> & 'x'", "<b> & 'x'", id="markup is left for the template to escape"),
    ],
)
def test_foreign_text_loses_what_no_page_should_carry(foreign: str, cleaned: str) -> None:
    """Escapes and control characters are taken out, the rest stays as it is."""
    assert text.plain(foreign) == cleaned


def test_long_text_says_how_much_was_cut() -> None:
    """Of ten thousand characters the first are kept, and the number of the others is said."""
    assert text.plain("x" * 10_000, 100) == "x" * 100 + "… (9,900 more characters)"


@pytest.mark.parametrize(
    ("composed", "shown"),
    [
        pytest.param("inf is equal to -inf.", "∞ is equal to −∞.", id="as words of their own"),
        pytest.param("info /inf/a.inf", "info /inf/a.inf", id="not within names and paths"),
    ],
)
def test_sentences_have_no_inf(composed: str, shown: str) -> None:
    """Infinite numbers in a composed sentence become signs, and nothing else does."""
    assert text.sentence(composed) == shown


def test_the_end_of_a_log_is_kept() -> None:
    """Of a long log the last lines are shown, and how much came before."""
    shown = text.plain_end("start" + "x" * 9000 + "Segmentation fault", 50)
    assert shown.startswith("(8,973 characters before this)")
    assert shown.endswith("Segmentation fault")


def test_points_can_break_after_a_comma() -> None:
    """A point of several axes need not stay on one line."""
    assert text.point("batch=4,sequence=64") == "batch=4, sequence=64"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
    ids=["one word", "two words", "three words"],
)
def test_words_are_listed_as_in_a_sentence(words: list[str], sentence: str) -> None:
    """The last word is joined by and."""
    assert text.listed(words) == sentence


def test_slugs_are_safe_in_file_names_and_links() -> None:
    """Whatever a model is called, its file name leaves no folder and needs no escaping."""
    assert text.slug("../../etc/pass wd\"'<>") == "etc_pass_wd"
    assert text.slug("///") == "unnamed"
