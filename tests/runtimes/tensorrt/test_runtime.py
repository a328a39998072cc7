from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.cases import Precision, Profile
from harness.errors import BuildFailed, ConfigurationError, RunFailed
from harness.runtimes.base import BuildRequest
from harness.runtimes.named import runtime_named
from harness.runtimes.tensorrt import build as build_module
from harness.runtimes.tensorrt.build import Plan
from harness.runtimes.tensorrt.engine import TensorRTEngine
from harness.runtimes.tensorrt.runtime import TensorRTRuntime, beside
from harness.workers.subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

    from harness.runtimes.tensorrt.tools import Tools


@pytest.fixture
def runtime(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> TensorRTRuntime:
    """Lend a runtime with fake tools, whose every build logs a warning and makes the plan ``b"good"``."""

    def build_plan(tools: Tools, _request: object, _settings: object, **_: object) -> Plan:
        tools.log.add("WARNING", "Layer 'loop' falls back to FP32")
        return Plan(content=b"good", seconds=1.5, cache_was_warm=True, layers_constrained=0)

    monkeypatch.setattr(build_module, "build_plan", build_plan)
    runtime = TensorRTRuntime()
    runtime.__dict__["tools"] = tools
    return runtime


def request(folder: Path, **options: Any) -> BuildRequest:
    """Return a request with ``options``."""
    return BuildRequest(
        graph=folder / "graph.onnx",
        precision=Precision("fp32"),
        profile=Profile(),
        inputs=(),
        destination=folder / "case.engine",
        options=options,
    )


def test_a_worker_can_host_it_without_having_it() -> None:
    """The runtime is made without TensorRT; asked for anything, it says that there is none."""
    assert Subject("trt", runtime="tensorrt").runtime == "tensorrt"
    hosted = runtime_named("tensorrt")()
    assert hosted.name == "tensorrt"
    assert hosted.emulated == frozenset()
    with pytest.raises(ConfigurationError, match="TensorRT is not installed for"):
        hosted.versions()


def test_a_build_leaves_plan_log_and_warnings(runtime: TensorRTRuntime, tmp_path: Path) -> None:
    """The plan is written where it was asked for, the log beside it, and warnings come back sorted."""
    result = runtime.build(request(tmp_path, timing_cache=str(tmp_path), workspace_mib=64))
    assert (tmp_path / "case.engine").read_bytes() == b"good"
    assert beside(tmp_path / "case.engine", "log").read_text() == "WARNING: Layer 'loop' falls back to FP32\n"
    assert result.warnings == ("fallback: Layer 'loop' falls back to FP32",)
    assert result.warning_kinds == {"fallback": 1}
    assert result.log == "WARNING: Layer 'loop' falls back to FP32\n"
    assert (result.seconds, result.bytes) == (1.5, 4)
    assert result.options["timing_cache"] == "warm"
    assert result.options["workspace_mib"] == 64


def test_a_failed_build_leaves_its_log(
    runtime: TensorRTRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no plan, but what TensorRT said of it is kept, and its warnings are part of the failure."""

    def fail(tools: Tools, *_: object, **__: object) -> None:
        tools.log.add("WARNING", "Tactic Device request: 4610MB Available: 3072MB.")
        tools.log.add("INFO", "trying on")
        tools.log.add("ERROR", "no tactic")
        raise BuildFailed("no engine: no tactic")

    monkeypatch.setattr(build_module, "build_plan", fail)
    with pytest.raises(BuildFailed) as caught:
        runtime.build(request(tmp_path))
    assert str(caught.value) == (
        "no engine: no tactic\n  tactic skipped for lack of memory: Tactic Device request: 4610MB Available: 3072MB."
    )
    assert not (tmp_path / "case.engine").exists()
    assert beside(tmp_path / "case.engine", "log").read_text().endswith("INFO: trying on\nERROR: no tactic\n")


def test_an_unknown_option_suggests_the_nearest(runtime: TensorRTRuntime, tmp_path: Path) -> None:
    """A misspelt option does not build something else."""
    with pytest.raises(ConfigurationError, match="Did you mean 'optimization_level'"):
        runtime.build(request(tmp_path, optimisation_level=1))


def test_plugins_are_loaded_for_the_build_and_again_with_the_plan(
    runtime: TensorRTRuntime, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan remembers the libraries that it needs, since another process loads it; each is loaded once a process."""
    plugin = tmp_path / "plugin.so"
    plugin.touch()
    loaded: list[str] = []
    monkeypatch.setattr("ctypes.CDLL", lambda path, **_: loaded.append(path))
    tools.trt.init_libnvinfer_plugins = lambda *_: True
    result = runtime.build(request(tmp_path, plugins=f"{plugin}{os.pathsep}"))
    assert result.options["plugins"] == "plugin.so"
    runtime.load(tmp_path / "case.engine")
    assert loaded == [str(plugin)]
    another = TensorRTRuntime()
    another.__dict__["tools"] = tools
    another.load(tmp_path / "case.engine")
    assert loaded == [str(plugin)] * 2


def test_a_plan_of_an_earlier_session_gets_its_plugins_back(
    runtime: TensorRTRuntime, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was copied out of a store loads its libraries from where they are now."""
    plugin = tmp_path / "plugin.so"
    plugin.touch()
    loaded: list[str] = []
    monkeypatch.setattr("ctypes.CDLL", lambda path, **_: loaded.append(path))
    tools.trt.init_libnvinfer_plugins = lambda *_: True
    (tmp_path / "case.engine").write_bytes(b"good")
    runtime.adopt(request(tmp_path, plugins=str(plugin)))
    runtime.load(tmp_path / "case.engine")
    assert loaded == [str(plugin)]


def test_a_plan_depends_on_what_changes_a_build(runtime: TensorRTRuntime, tmp_path: Path) -> None:
    """GPU, driver, CUDA, Polygraphy and the options in force, but neither where timings lie nor what is not there."""
    plugin = tmp_path / "plugin.so"
    plugin.touch()
    given = {"optimization_level": 2, "timing_cache": str(tmp_path), "plugins": str(plugin), "calibrator": "minmax"}
    identity = runtime.build_identity(request(tmp_path, **given))
    assert (identity.device, identity.capability) == ("NVIDIA Test", "9.0")
    assert identity.libraries.keys() == {"cuda", "driver", "polygraphy"}
    assert identity.plugins == (plugin,)
    assert identity.options == {
        "workspace_mib": 4096,
        "tactic_sources": "EDGE_MASK_CONVOLUTIONS,JIT_CONVOLUTIONS",
        "optimization_level": 2,
        "calibrator": "minmax",
        "precision_constraints": "prefer",
    }
    plain = runtime.build_identity(request(tmp_path))
    assert plain == runtime.build_identity(request(tmp_path, workspace_mib=4096, sparse=False))
    assert "optimization_level" not in plain.options
    shaped = runtime.build_identity(request(tmp_path, shape_values="size=1,8/4,8/16,8"))
    assert shaped.options["shape_values"] == '{"size": [[1, 8], [4, 8], [16, 8]]}'


def test_a_plan_is_profiled_and_closed(
    runtime: TensorRTRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers are timed in an engine that is loaded for it, and given back whatever comes of it."""
    closed: list[str] = []
    monkeypatch.setattr(TensorRTEngine, "close", lambda engine: closed.append(repr(engine)))
    (tmp_path / "case.engine").write_bytes(b"good")
    times = runtime.profile(tmp_path / "case.engine", {"x": np.ones((2, 3), np.float32)})
    assert times == {"double": 0.5}
    with pytest.raises(RunFailed):
        runtime.profile(tmp_path / "case.engine", {})
    assert len(closed) == 2


def test_a_plugin_that_does_not_load_is_named(runtime: TensorRTRuntime, tools: Tools, tmp_path: Path) -> None:
    """A file that is no library is one clear error."""
    tools.trt.init_libnvinfer_plugins = lambda *_: True
    plugin = tmp_path / "plugin.so"
    plugin.write_text("no library")
    with pytest.raises(ConfigurationError, match=r"plugin library '.*plugin\.so' does not load"):
        runtime.build(request(tmp_path, plugins=str(plugin)))


def test_versions_name_all_that_makes_a_subject(runtime: TensorRTRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorRT, CUDA, driver, architecture and Polygraphy; asked twice, the answer is the same."""
    drivers = iter(["580.1", "580.2"])
    monkeypatch.setattr(
        "harness.runtimes.tensorrt.runtime.present_gpus", lambda: (SimpleNamespace(driver=next(drivers)),)
    )
    versions = runtime.versions()
    assert (versions.runtime, versions.version) == ("tensorrt", "8.6.0")
    assert versions.libraries.keys() == {"cuda", "driver", "architecture", "polygraphy"}
    assert versions.libraries["driver"] == "580.1"
    assert versions.libraries["architecture"] == "sm90"
    assert runtime.versions() == versions


def test_what_cannot_be_built_has_its_reason(runtime: TensorRTRuntime) -> None:
    """TensorRT 8 has no bfloat16."""
    assert runtime.unsupported(Precision("bf16")) == "TensorRT 8.6.0 has no bfloat16"
    assert runtime.unsupported(Precision("int8")) is None
