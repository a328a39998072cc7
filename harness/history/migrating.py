"""Alembic, told where the migrations of a history are and which connection to run them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection


def upgrade(connection: Connection, migrations: Path, revision: str = "head") -> None:
    """Bring a database to a revision, in the transaction that its connection is in.

    Args:
        connection: of the database, which may be empty.
        migrations: the folder that has them.
        revision: the last one to run; the newest by default.
    """
    config = Config()
    # A '%' in a path would start an interpolation.
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
