from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.cases import FP16, INT8, Case, Model, Precision, Profile
from harness.engines import axes_of, key_of_build

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = Profile({"batch": (1, 4, 16)})
MODEL = Model(name="squeezenet", source="zoo:squeezenet", profiles=(PROFILE,))
VERSIONS = {"runtime": "tensorrt", "version": "8.6.0", "libraries": {"architecture": "sm90"}}
IDENTITY: dict[str, Any] = {
    "device": "NVIDIA H200",
    "capability": "9.0",
    "libraries": {"driver": "580.1"},
    "options": {"optimization_level": 1},
    "plugins": [],
}


def test_a_key_says_what_the_worker_says() -> None:
    """Runtime and version are of the worker's versions, device, libraries and options of its identity."""
    key = key_of_build(Case(MODEL, FP16, PROFILE), graph="ab", versions=VERSIONS, identity=IDENTITY, calibration="cd")
    assert (key.graph, key.calibration, key.build) == ("ab", "cd", 0)
    assert (key.precision, key.axes) == (FP16.to_json(), axes_of(PROFILE))
    assert (key.runtime, key.version, key.gpu, key.capability) == ("tensorrt", "8.6.0", "NVIDIA H200", "9.0")
    assert (key.libraries, key.options, key.plugins) == ({"driver": "580.1"}, {"optimization_level": 1}, {})


def test_the_names_of_a_case_are_no_part_of_its_key() -> None:
    """What a model and its precision are called, and at which points it runs, changes nothing that is built."""

    def key(model: Model, precision: Precision, profile: Profile) -> str:
        case = Case(model, precision, profile)
        return key_of_build(case, graph="ab", versions=VERSIONS, identity=IDENTITY).hash

    other_points = Profile({"batch": (1, 4, 16)}, [{"batch": 3}])
    other = replace(MODEL, name="another", profiles=(other_points,), precisions=(replace(FP16, name="half"),))
    assert key(MODEL, FP16, PROFILE) == key(other, other.precisions[0], other_points)
    assert key(MODEL, FP16, PROFILE) != key(MODEL, INT8, PROFILE)


def test_a_plugin_counts_by_its_content(tmp_path: Path) -> None:
    """Compiled anew, it makes another key; moved elsewhere, the same."""
    case, plugin = Case(MODEL, FP16, PROFILE), tmp_path / "roi.so"

    def key(path: Path) -> str:
        return key_of_build(case, graph="ab", versions=VERSIONS, identity={**IDENTITY, "plugins": [str(path)]}).hash

    plugin.write_bytes(b"machine code")
    first = key(plugin)
    (tmp_path / "elsewhere").mkdir()
    assert key(plugin.rename(tmp_path / "elsewhere" / "roi.so")) == first
    plugin.write_bytes(b"other machine code")
    assert key(plugin) != first
