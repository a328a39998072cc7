"""Numbers, times and foreign text, as people read them."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from functools import lru_cache

from harness.quantities import binary_unit

# Terminal escapes: CSI and OSC sequences, then the two-character ones.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]?")
# What no page should carry: other control characters, and the marks that reorder text on the screen.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")

ABSENT = "–"
# A number and its unit stay on one line.
_GAP = "\u00a0"


def plain(text: str, limit: int = 200) -> str:
    """Return ``text`` without terminal escapes and control characters, cut after ``limit`` characters.

    Line breaks and tabs stay; where something is cut, the number of characters left out is said. Escaping for HTML
    is the template's work, not done here.
    """
    # Nearly all texts: what can be printed has no character that is taken out.
    if len(text) <= limit and text.isprintable():
        return text
    # Cutting first keeps the work small for megabytes of log; the rest is counted, not cleaned.
    head = text[: 8 * limit]
    cleaned = _INVISIBLE.sub("", _ESCAPES.sub("", head.replace("\r\n", "\n")))
    left_out = max(len(cleaned) - limit, 0) + len(text) - len(head)
    return f"{cleaned[:limit]}… ({left_out:,} more characters)" if left_out else cleaned


def plain_end(text: str, limit: int = 4000) -> str:
    """Return the end of ``text``, cleaned like ``plain``: of a log the last lines tell most."""
    if len(text) <= limit:
        return plain(text, limit)
    return f"({len(text) - limit:,} characters before this)\n…{plain(text[-limit:], limit)}"


def sentence(text: str, limit: int = 400) -> str:
    """Return a sentence that code composed, cleaned like ``plain``, with infinite numbers as people write them."""
    return plain(re.sub(r"(?<![\w/.-])(-?)inf(?![\w/-]|\.\w)", lambda found: f"{found[1] and '−'}∞", text), limit)


def point(label: str) -> str:
    """Return the label of a point, cleaned, with room to break a line after each comma."""
    return plain(label.replace(",", ", "), 60)


# Of as many layers as engines have, most times are the same few.
@lru_cache(maxsize=20_000)
def significant(value: float, digits: int = 3) -> str:
    """Write ``value`` with ``digits`` significant digits: ``0.123``, ``12.3``, ``1,230``, ``4.6e-06``."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if exponent < -4 or exponent > 8:
        return _minus(f"{value:.{digits - 1}e}")
    rounded = round(value, digits - 1 - exponent)
    return _minus(f"{rounded:,.{max(digits - 1 - exponent, 0)}f}")


def quantity(value: float | None, unit: str) -> str:
    """Write ``value`` with its unit as metrics declare them: ``ms s 1/s B dB 1``; a dash stands for no value.

    Between number and unit is a no-break space.
    """
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return significant(value)
    if unit == "1":
        return ratio(value)
    if unit == "1/s":
        return f"{significant(value)}/s"
    if unit == "dB":
        return f"{_minus(f'{value:.1f}')}{_GAP}dB"
    divisor, name = scale_of(unit, value)
    # A count of bytes is exact, so it is written in full.
    return f"{f'{value:,.0f}' if name == 'B' else significant(value / divisor)}{_GAP}{name}"


def scale_of(unit: str, largest: float) -> tuple[float, str]:
    """Return what to divide values by for an axis up to ``largest``, and the unit that they then have."""
    if unit != "B":
        return 1.0, {"1/s": "per second", "1": ""}.get(unit, unit)
    return binary_unit(largest)


def ratio(value: float) -> str:
    """Write a number without a unit; just below 1, where cosines live, with the digits that tell it from 1."""
    missing = 1 - value
    if 0 < missing < 1e-6:
        return f"1 − {missing:.0e}"
    if 0.99 <= value < 1:
        return f"{value:.{2 - math.floor(math.log10(missing))}f}".rstrip("0")
    return significant(value)


def percent(share: float, *, signed: bool = False) -> str:
    """Write a share as percents: ``3.2 %``, with its sign where it is a change."""
    if not math.isfinite(share):
        return significant(share)
    hundredfold = 100 * share
    if abs(hundredfold) < 0.005:
        return f"0{_GAP}%"
    digits = 0 if abs(hundredfold) >= 100 else 1 if abs(hundredfold) >= 0.95 else 2
    return _minus(f"{hundredfold:{'+' if signed else ''},.{digits}f}{_GAP}%")


def change(effect: float, scale: str, unit: str) -> str:
    """Write a change: a share on a ``log`` scale, a difference with its unit on a ``linear`` one; ``none`` for 0."""
    if effect == 0:
        return "none"
    if scale == "log":
        return percent(effect, signed=True)
    sign = "+" if effect > 0 else ""
    return f"{sign}{quantity(effect, unit)}"


def duration(seconds: float | None) -> str:
    """Write a span of time: ``0.52 s``, ``48 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 days``."""
    if seconds is None or not math.isfinite(seconds):
        return ABSENT
    if seconds < 60:
        return f"{significant(seconds, 2)} s" if seconds < 9.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} days"


def moment(when: datetime | None) -> str:
    """Write a time to the minute in UTC, ``2026-03-09 14:05``; one without a zone is taken as UTC."""
    if when is None:
        return ABSENT
    zoned = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return zoned.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write ``1 case`` or ``3 cases``; ``plural`` where an s does not make it."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(words: list[str]) -> str:
    """Join words as a sentence does: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def slug(text: str) -> str:
    """Return ``text`` reduced to what is safe in a file name, an id and a link, at most 80 characters."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._")[:80] or "unnamed"


def _minus(text: str) -> str:
    """Give a leading hyphen the width of a plus sign, and leave exponents as they are."""
    return f"−{text[1:]}" if text.startswith("-") else text
