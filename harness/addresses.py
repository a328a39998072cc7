"""Addresses of databases, as whoever reads a log, a history or a report may see them."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]+@")


def without_password(text: str) -> str:
    """Return ``text`` with ``***`` in the place of each password in a URL, as in ``postgresql://ada:***@host/db``."""
    return _PASSWORD.sub(r"\1:***@", text)
