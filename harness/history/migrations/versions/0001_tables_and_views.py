"""The first schema: every table and the four views.

The SQL of the views stands here rather than beside their description, since a migration must go on doing what it did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CASE = """
    "case".name AS case_id,
    "case".version AS case_version,
    "case".model AS model,
    "case".precision AS precision,
    "case".profile AS profile
"""

_SERIES = """
    series.metric AS metric,
    series.point AS point
"""

_TRIAL = """
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

_VALUE = """
    measurement.value AS value,
    metric.unit AS unit,
    verdict.status AS verdict,
    verdict.effect AS effect
"""

_JUDGED = """
    verdict.baseline AS baseline,
    verdict.low AS low,
    verdict.high AS high,
    verdict.p AS p,
    verdict.q AS q,
    verdict.n AS n,
    verdict.k AS k,
    verdict.reason AS reason
"""

_TRIALS = """
    FROM trial
    JOIN "case" ON "case".id = trial.case_id
    JOIN environment ON environment.id = trial.environment_id
    JOIN subject ON subject.id = trial.subject_id
"""

_MEASUREMENTS = f"""
    {_TRIALS}
    JOIN measurement ON measurement.trial_id = trial.id
    JOIN series ON series.id = measurement.series_id
    LEFT JOIN metric ON metric.name = series.metric
    LEFT JOIN verdict ON verdict.trial_id = trial.id AND verdict.series_id = series.id
"""

_ENGINE = """
    engine.id AS engine_id,
    engine.fingerprint AS fingerprint,
    engine.bytes AS engine_bytes,
    engine.build_seconds AS build_seconds,
    engine.layers AS layers,
    engine.type_shares AS type_shares,
    engine.options AS options
"""

_VIEWS = {
    "latest": f"""
        SELECT {_CASE}, {_SERIES}, {_TRIAL}, {_VALUE}, {_JUDGED} {_MEASUREMENTS}
        WHERE measurement.trial_id = (
            SELECT max(newest.trial_id) FROM measurement AS newest WHERE newest.series_id = measurement.series_id
        )
    """,  # noqa: S608 - every part is a constant of this file
    "trend": f"SELECT {_CASE}, {_SERIES}, {_TRIAL}, {_VALUE} {_MEASUREMENTS}",
    "regressions": f"""
        SELECT {_CASE}, {_SERIES}, {_TRIAL}, {_VALUE}, {_JUDGED} {_MEASUREMENTS}
        WHERE verdict.status = 'regressed'
    """,
    "engines": f"SELECT {_CASE}, {_TRIAL}, {_ENGINE} {_TRIALS} JOIN engine ON engine.id = trial.engine_id",
}


def upgrade() -> None:
    """Make the tables, their indexes and the views."""
    op.create_table(
        "baseline",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_baseline"),
        sa.UniqueConstraint("name", name="uq_baseline_name"),
    )
    op.create_table(
        "case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case"),
        sa.UniqueConstraint("case_hash", name="uq_case_case_hash"),
    )
    op.create_index("ix_case_name", "case", ["name"])
    op.create_table(
        "engine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("build_hash", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("build_seconds", sa.Float(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("type_shares", sa.Text(), nullable=False),
        sa.Column("layers", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_engine"),
        sa.UniqueConstraint("build_hash", name="uq_engine_build_hash"),
    )
    op.create_index("ix_engine_fingerprint", "engine", ["fingerprint"])
    op.create_table(
        "environment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_environment"),
        sa.UniqueConstraint("identity_hash", name="uq_environment_identity_hash"),
    )
    op.create_table(
        "metric",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_metric"),
    )
    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_pattern", sa.Text(), nullable=False),
        sa.Column("metric_pattern", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_policy"),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=True),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("harness_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
    )
    op.create_index("ix_session_started_at", "session", ["started_at"])
    op.create_table(
        "subject",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("runtime", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("libraries", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subject"),
        sa.UniqueConstraint("subject_hash", name="uq_subject_subject_hash"),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("point", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_series_case_id_case"),
        sa.ForeignKeyConstraint(["environment_id"], ["environment.id"], name="fk_series_environment_id_environment"),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("fingerprint", name="uq_series_fingerprint"),
    )
    op.create_index("ix_series_case_id", "series", ["case_id"])
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("engine_id", sa.Integer(), nullable=True),
        sa.Column("subject_label", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("phases", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_trial_case_id_case"),
        sa.ForeignKeyConstraint(["engine_id"], ["engine.id"], name="fk_trial_engine_id_engine"),
        sa.ForeignKeyConstraint(["environment_id"], ["environment.id"], name="fk_trial_environment_id_environment"),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name="fk_trial_session_id_session", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_trial_subject_id_subject"),
        sa.PrimaryKeyConstraint("id", name="pk_trial"),
    )
    op.create_index("ix_trial_case_id_environment_id_subject_id", "trial", ["case_id", "environment_id", "subject_id"])
    op.create_index("ix_trial_engine_id", "trial", ["engine_id"])
    op.create_index("ix_trial_session_id_case_id", "trial", ["session_id", "case_id"])
    op.create_table(
        "annotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("trial_id", sa.Integer(), nullable=True),
        sa.Column("series_id", sa.Integer(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_annotation_series_id_series"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name="fk_annotation_session_id_session", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_annotation_trial_id_trial", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_annotation"),
    )
    op.create_index("ix_annotation_series_id", "annotation", ["series_id"])
    op.create_index("ix_annotation_session_id", "annotation", ["session_id"])
    op.create_index("ix_annotation_trial_id", "annotation", ["trial_id"])
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
    op.create_table(
        "change_point",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("effect", sa.Float(), nullable=False),
        sa.Column("p", sa.Float(), nullable=True),
        sa.Column("found_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_change_point_series_id_series"),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_change_point_trial_id_trial", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_change_point"),
        sa.UniqueConstraint("series_id", "trial_id", name="uq_change_point_series_id_trial_id"),
    )
    op.create_index("ix_change_point_trial_id", "change_point", ["trial_id"])
    op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_finding_trial_id_trial", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
    )
    op.create_index("ix_finding_trial_id", "finding", ["trial_id"])
    op.create_table(
        "measurement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("sample_count", sa.Integer(), nullable=False),
        sa.Column("samples", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_measurement_series_id_series"),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_measurement_trial_id_trial", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_measurement"),
        sa.UniqueConstraint("series_id", "trial_id", name="uq_measurement_series_id_trial_id"),
    )
    op.create_index("ix_measurement_trial_id", "measurement", ["trial_id"])
    op.create_table(
        "tensor_error",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("tensor", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("point", sa.Text(), nullable=False),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.Column("tolerance", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_tensor_error_trial_id_trial", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_tensor_error"),
    )
    op.create_index("ix_tensor_error_trial_id", "tensor_error", ["trial_id"])
    op.create_table(
        "verdict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("scale", sa.Text(), nullable=False),
        sa.Column("smallest_effect", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("baseline", sa.Float(), nullable=True),
        sa.Column("effect", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("p", sa.Float(), nullable=True),
        sa.Column("q", sa.Float(), nullable=True),
        sa.Column("spread", sa.Float(), nullable=True),
        sa.Column("detectable", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_verdict_series_id_series"),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_verdict_trial_id_trial", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_verdict"),
        sa.UniqueConstraint("series_id", "trial_id", name="uq_verdict_series_id_trial_id"),
    )
    op.create_index("ix_verdict_status", "verdict", ["status"])
    op.create_index("ix_verdict_trial_id", "verdict", ["trial_id"])
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    """Refuse: before the first schema there was nothing."""
    raise RuntimeError("the first schema has no predecessor; delete the file instead")
