from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.bindings import VERSIONS, Bindings, run_with
from tests.contract.names import GUARDS, OBJECTS, names_used

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "harness" / "runtimes" / "tensorrt"

ANSWERS: dict[str, dict[str, Any]] = {}


@pytest.fixture(params=VERSIONS, ids=lambda bindings: f"TensorRT {bindings.version}")
def answer(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what ``probe_bindings`` says of one version of the real bindings; asked once."""
    bindings: Bindings = request.param
    if bindings.version not in ANSWERS:
        cache = request.config.cache.mkdir("tensorrt-bindings")
        printed = run_with(bindings, cache, Path(__file__).with_name("probe_bindings.py"), ROOT)
        ANSWERS[bindings.version] = json.loads(printed.splitlines()[-1])
    return ANSWERS[bindings.version]


def test_every_name_exists_or_its_absence_is_probed(answer: dict[str, Any]) -> None:
    """Whatever the code touches is in the real API, or behind a feature that is off where it is not."""
    unguarded = {
        name: place
        for name, place in answer["missing"].items()
        if name not in GUARDS or answer["features"][GUARDS[name]] not in (False, [], "no")
    }
    assert not unguarded


def test_every_class_derived_from_tensorrt_can_be_made(answer: dict[str, Any]) -> None:
    """Logger, profiler, allocator, calibrators and listener are made and called, where the version has them."""
    expected = ["ILogger", "IOutputAllocator", "IProfiler"]
    if answer["features"]["calibrators"]:
        expected += ["ENTROPY_CALIBRATION_2", "MINMAX_CALIBRATION"]
    if answer["features"]["debug_tensors"]:
        expected.append("IDebugListener")
    assert answer["derived"] == expected


def test_fp32_means_fp32_unless_tf32_was_asked_for(answer: dict[str, Any]) -> None:
    """TF32, which TensorRT allows by default, is cleared for every recipe but one."""
    configured = {name: told for name, told in answer["configurations"].items() if isinstance(told, dict)}
    assert configured.keys() >= {"fp32", "tf32", "fp16", "int8"}
    assert configured["tf32"]["set"] == ["TF32"]
    assert all(told["cleared"] == ["TF32"] for name, told in configured.items() if name != "tf32")


def test_graphs_that_carry_their_types_are_honoured(answer: dict[str, Any]) -> None:
    """A strongly typed network takes no precision flag; where there is none, fp16 and int8 need theirs."""
    strong = answer["features"]["strong_typing"] != "no"
    for recipe, flag in (("fp16", "FP16"), ("int8", "INT8")):
        told = answer["configurations"][recipe]
        assert told["strongly_typed"] == strong
        assert (flag in told["set"]) != strong


def test_the_old_route_works_where_it_exists_and_is_refused_clearly_where_not(answer: dict[str, Any]) -> None:
    """Builder flags and calibrators are used up to TensorRT 10, and on 11 the error says what to use instead."""
    by_flags, calibrated = (answer["configurations"][name] for name in ("fp16-flags", "int8-calibrator"))
    if answer["features"]["strong_typing"] == "always":
        version = answer["features"]["version"]
        assert by_flags == (
            f"ConfigurationError: TensorRT {version} has no builder flags for number types: it builds what the graph's "
            "types say (use fp16)"
        )
        assert calibrated.startswith(f"ConfigurationError: TensorRT {version} has no calibrators")
    else:
        assert by_flags["set"] == ["FP16"]
        assert calibrated["set"] == ["INT8"]
        assert calibrated["calibrators"] == 1


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param("8.6.1", {"strong_typing": "no", "calibrators": True, "debug_tensors": False,
                               "context_memory": "device_memory_size", "explicit_batch_flag": True}, id="8.6"),
        pytest.param("10.0.1", {"strong_typing": "opt_in", "calibrators": True, "debug_tensors": True,
                                "unfused_debug_tensors": False}, id="the first 10"),
        pytest.param("10.16.1.11", {"strong_typing": "opt_in", "unfused_debug_tensors": True,
                                    "context_memory": "device_memory_size_v2"}, id="a late 10"),
        pytest.param("11.4.0.106", {"strong_typing": "always", "calibrators": False, "layer_precisions": False,
                                    "explicit_batch_flag": False, "precision_flags": [],
                                    "tactic_sources": ["EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"]}, id="11"),
    ],
)  # fmt: skip
def test_features_are_those_of_the_version(
    request: pytest.FixtureRequest, version: str, expected: dict[str, Any]
) -> None:
    """What is probed agrees with what NVIDIA's release notes say of each version."""
    bindings = next(bindings for bindings in VERSIONS if bindings.version == version)
    if version not in ANSWERS:
        cache = request.config.cache.mkdir("tensorrt-bindings")
        printed = run_with(bindings, cache, Path(__file__).with_name("probe_bindings.py"), ROOT)
        ANSWERS[version] = json.loads(printed.splitlines()[-1])
    assert {name: ANSWERS[version]["features"][name] for name in expected} == expected


def test_the_names_are_read_from_the_source() -> None:
    """Module attributes, enumeration members, methods on objects and on what methods return are all found."""
    names = names_used(PACKAGE)
    assert names.keys() >= {
        "Builder",
        "ProfilingVerbosity.DETAILED",
        "IBuilderConfig.set_timing_cache",
        "IExecutionContext.execute_async_v3",
        "EngineInspector.get_engine_information",
    }


def test_every_guard_and_object_is_in_use() -> None:
    """A guard for a name that nothing touches, or an object that is not there, would hide a mistake in the tables."""
    names = names_used(PACKAGE)
    assert not GUARDS.keys() - names.keys()
    for module, objects in OBJECTS.items():
        source = (PACKAGE / module).read_text()
        assert all(variable in source for variable in objects), module
