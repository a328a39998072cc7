"""What Alembic runs to migrate: always on the connection, and in the transaction, of ``harness.history.schema``.

A new revision is written with ``alembic revision`` from an ``alembic.ini`` of one's own that names this folder, or by
copying the newest file of ``versions``.
"""

from __future__ import annotations

from alembic import context

from harness.history.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a table in place; Alembic then copies it.
    render_as_batch=True,
)
context.run_migrations()
