"""Column types: how times, numbers, structures and samples lie in the database."""

from __future__ import annotations

import json
import math
import zlib
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Float, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from harness.errors import HistoryError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

# JSON has no such numbers, and databases that check their JSON refuse the names that Python writes for them.
_NOT_FINITE = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


class UtcTime(TypeDecorator[datetime]):
    """A time with its zone, kept as ISO 8601 text in UTC with microseconds: sorts as text, reads back aware."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Write a time; one without a zone could be any of 24, so it is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise HistoryError(f"the time {value!r} has no zone; use datetime.now(timezone.utc)")
        return value.astimezone(timezone.utc).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """Read a time."""
        return None if value is None else datetime.fromisoformat(value)


class Number(TypeDecorator[float]):
    """A float64; NaN is kept as NULL, which is what SQLite makes of it anyway, and which no comparison finds."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:  # noqa: ARG002 - as above
        """Write a number."""
        return None if value is None or math.isnan(value) else float(value)


class Structure(TypeDecorator[Any]):
    """Lists, mappings, text and numbers as JSON text; numbers that are not finite are kept by name."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - as above
        """Write a structure; what JSON does not know is written as its text."""
        return None if value is None else json.dumps(_plain(value), sort_keys=True, default=str)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - as above
        """Read a structure."""
        return None if value is None else _numbers(json.loads(value))


class Names(TypeDecorator[Any]):
    """Lists of texts, however nested, as JSON text; unlike in a structure, a tensor may be called ``NaN``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Write names."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - as above
        """Read names."""
        return None if value is None else json.loads(value)


class Samples(TypeDecorator[np.ndarray]):
    """A float32 vector as zlib-compressed little-endian bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: np.ndarray | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 - as above
        """Write samples."""
        return None if value is None else zlib.compress(np.ascontiguousarray(value, dtype="<f4").tobytes())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> np.ndarray | None:  # noqa: ARG002 - as above
        """Read samples, float32 [n]."""
        return None if value is None else np.frombuffer(zlib.decompress(value), dtype="<f4").astype(np.float32)


class CompressedText(TypeDecorator[str]):
    """Text as zlib-compressed UTF-8; an empty one is kept as NULL, and NULL reads as an empty one."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 - as above
        """Write a text; halves of surrogate pairs, which a log of broken bytes may have, become question marks."""
        return zlib.compress(value.encode(errors="replace")) if value else None

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str:  # noqa: ARG002 - as above
        """Read a text."""
        return "" if value is None else zlib.decompress(value).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return _NOT_FINITE.get(value, value) if isinstance(value, str) else value
