"""The far end of a worker: one runtime, asked by JSON lines."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cases import Calibration, Point, Precision, Profile, Tolerance, specs_from_json, task_from_json
from harness.cases.feed import feed_from_json
from harness.errors import RunFailed
from harness.runtimes.named import runtime_named
from harness.workers import protocol
from harness.workers.tensors import has_tensors, load_tensors, save_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.runtimes.base import Engine, Runtime

_PR_SET_PDEATHSIG = 1


class Server:
    """The methods that a client may call: plain data in, a dict of plain data out, empty where there is no answer."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def versions(self) -> dict[str, Any]:
        """Say which software is hosted here."""
        versions = self._runtime.versions()
        return {
            "runtime": versions.runtime,
            "version": versions.version,
            "libraries": dict(versions.libraries),
            "emulated": sorted(self._runtime.emulated),
            "slow_builds": self._runtime.slow_builds,
            "python": sys.version.split()[0],
        }

    def unsupported(self, precision: dict[str, Any]) -> dict[str, str | None]:
        """Say as ``reason`` why a precision cannot run here, or None."""
        return {"reason": self._runtime.unsupported(Precision.from_json(precision))}

    def prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make the graph of a precision; see harness.graphs.prepare."""
        from harness.graphs.prepare import PrepareRequest, prepare

        return prepare(PrepareRequest.from_json(request)).to_json()

    def reference(self, request: dict[str, Any], folders: dict[str, str], layers_at: str | None) -> dict[str, Any]:
        """Compute inputs, outputs and layers of an FP32 graph, and leave them under a folder for each point.

        Args:
            request: graph, inputs, feeds and points.
            folders: where each point's tensors go, by its label; ``inputs``, ``outputs`` and ``layers`` are made there.
            layers_at: label of the point at which the layers are kept too.
        """
        from harness.workers.reference import compute_reference

        compute_reference(self._runtime, request, {k: Path(v) for k, v in folders.items()}, layers_at)
        return {}

    def reference_inputs(self, request: dict[str, Any], folders: dict[str, str]) -> dict[str, Any]:
        """Leave the inputs of a reference under a folder for each point."""
        from harness.workers.reference import make_point_inputs

        make_point_inputs(request, {label: Path(folder) for label, folder in folders.items()})
        return {}

    def agreement(self, actual: str, expected: str) -> dict[str, Any]:
        """Hold one computation of the FP32 graph against another; see harness.workers.reference."""
        from harness.workers.reference import compare_references

        return compare_references(Path(actual), Path(expected))

    def witnesses(self, request: dict[str, Any], folders: dict[str, str]) -> dict[str, Any]:
        """Let others compute an FP32 graph, and hold what they make of it against its reference.

        Args:
            request: see ``harness.workers.witnesses.hear_witnesses``.
            folders: where each point's reference is, by its label.
        """
        from harness.workers.witnesses import hear_witnesses

        return hear_witnesses(request, {k: Path(v) for k, v in folders.items()}, self._runtime.versions())

    def calibration_set(self, request: dict[str, Any], destination: str) -> dict[str, Any]:
        """Leave the samples that a builder calibrates with as tensors under ``destination``, unless they are there.

        Returns:
            ``samples``: a folder for each; ``hash``: SHA-256 over what is in them.
        """
        from harness.graphs.calibration import calibration_samples, hash_samples

        home = Path(destination)
        if not home.is_dir():
            samples = calibration_samples(
                Calibration(**request["calibration"]),
                specs_from_json(request["inputs"]),
                {name: feed_from_json(feed) for name, feed in request["feeds"].items()},
                Point.of(request["point"]),
                request["batch_axis"],
            )
            unfinished = home.with_name(f".{home.name}.{os.getpid()}")
            for index, sample in enumerate(samples):
                save_tensors(unfinished / f"{index:05d}", sample)
            unfinished.rename(home)
        folders = sorted(folder for folder in home.iterdir() if has_tensors(folder))
        return {"samples": list(map(str, folders)), "hash": hash_samples(map(load_tensors, folders))}

    def prepare_operator(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make the graph of an operator case in a precision; say as ``reason`` why it cannot be made, or nothing."""
        from harness.operators.recipes import prepare_operator

        paths = {name: Path(request[name]) for name in ("graph", "tensors", "destination", "nearby")}
        return {"reason": prepare_operator(precision=Precision.from_json(request["precision"]), **paths)}

    def operator(self, request: dict[str, Any]) -> dict[str, Any]:
        """Build, run and judge one operator case; see harness.workers.operators."""
        from harness.workers.operators import run_operator

        return run_operator(self._runtime, request)

    def build_identity(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say what an engine of ``request`` depends on beside its graph."""
        identity = self._runtime.build_identity(_build_request(request, calibrated=False))
        return {
            "device": identity.device,
            "capability": identity.capability,
            "libraries": dict(identity.libraries),
            "options": dict(identity.options),
            "plugins": list(map(str, identity.plugins)),
        }

    def build(self, request: dict[str, Any]) -> dict[str, Any]:
        """Build an engine and look into it."""
        result = self._runtime.build(_build_request(request))
        return {
            "seconds": result.seconds,
            "bytes": result.bytes,
            "options": dict(result.options),
            "warnings": list(result.warnings),
            "warning_kinds": dict(result.warning_kinds),
            "log": result.log,
            **self._inspected(request),
        }

    def adopt(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make an engine that was built before as good as one that ``build`` left, and look into it."""
        self._runtime.adopt(_build_request(request, calibrated=False))
        return self._inspected(request)

    def _inspected(self, request: dict[str, Any]) -> dict[str, Any]:
        inspection = self._runtime.inspect(Path(request["destination"]))
        return {
            "fingerprint": inspection.fingerprint,
            "type_shares": inspection.type_shares,
            "layers": len(inspection.layers),
            "layer_list": [asdict(layer) for layer in inspection.layers],
            "computing": [(layer.name, layer.compute_type) for layer in inspection.layers if layer.compute_type],
            "provider": inspection.provider,
        }

    def cost(self, graph: str, fp32_graph: str, points: dict[str, dict[str, int]]) -> dict[str, Any]:
        """Count the weights of a graph, and what one run of its model takes at each point."""
        from harness.workers.costing import costs

        return costs(Path(graph), Path(fp32_graph), {label: Point.of(sizes) for label, sizes in points.items()})

    def compare_outputs(self, engine: str, folders: dict[str, str], tolerances: list[dict[str, Any]]) -> dict[str, Any]:
        """Run an engine at every point and hold its outputs against the reference there."""
        from harness.workers.comparing import compare_outputs

        with self._loaded(engine) as loaded:
            return compare_outputs(loaded, {k: Path(v) for k, v in folders.items()}, _tolerances(tolerances))

    def compare_layers(
        self,
        request: dict[str, Any],
        engine: str,
        folder: str,
        tolerances: list[dict[str, Any]],
        rows_along: str | None = None,
    ) -> dict[str, Any]:
        """Run a graph with its inner tensors exposed and hold each against the reference."""
        from harness.workers.comparing import compare_layers

        with self._loaded(engine) as loaded:
            return compare_layers(
                self._runtime,
                loaded,
                _build_request(request),
                Path(folder),
                _tolerances(tolerances),
                rows_along=rows_along,
            )

    def analyse_layers(self, request: dict[str, Any]) -> dict[str, Any]:
        """Tell where the errors come from that ``compare_layers`` found; see harness.workers.analysing."""
        from harness.workers.analysing import analyse_layers

        return analyse_layers(request)

    def check_invariances(self, engine: str, request: dict[str, Any], checks: dict[str, Any]) -> dict[str, Any]:
        """Run an engine in ways that must not change its answer; see harness.workers.invariances.InvarianceChecks."""
        from harness.workers.invariances import InvarianceChecks

        with self._loaded(engine) as loaded:
            return InvarianceChecks(loaded, request).run(checks)

    def unusual_outputs(self, graph: str, request: dict[str, Any], folders: dict[str, str]) -> dict[str, Any]:
        """Leave what a graph makes of each kind of unusual input under the folder of that kind."""
        from harness.graphs.rounding import rounded_copy
        from harness.workers.invariances import unusual_outputs

        if not all(has_tensors(Path(folder)) for folder in folders.values()):
            with rounded_copy(Path(graph)) as path, self._loaded(str(path)) as loaded:
                unusual_outputs(loaded, request, folders)
        return {}

    def labelled_set(self, source: str, destination: str) -> dict[str, Any]:
        """Read a labelled set and leave it as tensors under ``destination``, unless it is there."""
        from harness.workers.tasks import read_labelled_set

        if not has_tensors(Path(destination)):
            save_tensors(Path(destination), read_labelled_set(source))
        return {}

    def scores(self, engine: str, samples: str, task: dict[str, Any], destination: str) -> dict[str, Any]:
        """Run a labelled set through an engine and leave as ``scores`` what the task judges under ``destination``."""
        from harness.workers.tasks import run_task

        with self._loaded(engine) as loaded:
            scores = run_task(loaded, load_tensors(Path(samples)), task_from_json(task))
        save_tensors(Path(destination), {"scores": scores})
        return {}

    def measure(self, engine: str, folders: dict[str, str], plan: dict[str, Any]) -> dict[str, Any]:
        """Load an engine in this process and time it at every point."""
        from harness.workers.measuring import measure

        return measure(self._runtime, Path(engine), {k: Path(v) for k, v in folders.items()}, plan)

    def profile(self, engine: str, folder: str) -> dict[str, Any]:
        """Time the layers of an engine on the inputs of one point, in runs of their own."""
        from harness.workers.profiling import profile

        return profile(self._runtime, Path(engine), Path(folder))

    @contextlib.contextmanager
    def _loaded(self, engine: str) -> Iterator[Engine]:
        loaded = self._runtime.load(Path(engine))
        try:
            yield loaded
        finally:
            loaded.close()


def _build_request(data: Mapping[str, Any], *, calibrated: bool = True) -> Any:
    from harness.runtimes.base import BuildRequest

    return BuildRequest(
        graph=Path(data["graph"]),
        precision=Precision.from_json(data["precision"]),
        profile=Profile.from_json(data["profile"]),
        inputs=specs_from_json(data["inputs"]),
        destination=Path(data["destination"]),
        options=data["options"],
        calibration=[load_tensors(Path(folder)) for folder in data.get("calibration", ()) if calibrated],
    )


def _tolerances(data: list[dict[str, Any]]) -> list[Tolerance]:
    return [Tolerance(**entry) for entry in data]


def serve(server: Server) -> None:
    """Answer requests from standard input on standard output until the input ends.

    Whatever native libraries print goes to the log: the pipe is moved away from file descriptor 1 first.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        request = protocol.decode(line)
        answer: dict[str, Any] = {"id": request["id"]}
        try:
            method = getattr(server, request["method"], None)
            if method is None or request["method"].startswith("_"):
                raise RunFailed(f"a worker has no method {request['method']!r}")  # noqa: TRY301 - answered like any
            answer["result"] = method(**request["params"])
        except Exception as error:  # noqa: BLE001 - whatever it was, the client must hear of it
            answer["error"] = protocol.describe_error(error)
        answers.write(protocol.encode(answer))
        answers.flush()


def main() -> None:
    """Run one worker: ``python -m harness.workers --runtime NAME``."""
    parser = argparse.ArgumentParser(prog="python -m harness.workers", description=__doc__)
    parser.add_argument("--runtime", required=True)
    arguments = parser.parse_args()
    faulthandler.enable()  # a segmentation fault leaves its Python stack in the log
    if sys.platform == "linux":
        # A session that is killed outright cannot end its workers, so the kernel does.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    serve(Server(runtime_named(arguments.runtime)()))
