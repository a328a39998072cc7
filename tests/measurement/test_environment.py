from __future__ import annotations

import json
import os

import pytest

from harness.history.records import EnvironmentRecord
from harness.measurement.environment import host_facts, host_identity, processor_name, usable_cores


def test_the_identity_survives_a_reboot() -> None:
    """It is the same each time it is asked for, and says nothing that changes by itself."""
    identity = host_identity()
    assert identity == host_identity()
    assert set(identity) == {"processor", "cores", "memory_gib", "system", "architecture"}
    assert EnvironmentRecord(name="here", identity=identity).hash == EnvironmentRecord(name="x", identity=identity).hash


def test_identity_and_facts_are_plain_data() -> None:
    """Both can be stored, and every fact that is known has a value."""
    assert json.loads(json.dumps({**host_identity(), **host_facts()}))["kernel"]
    assert processor_name()
    assert host_identity()["memory_gib"] >= 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_cores_are_those_that_this_process_may_use() -> None:
    """A process that is pinned to one core is on a machine of one core."""
    allowed = os.sched_getaffinity(0)
    assert usable_cores() == len(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
