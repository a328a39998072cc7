"""A badge: two words beside each other that tell, in somebody's README, how the engines stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.standing import tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.standing import Standing

_LABEL = "engines"
_MOST_WORDS = 3
_HEIGHT = 20
_PADDING = 7
# Each has a contrast of at least 5.5 with the white text on it, by WCAG's formula.
_GOOD, _BAD, _UNKNOWN, _SIDE = "#00664a", "#a8340a", "#59636e", "#3b434b"
# Widths of Verdana's glyphs at 11 px, in pixels: the letters that are far from the usual width. ``textLength`` makes a
# reader whose font is another one keep to them.
_NARROW = dict.fromkeys("fijlrt,.:;'|! ", 4.4)
_WIDE = dict.fromkeys("mwMW", 10.2)


def badge(standings: Iterable[Standing]) -> Markup:
    """Return an SVG drawing that says in words how many cases stand how, for anyone and not by colour alone."""
    counted = tally(standings)
    message = badge_message(counted)
    colour = _UNKNOWN
    if any(standing.attention for standing, _ in counted):
        colour = _BAD
    elif any(standing.key in ("pass", "improved") for standing, _ in counted):
        colour = _GOOD
    left, right = (_width(text) + 2 * _PADDING for text in (_LABEL, message))
    whole = left + right
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{height}" viewBox="0 0 {whole} {height}" '
        'role="img" aria-label="{label}: {message}"><title>{label}: {message}</title>'
        '<clipPath id="round"><rect width="{whole}" height="{height}" rx="3"/></clipPath>'
        '<g clip-path="url(#round)"><rect width="{left}" height="{height}" fill="{side}"/>'
        '<rect x="{left}" width="{right}" height="{height}" fill="{colour}"/></g>'
        '<g fill="#ffffff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">'
        '<text x="{padding}" y="14" textLength="{label_width}">{label}</text>'
        '<text x="{message_from}" y="14" textLength="{message_width}">{message}</text></g></svg>\n'
    ).format(
        whole=whole,
        height=_HEIGHT,
        left=left,
        right=right,
        side=_SIDE,
        colour=colour,
        label=_LABEL,
        message=message,
        padding=_PADDING,
        label_width=left - 2 * _PADDING,
        message_from=left + _PADDING,
        message_width=right - 2 * _PADDING,
    )


def badge_message(counted: list[tuple[Standing, int]]) -> str:
    """Return what a badge says: what needs attention, the worst first, or else how many pass.

    Where something needs attention nothing else is said; where nothing does, what is no pass is said beside the passes.
    """
    bad = [(standing, number) for standing, number in counted if standing.attention]
    # The best first, so that a long text ends in what matters least.
    shown = bad or sorted(counted, key=lambda each: each[0].key != "pass")
    words = [f"{number:,} {standing.label}" for standing, number in shown[:_MOST_WORDS]]
    left_out = sum(number for _, number in shown[_MOST_WORDS:])
    return ", ".join([*words, *([f"{left_out:,} more"] if left_out else [])]) or "no results"


def _width(text: str) -> int:
    return round(sum(_NARROW.get(character) or _WIDE.get(character) or 6.9 for character in text))
