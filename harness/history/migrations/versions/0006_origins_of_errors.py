"""Where the error of a layer comes from: one column, added in place as in the migrations before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; errors of before have nothing in it."""
    op.add_column("tensor_error", sa.Column("analysis", sa.Text(), nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    """Refuse: what was stored since would be lost, and the backup of the upgrade is what goes back."""
    raise RuntimeError("there is no way back to an older schema; take the backup that the upgrade left beside the file")
