"""The page of a server that cannot show what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from reports import text
from reports.render import render

if TYPE_CHECKING:
    from http import HTTPStatus

_TITLE = "TensorRT harness"


@dataclass(frozen=True)
class ErrorPage:
    """The page: a status with its words, and why."""

    title: str
    written: str
    status: str
    explanation: str


def error_page(status: HTTPStatus, explanation: str) -> str:
    """Return the page of an answer that is none, as HTML; ``explanation`` may hold foreign text."""
    page = ErrorPage(
        title=_TITLE,
        written=text.moment(datetime.now(timezone.utc)),
        status=f"{status.value} {status.phrase}",
        explanation=text.sentence(explanation, 2000),
    )
    return render(page, "error.html.j2")
