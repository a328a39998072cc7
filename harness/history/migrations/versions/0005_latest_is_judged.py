"""The view ``latest`` has the first trial of a case in its session, which is the one that verdicts belong to.

Until now it had whatever trial was stored last: after a confirmation that was one without a verdict, and after a
comparison one of either side.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OF_ANY_TRIAL = """
            SELECT max(newest.trial_id) FROM measurement AS newest WHERE newest.series_id = measurement.series_id
"""
# Reads backwards and stops at the first, where a maximum would read the whole series.
_OF_A_FIRST_TRIAL = """
            SELECT newest.trial_id FROM measurement AS newest JOIN trial AS owner ON owner.id = newest.trial_id
            WHERE newest.series_id = measurement.series_id AND owner.ordinal = 0
            ORDER BY newest.trial_id DESC LIMIT 1
"""


def upgrade() -> None:
    """Make the view anew, with the same columns."""
    view = "SELECT sql FROM sqlite_master WHERE type = 'view' AND name = 'latest'"
    (query,) = op.get_bind().execute(sa.text(view)).one()
    remade = query.replace(_OF_ANY_TRIAL, _OF_A_FIRST_TRIAL)
    if remade == query:
        raise RuntimeError("the view 'latest' of this history is not the one that the harness made")
    op.execute("DROP VIEW latest")
    op.execute(remade)


def downgrade() -> None:
    """Refuse: the backup of the upgrade is what goes back."""
    raise RuntimeError("there is no way back to an older schema; take the backup that the upgrade left beside the file")
