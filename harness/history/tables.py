"""The tables, as SQLAlchemy's typed ORM; valid on 2.0 and 2.1.

session ──< trial >── case, environment, subject, engine, graph
                │
                ├──< measurement >── series >── case, environment      one metric at one point, with its raw samples
                ├──< verdict     >── series
                ├──< tensor_error                                      outputs and layers against their reference
                └──< finding                                           what each pytest item said
engine ──< engine_layer                       what it consists of, with the time that each layer took

baseline ──< baseline_member >── trial        runs that a person named to compare with
metric   unit and direction of each metric, as the harness that wrote last declares it
policy   what people decided: acknowledged, quarantined, renamed and dropped, with reason and author
policy   ──< level >── series, trial          where the baseline of a series begins anew
change_point >── series                       since when
annotation   >── session, trial or series     what a person wrote beside it

Tables may change with any version, always by a migration. The views of ``harness.history.views`` are public.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np  # noqa: TC002 - SQLAlchemy reads the annotations when the classes are made
from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import Text

from harness.history.columns import CompressedText, Names, Number, Samples, Structure, UtcTime

_ON_DELETE = "CASCADE"


class Base(DeclarativeBase):
    """What the tables have in common."""

    # SQLite alters tables by copying them, and can only drop a constraint that has a name.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text, datetime: UtcTime, float: Number}  # noqa: RUF012 - as SQLAlchemy declares it


class Session(Base):
    """One run of pytest or of ``trt-harness check``."""

    __tablename__ = "session"
    id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    status: Mapped[str]
    command: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(Structure)
    commit: Mapped[str | None]
    branch: Mapped[str | None]
    dirty: Mapped[bool]
    harness_version: Mapped[str]


class Environment(Base):
    """The machine; rows are told apart by facts that survive a reboot."""

    __tablename__ = "environment"
    id: Mapped[int] = mapped_column(primary_key=True)
    identity_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    identity: Mapped[dict[str, Any]] = mapped_column(Structure)
    facts: Mapped[dict[str, Any]] = mapped_column(Structure)


class Subject(Base):
    """The software under test."""

    __tablename__ = "subject"
    id: Mapped[int] = mapped_column(primary_key=True)
    subject_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    runtime: Mapped[str]
    version: Mapped[str]
    libraries: Mapped[dict[str, Any]] = mapped_column(Structure)


class Case(Base):
    """A model, precision and profile, in one version of its meaning."""

    __tablename__ = "case"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    model: Mapped[str]
    precision: Mapped[str]
    profile: Mapped[str]


class Series(Base):
    """A case in an environment, by one metric at one point; the subject is never part of it."""

    __tablename__ = "series"
    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"))
    metric: Mapped[str]
    point: Mapped[str]


class Metric(Base):
    """What the views say beside a value; ``harness.history.declarations`` keeps it up to date."""

    __tablename__ = "metric"
    name: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    direction: Mapped[str]


class Engine(Base):
    """One built artefact: trials of the very same build share a row, a rebuild with the same tactics has its own."""

    __tablename__ = "engine"
    id: Mapped[int] = mapped_column(primary_key=True)
    build_hash: Mapped[str] = mapped_column(unique=True)
    fingerprint: Mapped[str] = mapped_column(index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    build_seconds: Mapped[float]
    options: Mapped[dict[str, Any]] = mapped_column(Structure)
    type_shares: Mapped[dict[str, Any]] = mapped_column(Structure)
    layers: Mapped[int]
    warnings: Mapped[list[str]] = mapped_column(Structure)
    # Added to tables that have rows, which SQLite does in place only if there is a default.
    time_shares: Mapped[dict[str, Any]] = mapped_column(Structure, server_default=text("'{}'"))
    warning_kinds: Mapped[dict[str, Any]] = mapped_column(Structure, server_default=text("'{}'"))
    log: Mapped[str | None] = mapped_column(CompressedText)


class EngineLayer(Base):
    """One layer of an engine; columns as in ``harness.history.records.LayerRecord``."""

    __tablename__ = "engine_layer"
    engine_id: Mapped[int] = mapped_column(ForeignKey("engine.id", ondelete=_ON_DELETE), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    operator: Mapped[str]
    compute_type: Mapped[str]
    tactic: Mapped[str]
    outputs: Mapped[list[str]] = mapped_column(Structure)
    milliseconds: Mapped[float | None]


class Graph(Base):
    """A graph that engines are built from; columns as in ``harness.history.records.GraphRecord``.

    Each of ``nodes`` is a list: name, operator, the list of its inputs, the list of its outputs.
    """

    __tablename__ = "graph"
    id: Mapped[int] = mapped_column(primary_key=True)
    graph_hash: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int]
    inputs: Mapped[list[str]] = mapped_column(Names)
    outputs: Mapped[list[str]] = mapped_column(Names)
    nodes: Mapped[list[list[Any]]] = mapped_column(Names)


class Trial(Base):
    """One process that loaded one engine and measured it."""

    __tablename__ = "trial"
    __table_args__ = (Index(None, "session_id", "case_id"), Index(None, "case_id", "environment_id", "subject_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("session.id", ondelete=_ON_DELETE))
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id"))
    subject_id: Mapped[int] = mapped_column(ForeignKey("subject.id"))
    engine_id: Mapped[int | None] = mapped_column(ForeignKey("engine.id"), index=True)
    # What this session called its subject; another may call the same software otherwise.
    subject_label: Mapped[str]
    ordinal: Mapped[int]
    started_at: Mapped[datetime]
    outcome: Mapped[str]
    message: Mapped[str]
    quality: Mapped[str]
    conditions: Mapped[dict[str, Any]] = mapped_column(Structure)
    phases: Mapped[dict[str, Any]] = mapped_column(Structure)
    # None in trials that ended before their graph was made, and in those of before schema 0007.
    graph_id: Mapped[int | None] = mapped_column(ForeignKey("graph.id"))


class Measurement(Base):
    """One metric at one point of one trial."""

    __tablename__ = "measurement"
    # In this order the index serves both the check and the question "what were the newest runs of this series?".
    __table_args__ = (UniqueConstraint("series_id", "trial_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"))
    value: Mapped[float | None]
    sample_count: Mapped[int]
    samples: Mapped[np.ndarray | None] = mapped_column(Samples)


class Verdict(Base):
    """The gate's word on one series of one trial; columns as in ``harness.verdicts.gate.Verdict``."""

    __tablename__ = "verdict"
    __table_args__ = (UniqueConstraint("series_id", "trial_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"))
    status: Mapped[str] = mapped_column(index=True)
    direction: Mapped[str]
    scale: Mapped[str]
    smallest_effect: Mapped[float]
    reason: Mapped[str]
    n: Mapped[int]
    k: Mapped[int]
    value: Mapped[float | None]
    baseline: Mapped[float | None]
    effect: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    p: Mapped[float | None]
    q: Mapped[float | None]
    spread: Mapped[float | None]
    detectable: Mapped[float | None]
    # What the change goes with, and what that rests on; see ``harness.verdicts.cause``.
    cause: Mapped[str] = mapped_column(server_default=text("''"))
    cause_details: Mapped[dict[str, Any]] = mapped_column(Structure, server_default=text("'{}'"))


class TensorError(Base):
    """The error of one tensor of one trial; ``scope`` says whether it is a final output or a layer."""

    __tablename__ = "tensor_error"
    id: Mapped[int] = mapped_column(primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    scope: Mapped[str]
    position: Mapped[int]
    tensor: Mapped[str]
    operator: Mapped[str]
    point: Mapped[str]
    errors: Mapped[dict[str, Any]] = mapped_column(Structure)
    tolerance: Mapped[dict[str, Any]] = mapped_column(Structure)
    passed: Mapped[bool | None]
    # Where a layer's error comes from, and what does not fit its number type; empty where it was not looked into.
    analysis: Mapped[dict[str, Any]] = mapped_column(Structure, server_default=text("'{}'"))


class Finding(Base):
    """One stage of one trial and how it ended."""

    __tablename__ = "finding"
    id: Mapped[int] = mapped_column(primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    stage: Mapped[str]
    outcome: Mapped[str]
    message: Mapped[str]


class Baseline(Base):
    """A named set of runs to compare with; each promotion adds a revision, the newest of which is in force."""

    __tablename__ = "baseline"
    __table_args__ = (UniqueConstraint("name", "revision"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    revision: Mapped[int]
    source: Mapped[str]
    reason: Mapped[str]
    author: Mapped[str]
    created_at: Mapped[datetime]


class BaselineMember(Base):
    """One run of a named baseline."""

    __tablename__ = "baseline_member"
    baseline_id: Mapped[int] = mapped_column(ForeignKey("baseline.id", ondelete=_ON_DELETE), primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), primary_key=True, index=True)


class Policy(Base):
    """What a person decided; columns as in ``harness.history.decisions.Decision``. Rows are added, never changed."""

    __tablename__ = "policy"
    id: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str]
    case_pattern: Mapped[str]
    metric_pattern: Mapped[str]
    point_pattern: Mapped[str]
    parameters: Mapped[dict[str, Any]] = mapped_column(Structure)
    reason: Mapped[str]
    author: Mapped[str]
    created_at: Mapped[datetime]
    until: Mapped[datetime | None]
    withdraws: Mapped[int | None] = mapped_column(ForeignKey("policy.id"))


class Level(Base):
    """An acknowledged change: the trial at which the baseline of a series begins anew."""

    __tablename__ = "level"
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"), primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), primary_key=True, index=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("policy.id", ondelete=_ON_DELETE), primary_key=True)


class ChangePoint(Base):
    """A trial since which a series lies elsewhere; columns as in ``harness.history.change_points``."""

    __tablename__ = "change_point"
    __table_args__ = (UniqueConstraint("series_id", "trial_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"))
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    low_trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    high_trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    previous_trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    level_before: Mapped[float]
    level_after: Mapped[float]
    effect: Mapped[float]
    p: Mapped[float]
    found_at: Mapped[datetime]


class Annotation(Base):
    """What a person wrote beside a session, a trial or a series."""

    __tablename__ = "annotation"
    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str | None] = mapped_column(ForeignKey("session.id", ondelete=_ON_DELETE), index=True)
    trial_id: Mapped[int | None] = mapped_column(ForeignKey("trial.id", ondelete=_ON_DELETE), index=True)
    series_id: Mapped[int | None] = mapped_column(ForeignKey("series.id"), index=True)
    author: Mapped[str]
    text: Mapped[str]
    created_at: Mapped[datetime]
