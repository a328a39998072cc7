"""The nodes of the graph that a trial's engine was built from: one table, and a column of ``trial`` that leads to it.

The column is added in place, with its foreign key inside it: to copy ``trial``, as Alembic's batch mode does for a
constraint, would break everything that points to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column; trials of before have no graph."""
    op.create_table(
        "graph",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("graph_hash", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=False),
        sa.Column("nodes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_graph"),
        sa.UniqueConstraint("graph_hash", name="uq_graph_graph_hash"),
    )
    op.execute("ALTER TABLE trial ADD COLUMN graph_id INTEGER CONSTRAINT fk_trial_graph_id_graph REFERENCES graph (id)")


def downgrade() -> None:
    """Refuse: what was stored since would be lost, and the backup of the upgrade is what goes back."""
    raise RuntimeError("there is no way back to an older schema; take the backup that the upgrade left beside the file")
