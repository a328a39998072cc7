from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.names import facts_of, names_of
from reports.reading import read
from tests.reports.sample_history import DESKTOP, NEW, SERVER, HistoryBuilder

if TYPE_CHECKING:
    from harness.history.records import EnvironmentRecord, SubjectRecord


def store(builder: HistoryBuilder, *runs: tuple[SubjectRecord, EnvironmentRecord]) -> None:
    """Store a trial for each."""
    for index, (subject, environment) in enumerate(runs):
        trial = builder.trial(builder.session(index), "resnet50", "fp16", subject=subject, environment=environment)
        builder.history.add_trial(trial)


def test_subjects_are_called_by_runtime_and_version(builder: HistoryBuilder) -> None:
    """Where that tells them apart, nothing else is in a subject's name."""
    store(builder, (NEW, SERVER))
    assert [subject.label for subject in names_of(read(builder.history)).subjects.values()] == ["onnxruntime 1.31.1"]


def test_subjects_of_one_version_are_told_apart_by_what_differs(builder: HistoryBuilder) -> None:
    """Two drivers under the same runtime are two subjects with two names."""
    other = replace(NEW, libraries={"provider": "cuda"})
    store(builder, (NEW, SERVER), (other, SERVER))
    labels = [subject.label for subject in names_of(read(builder.history)).subjects.values()]
    assert labels == ["onnxruntime 1.31.1 (provider cpu)", "onnxruntime 1.31.1 (provider cuda)"]


def test_a_subject_of_unknown_version_says_so(builder: HistoryBuilder) -> None:
    """A runtime that never said its version is not taken for one that did."""
    store(builder, (replace(NEW, version=""), SERVER))
    (subject,) = names_of(read(builder.history)).subjects.values()
    assert subject.label == "onnxruntime (version unknown)"


def test_machines_of_one_name_are_told_apart_by_their_hash(builder: HistoryBuilder) -> None:
    """Two machines that a person calls the same are not mixed up."""
    twin = replace(SERVER, identity={**SERVER.identity, "memory": 64})
    store(builder, (NEW, SERVER), (NEW, twin), (NEW, DESKTOP))
    names = [environment.name for environment in names_of(read(builder.history)).environments.values()]
    assert names == [f"{SERVER.name} [{SERVER.hash[:8]}]", f"{SERVER.name} [{twin.hash[:8]}]", DESKTOP.name]


def test_facts_are_flat_and_readable() -> None:
    """Nested facts get dotted names; yes, no and unknown are words."""
    facts = facts_of({"cpu": {"cores": 2, "boost": True}, "gpu": None, "tags": ["a", "b"], "load": 0.4321})
    assert [(fact.name, fact.value) for fact in facts] == [
        ("cpu.cores", "2"),
        ("cpu.boost", "yes"),
        ("gpu", "unknown"),
        ("tags", "a, b"),
        ("load", "0.432"),
    ]
