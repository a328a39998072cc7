"""Measure what each method of INT8 calibration makes of the catalogue's models: error, score, share clipped, seconds.

    python benchmarks/calibration_methods.py

The models have seeded weights and invented inputs, except for the digits, which are real and trained. What invented
weights say of a method holds for distributions without outliers; a network whose activations have them is imitated by
shufflenet with uneven channels (see sensitivity_remedy.py). How many samples are calibrated with decides where MinMax
ends, so each model is measured with three numbers of them, except for the digits, whose samples are given. The result
goes to benchmarks/results/calibration_methods.json.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

_ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_ROOT), str(_ROOT / "benchmarks")]  # the suites need not be installed

from sensitivity_remedy import with_uneven_channels  # noqa: E402 - found by the line above

from harness.cases import INT8, Calibration, Model, Profile  # noqa: E402 - the same
from harness.sensitivity.calibrations import COMPARED, compare_methods  # noqa: E402 - the same
from suites.catalogue import CATALOGUE  # noqa: E402 - the same
from suites.zoo.light import shufflenet  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESULT = _ROOT / "benchmarks" / "results" / "calibration_methods.json"
_MODELS = ("squeezenet", "shufflenet", "resnet50", "densenet121", "encoder", "detector", "digits")
_SAMPLES = (8, 16, 32)


def models(folder: Path) -> Iterator[Model]:
    """Yield the models, and last the shufflenet with uneven channels, whose file goes to ``folder``."""
    known = {model.name: model for model in CATALOGUE}
    for name in _MODELS:
        yield from _with_samples(known[name])
    file = folder / "shufflenet_uneven.onnx"
    onnx.save(with_uneven_channels(shufflenet(), convolutions=4, deviation=1.0), file)
    yield from _with_samples(Model.from_onnx(file, profiles=[Profile({"batch": (1, 4, 8)})]))


def _with_samples(model: Model) -> Iterator[Model]:
    if model.calibration.source is not None:
        yield model
        return
    for count in _SAMPLES:
        yield replace(model, calibration=Calibration(samples=count))


def measure(model: Model, cache: Path) -> dict[str, Any]:
    """Return the result of one model with one calibration set."""
    started = time.perf_counter()
    results = compare_methods(model, INT8, COMPARED, cache)
    baseline = results[0]
    best = max(results, key=lambda result: result.sqnr_db)
    return {
        "model": model.name,
        "samples": model.calibration.samples,
        "methods": {
            result.method: {
                "cosine": round(result.cosine, 5),
                "sqnr_db": round(result.sqnr_db, 2),
                **{name: round(value, 4) for name, value in result.metrics.items()},
                "share_clipped": float(f"{result.clipped:.3g}"),
                "smallest_threshold_of_range": round(min(clip.threshold / clip.range for clip in result.clips), 3),
            }
            for result in results
        },
        "best": best.method,
        "gain_over_minmax_db": round(best.sqnr_db - baseline.sqnr_db, 2),
        "activations": len(baseline.clips),
        "seconds": round(time.perf_counter() - started, 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Measure every model and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(model, Path(folder)) for model in models(Path(folder))]
        ahead = Counter(row["best"] for row in rows)
    _RESULT.write_text(json.dumps({"smallest_error": dict(ahead), "models": rows}, indent=2) + "\n")
    for row in rows:
        methods = ", ".join(f"{name} {found['sqnr_db']}" for name, found in row["methods"].items())
        sys.stdout.write(f"{row['model']}, {row['samples']} samples: {methods} dB; {row['seconds']} s\n")


if __name__ == "__main__":
    main()
