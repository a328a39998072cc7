"""Layers of engines, the shares of their time, and the build's log: one table, three columns, one view more.

Columns are added in place: to copy ``engine``, as Alembic's batch mode does, would break the trials that point to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_RUN = """
    "case".name AS case_id,
    "case".version AS case_version,
    "case".model AS model,
    "case".precision AS precision,
    "case".profile AS profile,
    environment.name AS environment,
    environment.identity_hash AS environment_hash,
    trial.subject_label AS subject,
    subject.runtime AS runtime,
    subject.version AS runtime_version,
    subject.subject_hash AS subject_hash,
    trial.session_id AS session_id,
    trial.id AS trial_id,
    trial.ordinal AS trial_index,
    trial.started_at AS started_at,
    trial.outcome AS outcome,
    trial.quality AS quality
"""

_TRIALS_WITH_ENGINES = """
    FROM trial
    JOIN "case" ON "case".id = trial.case_id
    JOIN environment ON environment.id = trial.environment_id
    JOIN subject ON subject.id = trial.subject_id
    JOIN engine ON engine.id = trial.engine_id
"""

_ENGINES_BEFORE = """
    engine.id AS engine_id,
    engine.fingerprint AS fingerprint,
    engine.bytes AS engine_bytes,
    engine.build_seconds AS build_seconds,
    engine.layers AS layers,
    engine.type_shares AS type_shares,
    engine.options AS options
"""

_ENGINES = f"""
    CREATE VIEW engines AS SELECT {_RUN}, {_ENGINES_BEFORE},
        engine.time_shares AS time_shares,
        engine.warning_kinds AS warning_kinds
    {_TRIALS_WITH_ENGINES}
"""

_ENGINE_LAYERS = f"""
    CREATE VIEW engine_layers AS SELECT {_RUN},
        engine.id AS engine_id,
        engine.fingerprint AS fingerprint,
        engine_layer.position AS position,
        engine_layer.name AS name,
        engine_layer.operator AS operator,
        engine_layer.compute_type AS compute_type,
        engine_layer.tactic AS tactic,
        engine_layer.outputs AS outputs,
        engine_layer.milliseconds AS milliseconds
    {_TRIALS_WITH_ENGINES}
    JOIN engine_layer ON engine_layer.engine_id = engine.id
    WHERE trial.id = (SELECT min(first.id) FROM trial AS first WHERE first.engine_id = engine.id)
"""  # noqa: S608 - every part is a constant of this file


def upgrade() -> None:
    """Add the columns, the table and the view, and make the view of engines anew with the columns."""
    op.add_column("engine", sa.Column("time_shares", sa.Text(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("engine", sa.Column("warning_kinds", sa.Text(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("engine", sa.Column("log", sa.LargeBinary(), nullable=True))
    op.create_table(
        "engine_layer",
        sa.Column("engine_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("compute_type", sa.Text(), nullable=False),
        sa.Column("tactic", sa.Text(), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["engine_id"], ["engine.id"], name="fk_engine_layer_engine_id_engine", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("engine_id", "position", name="pk_engine_layer"),
    )
    op.execute("DROP VIEW engines")
    op.execute(_ENGINES)
    op.execute(_ENGINE_LAYERS)


def downgrade() -> None:
    """Refuse: what was stored since would be lost, and the backup of the upgrade is what goes back."""
    raise RuntimeError("there is no way back to schema 0001; take the backup that the upgrade left beside the file")
