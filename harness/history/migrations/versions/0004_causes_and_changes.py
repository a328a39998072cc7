"""What a verdict's change goes with, and change points in full: two columns, one table made anew, one view more.

The table of change points was there before anything wrote to it, so it is dropped and made with its columns. Those of
verdicts are added in place, as in the migration before the last.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SERIES_OF_A_TRIAL = """
    "case".name AS case_id,
    "case".version AS case_version,
    "case".model AS model,
    "case".precision AS precision,
    "case".profile AS profile,
    series.metric AS metric,
    series.point AS point,
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

_JUDGED = """
    measurement.value AS value,
    metric.unit AS unit,
    verdict.status AS verdict,
    verdict.effect AS effect,
    verdict.baseline AS baseline,
    verdict.low AS low,
    verdict.high AS high,
    verdict.p AS p,
    verdict.q AS q,
    verdict.n AS n,
    verdict.k AS k,
    verdict.reason AS reason,
    verdict.cause AS cause,
    verdict.cause_details AS cause_details
"""

_OF_A_TRIAL = """
    JOIN "case" ON "case".id = trial.case_id
    JOIN environment ON environment.id = trial.environment_id
    JOIN subject ON subject.id = trial.subject_id
"""

_MEASUREMENTS = f"""
    FROM measurement
    JOIN series ON series.id = measurement.series_id
    JOIN trial ON trial.id = measurement.trial_id
    {_OF_A_TRIAL}
    LEFT JOIN metric ON metric.name = series.metric
    LEFT JOIN verdict ON verdict.trial_id = trial.id AND verdict.series_id = series.id
"""

_VIEWS = {
    "latest": f"""
        SELECT {_SERIES_OF_A_TRIAL}, {_JUDGED} {_MEASUREMENTS}
        WHERE measurement.trial_id = (
            SELECT max(newest.trial_id) FROM measurement AS newest WHERE newest.series_id = measurement.series_id
        )
    """,  # noqa: S608 - every part is a constant of this file
    "regressions": f"""
        SELECT {_SERIES_OF_A_TRIAL}, {_JUDGED} {_MEASUREMENTS}
        WHERE verdict.status = 'regressed'
    """,
    "change_points": f"""
        SELECT {_SERIES_OF_A_TRIAL},
            metric.unit AS unit,
            change_point.effect AS effect,
            change_point.p AS p,
            change_point.level_before AS level_before,
            change_point.level_after AS level_after,
            change_point.low_trial_id AS low_trial_id,
            change_point.high_trial_id AS high_trial_id,
            change_point.previous_trial_id AS previous_trial_id,
            change_point.found_at AS found_at
        FROM change_point
        JOIN series ON series.id = change_point.series_id
        JOIN trial ON trial.id = change_point.trial_id
        {_OF_A_TRIAL}
        LEFT JOIN metric ON metric.name = series.metric
    """,  # noqa: S608 - as above
}


def upgrade() -> None:
    """Add the columns, make the table and the views anew, and add the view of change points."""
    op.add_column("verdict", sa.Column("cause", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("verdict", sa.Column("cause_details", sa.Text(), nullable=False, server_default=sa.text("'{}'")))
    op.drop_table("change_point")
    op.create_table(
        "change_point",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("low_trial_id", sa.Integer(), nullable=False),
        sa.Column("high_trial_id", sa.Integer(), nullable=False),
        sa.Column("previous_trial_id", sa.Integer(), nullable=False),
        sa.Column("level_before", sa.Float(), nullable=False),
        sa.Column("level_after", sa.Float(), nullable=False),
        sa.Column("effect", sa.Float(), nullable=False),
        sa.Column("p", sa.Float(), nullable=False),
        sa.Column("found_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_change_point_series_id_series"),
        *(
            sa.ForeignKeyConstraint([column], ["trial.id"], name=f"fk_change_point_{column}_trial", ondelete="CASCADE")
            for column in ("trial_id", "low_trial_id", "high_trial_id", "previous_trial_id")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_change_point"),
        sa.UniqueConstraint("series_id", "trial_id", name="uq_change_point_series_id_trial_id"),
    )
    for column in ("trial_id", "low_trial_id", "high_trial_id", "previous_trial_id"):
        op.create_index(f"ix_change_point_{column}", "change_point", [column])
    for name in ("latest", "regressions"):
        op.execute(f"DROP VIEW {name}")
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    """Refuse: what was stored since would be lost, and the backup of the upgrade is what goes back."""
    raise RuntimeError("there is no way back to an older schema; take the backup that the upgrade left beside the file")
