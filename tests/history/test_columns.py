"""How values lie in the database."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sqlalchemy
from sqlalchemy.dialects import sqlite

from harness.errors import HistoryError
from harness.history.columns import CompressedText, Names, Number, Samples, Structure, UtcTime

if TYPE_CHECKING:
    from sqlalchemy.types import TypeDecorator

DIALECT = sqlite.dialect()


def written(column: TypeDecorator[Any], value: Any) -> Any:
    """Return what the database is given."""
    return column.process_bind_param(value, DIALECT)


def reread(column: TypeDecorator[Any], value: Any) -> Any:
    """Return a value as it comes back."""
    return column.process_result_value(written(column, value), DIALECT)


def test_time_is_kept_in_utc_with_its_zone() -> None:
    """A time of another zone comes back as the same instant, in UTC."""
    elsewhere = datetime(2024, 6, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))
    assert written(UtcTime(), elsewhere) == "2024-06-01T12:30:00.000000+00:00"
    assert reread(UtcTime(), elsewhere) == elsewhere
    assert reread(UtcTime(), elsewhere).tzinfo == timezone.utc


def test_time_without_a_zone_is_refused() -> None:
    """Nobody can say which instant a time without a zone is."""
    naive = datetime(2024, 6, 1)  # noqa: DTZ001 - this is what is refused
    with pytest.raises(HistoryError, match="no zone"):
        written(UtcTime(), naive)


def test_times_sort_as_text() -> None:
    """A time without microseconds sorts before one with them."""
    second = datetime(2024, 6, 1, tzinfo=timezone.utc)
    assert written(UtcTime(), second) < written(UtcTime(), second + timedelta(microseconds=1))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": [1, 2.5, "x", None, True]}, id="what JSON knows"),
        pytest.param({"inf": math.inf, "minus": [-math.inf]}, id="infinities"),
        pytest.param({}, id="nothing"),
        pytest.param(None, id="NULL"),
    ],
)
def test_structure_comes_back_equal(value: Any) -> None:
    """Structures survive, infinities included."""
    assert reread(Structure(), value) == value


def test_names_come_back_as_text() -> None:
    """A tensor may be called what a structure would take for a number."""
    names = ["NaN", ["Infinity", "naïve"], []]
    assert reread(Names(), names) == names
    assert reread(Names(), None) is None


def test_structure_keeps_nan() -> None:
    """NaN comes back as NaN, and the text is JSON that any reader takes."""
    assert written(Structure(), {"x": math.nan}) == '{"x": "NaN"}'
    assert math.isnan(reread(Structure(), {"x": math.nan})["x"])


def test_structure_takes_numpy_values() -> None:
    """NumPy scalars and arrays, and tuples, become numbers and lists."""
    value = {"a": np.float32(0.5), "b": np.int64(3), "c": np.arange(2), "d": (1, np.float64("inf"))}
    assert reread(Structure(), value) == {"a": 0.5, "b": 3, "c": [0, 1], "d": [1, math.inf]}


def test_number_keeps_infinity_and_turns_nan_into_null() -> None:
    """SQLite has infinities but no NaN."""
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        kept = connection.execute(
            sqlalchemy.select(
                sqlalchemy.literal(math.inf, Number()),
                sqlalchemy.literal(math.nan, Number()),
                sqlalchemy.literal(2, Number()),
            )
        ).one()
    engine.dispose()
    assert tuple(kept) == (math.inf, None, 2.0)


def test_samples_come_back_as_float32() -> None:
    """Samples survive bit by bit, from a vector that is not contiguous too."""
    samples = np.linspace(0.1, 0.2, 100, dtype=np.float32)[::2]
    back = reread(Samples(), samples)
    assert back.dtype == np.float32
    assert back.tobytes() == samples.tobytes()


def test_samples_are_compressed() -> None:
    """Samples that repeat take less room than they would raw."""
    assert len(written(Samples(), np.full(1000, 0.125, np.float32))) < 100


def test_no_samples_are_null() -> None:
    """A measurement without samples keeps none."""
    assert reread(Samples(), None) is None


def test_long_text_is_kept_small() -> None:
    """A log comes back as it was from a fraction of its bytes, an empty one from none."""
    log = "WARNING: a node fell back to FP32\n" * 1000
    assert reread(CompressedText(), log) == log
    assert len(written(CompressedText(), log)) < len(log) / 50
    assert written(CompressedText(), "") is None
    assert reread(CompressedText(), "") == ""


def test_half_a_character_in_a_text_is_not_fatal() -> None:
    """What a broken log decodes to can be stored."""
    assert reread(CompressedText(), "kernel \udcff") == "kernel ?"
