"""What people decide: authors, points and withdrawals of policies, levels, and revisions of named baselines.

The tables that are made anew were there since 0001, and no harness has written to them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of decisions and of named baselines anew, and add that of levels."""
    for table in ("baseline_member", "baseline", "policy"):
        op.drop_table(table)
    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("case_pattern", sa.Text(), nullable=False),
        sa.Column("metric_pattern", sa.Text(), nullable=False),
        sa.Column("point_pattern", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("withdraws", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["withdraws"], ["policy.id"], name="fk_policy_withdraws_policy"),
        sa.PrimaryKeyConstraint("id", name="pk_policy"),
    )
    op.create_table(
        "level",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_level_series_id_series"),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_level_trial_id_trial", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["policy_id"], ["policy.id"], name="fk_level_policy_id_policy", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("series_id", "trial_id", "policy_id", name="pk_level"),
    )
    op.create_index("ix_level_trial_id", "level", ["trial_id"])
    op.create_table(
        "baseline",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_baseline"),
        sa.UniqueConstraint("name", "revision", name="uq_baseline_name_revision"),
    )
    op.create_table(
        "baseline_member",
        sa.Column("baseline_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["baseline.id"], name="fk_baseline_member_baseline_id_baseline", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["trial_id"], ["trial.id"], name="fk_baseline_member_trial_id_trial", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("baseline_id", "trial_id", name="pk_baseline_member"),
    )
    op.create_index("ix_baseline_member_trial_id", "baseline_member", ["trial_id"])


def downgrade() -> None:
    """Refuse: what was decided since would be lost, and the backup of the upgrade is what goes back."""
    raise RuntimeError("there is no way back to schema 0002; take the backup that the upgrade left beside the file")
