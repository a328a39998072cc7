"""TensorRT as a runtime: the engine is a plan."""

from __future__ import annotations

import ctypes
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from harness.errors import BuildFailed, ConfigurationError
from harness.measurement.devices import present_gpus
from harness.runtimes.base import BuildIdentity, BuildOption, BuildResult, Inspection, Runtime, SoftwareVersions
from harness.runtimes.tensorrt import number_types, timing_cache
from harness.runtimes.tensorrt.library import import_tensorrt, too_new
from harness.runtimes.tensorrt.log import Log, as_text, count_kinds, make_logger, sort_warnings, summarised
from harness.runtimes.tensorrt.options import BUILD_OPTIONS, read_settings
from harness.runtimes.tensorrt.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np

    from harness.cases import Precision
    from harness.runtimes.base import BuildRequest
    from harness.runtimes.tensorrt.engine import TensorRTEngine
    from harness.runtimes.tensorrt.log import LogLine
    from harness.runtimes.tensorrt.options import BuildSettings


class TensorRTRuntime(Runtime):
    """The TensorRT that this interpreter has, on the GPU that CUDA calls the current one.

    Nothing is imported before it is asked for, so that a missing library or driver is an answer to a question and not
    the end of the worker.
    """

    name = "tensorrt"
    on_gpu = True
    slow_builds = True
    emulated = frozenset()
    build_options: ClassVar[Mapping[str, tuple[BuildOption, ...]]] = BUILD_OPTIONS

    def __init__(self) -> None:
        self._loaded_plugins: set[Path] = set()

    @functools.cached_property
    def tools(self) -> Tools:
        """TensorRT, CUDA and the log of this process.

        Raises:
            ConfigurationError: TensorRT or cuda-python is missing, broken or too old.
            TargetError: there is no driver or no GPU.
        """
        from harness.runtimes.tensorrt.cuda import Cuda
        from harness.runtimes.tensorrt.features import probe

        trt = import_tensorrt()
        features = probe(trt)
        cuda = Cuda.open()
        log = Log()
        logger = make_logger(trt, log)
        trt.init_libnvinfer_plugins(logger, "")  # the standard ones, which an old plan may name
        return Tools(trt=trt, features=features, cuda=cuda, log=log, logger=logger)

    def versions(self) -> SoftwareVersions:
        """Say which TensorRT this is, and which CUDA, driver and GPU architecture stand beside it."""
        return self._versions

    def unsupported(self, precision: Precision) -> str | None:
        """Say why this TensorRT cannot build ``precision``, or return None where it can."""
        return number_types.unsupported(precision, self.tools.features)

    def build_identity(self, request: BuildRequest) -> BuildIdentity:
        """Say what a plan depends on; see Runtime.build_identity.

        The driver is part of it, although older plans load under a newer one: it compiles kernels, and changes which
        ones are fastest. So is every release of Polygraphy, which fills in the settings that we leave open.
        """
        self.check_options(request.options)
        settings = read_settings(request.options, self.tools.features)
        device = self.tools.cuda.device()
        libraries = {name: value for name, value in self.versions().libraries.items() if name != "architecture"}
        return BuildIdentity(
            device=device.name,
            capability=device.capability,
            libraries=libraries,
            options=settings.identity(),
            plugins=settings.plugins,
        )

    def build(self, request: BuildRequest) -> BuildResult:
        """Build a plan, and leave TensorRT's log beside it; see Runtime.build."""
        from harness.runtimes.tensorrt.build import build_plan

        self.check_options(request.options)
        tools = self.tools
        settings = read_settings(request.options, tools.features)
        self._load_plugins(settings.plugins)
        self.versions()
        position = len(tools.log.lines)
        try:
            plan = build_plan(tools, request, settings, cache=self._timing_cache(settings))
        except BuildFailed as failure:
            raise BuildFailed(_with_warnings(str(failure), tools.log.since(position))) from None
        finally:
            lines = tools.log.since(position)
            beside(request.destination, "log").write_text("".join(f"{line.severity}: {line.text}\n" for line in lines))
        request.destination.write_bytes(memoryview(plan.content))
        _note_plugins(request.destination, settings.plugins)
        options = settings.in_force()
        if settings.timing_cache:
            options["timing_cache"] = "warm" if plan.cache_was_warm else "cold"
        newer = too_new(tools.features.version)
        said = sort_warnings(lines)
        return BuildResult(
            seconds=plan.seconds,
            bytes=request.destination.stat().st_size,
            options=options,
            warnings=(*((newer,) if newer else ()), *settings.ignored, *summarised(said)),
            warning_kinds=count_kinds(said),
            log=as_text(lines),
        )

    def adopt(self, request: BuildRequest) -> None:
        """Note beside the plan which plugins it needs, which load with it; whether it loads, ``inspect`` tells."""
        _note_plugins(request.destination, read_settings(request.options, self.tools.features).plugins)

    def inspect(self, engine: Path) -> Inspection:
        """List the layers of a plan with type and tactic of each."""
        from harness.runtimes.tensorrt.engine import deserialise
        from harness.runtimes.tensorrt.inspector import read_layers

        self._load_plugins(_plugins_of(engine))
        loaded = deserialise(self.tools, engine.read_bytes(), repr(engine.name))
        return Inspection(layers=read_layers(self.tools, loaded), provider=self.tools.cuda.device().name)

    def load(self, engine: Path) -> TensorRTEngine:
        """Load a plan, and the plugins that it was built with."""
        from harness.runtimes.tensorrt.engine import TensorRTEngine

        self._load_plugins(_plugins_of(engine))
        return TensorRTEngine(self.tools, engine)

    def run_layers(
        self, request: BuildRequest, inputs: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], Iterable[tuple[str, str, np.ndarray]]]:
        """Build the graph so that its inner tensors can be read, and run it; see Runtime.run_layers."""
        from harness.runtimes.tensorrt.layers import LayerReader

        self.check_options(request.options)
        settings = read_settings(request.options, self.tools.features)
        self._load_plugins(settings.plugins)
        reader = LayerReader(self.tools, request, settings, self._timing_cache(settings))
        finals, layers = reader.read(inputs)
        self.unreadable_layers = reader.unreadable
        return finals, layers

    def profile(self, engine: Path, inputs: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Return the milliseconds of each layer of a plan; see Runtime.profile."""
        from harness.runtimes.tensorrt.profiling import profile_layers

        loaded = self.load(engine)
        try:
            return profile_layers(self.tools.trt, loaded, inputs)
        finally:
            loaded.close()

    @functools.cached_property
    def _versions(self) -> SoftwareVersions:
        """Asked once, and before anything is built: a library that a build loads must not make another subject."""
        from importlib.metadata import version

        device, cuda = self.tools.cuda.device(), self.tools.cuda.versions()
        gpus = present_gpus()
        libraries = {
            "cuda": cuda["cuda"],
            "driver": gpus[0].driver if gpus else f"for CUDA {cuda['driver_cuda']}",
            "architecture": f"sm{device.capability.replace('.', '')}",
            "polygraphy": version("polygraphy"),
        }
        cudnn = _loaded_cudnn()
        if cudnn:
            libraries["cudnn"] = cudnn
        return SoftwareVersions(runtime=self.name, version=self.tools.features.version, libraries=libraries)

    def _timing_cache(self, settings: BuildSettings) -> Path | None:
        if settings.timing_cache is None:
            return None
        device, versions = self.tools.cuda.device(), self.versions()
        return timing_cache.cache_file(
            settings.timing_cache, device.name, device.capability, versions.version, versions.libraries
        )

    def _load_plugins(self, libraries: Sequence[Path]) -> None:
        new = [path for path in libraries if path not in self._loaded_plugins]
        for path in new:
            try:
                # Its creators register themselves with TensorRT's registry as it loads.
                ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
            except OSError as error:
                raise ConfigurationError(f"the plugin library {str(path)!r} does not load: {error}") from None
            self._loaded_plugins.add(path)
        if new:
            self.tools.trt.init_libnvinfer_plugins(self.tools.logger, "")


def beside(plan: Path, what: str) -> Path:
    """Return the file next to ``plan`` that holds its ``log`` or ``plugins``."""
    return plan.with_name(f"{plan.name}.{what}")


def _note_plugins(plan: Path, libraries: Sequence[Path]) -> None:
    if libraries:
        beside(plan, "plugins").write_text(json.dumps([str(path) for path in libraries]))


def _with_warnings(failure: str, lines: Sequence[LogLine]) -> str:
    """Return why a build failed with what else TensorRT warned of: the cause is often in there, e.g. lack of memory."""
    others = [warning for warning in sort_warnings(lines) if warning.text not in failure]
    return "\n".join([failure, *(f"  {text}" for text in summarised(others))])


def _plugins_of(plan: Path) -> tuple[Path, ...]:
    file = beside(plan, "plugins")
    return tuple(map(Path, json.loads(file.read_text()))) if file.exists() else ()


def _loaded_cudnn() -> str | None:
    """Return the version of the cuDNN that this process has loaded, e.g. ``8.9.7``, or None where it has none."""
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return None
    path = next((line.split()[-1] for line in maps.splitlines() if "/libcudnn.so" in line), None)
    if path is None:
        return None
    number = int(ctypes.CDLL(path).cudnnGetVersion())
    thousands = 10_000 if number >= 90_000 else 1_000  # 90100 is 9.1.0, and 8907 is 8.9.7
    return f"{number // thousands}.{number % thousands // 100}.{number % 100}"
