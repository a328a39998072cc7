"""Measures verdicts on simulated runs, and writes false alarms, power and cost of each method.

Run it from the checkout: ``python -m benchmarks.detection``. Each figure states the noise that it was measured under,
its standard error from the finite number of simulations, and where the project promises something, the goal.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from benchmarks.detection import block_rates, change_rates, gate_rates, suite_rates
from benchmarks.detection.figures import Figure, markdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESULT = Path(__file__).parents[1] / "results" / "detection.json"


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many simulations: of what is promised, of what is only worth knowing, of what rivals say, of whole suites."""

    promised: int
    others: int
    rivals: int
    suites: int


FULL = Size(promised=20_000, others=10_000, rivals=2000, suites=20)
QUICK = Size(promised=600, others=200, rivals=50, suites=2)


def measure(size: Size, otava_python: str) -> Iterator[Figure]:
    """Measure everything, the gate's figures first."""
    for setting in gate_rates.PROMISED:
        yield from gate_rates.measure(
            setting, series=size.promised, rival_series=size.rivals, otava_python=otava_python
        )
    yield from suite_rates.measure_suite(repetitions=size.suites)
    yield from suite_rates.measure_constants(values=size.rivals)
    yield from block_rates.measure(pairs=size.others)
    yield from change_rates.measure(histories=size.others, rival_histories=size.rivals // 2, otava_python=otava_python)
    for setting in gate_rates.HARDER:
        yield from gate_rates.measure(setting, series=size.others, rival_series=size.rivals)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 1 if a goal was missed in full size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="try everything on few runs, and write no result")
    parser.add_argument("--otava", default="", metavar="PYTHON", help="an interpreter that has apache-otava")
    parser.add_argument("--results", type=Path, default=RESULT, help="where to write (default: %(default)s)")
    given = parser.parse_args(arguments)
    start = time.perf_counter()
    figures = list(measure(QUICK if given.quick else FULL, given.otava))
    seconds = time.perf_counter() - start
    print(markdown(figures))
    missed = [figure for figure in figures if figure.reached is False]
    print(f"\n{len(figures)} figures in {seconds:.0f} s; {len(missed)} goals missed; " + _otava(given.otava))
    if given.quick:
        return 0
    given.results.write_text(json.dumps(_document(figures, seconds, given.otava), indent=1, ensure_ascii=False) + "\n")
    return 1 if missed else 0


def _document(figures: list[Figure], seconds: float, otava_python: str) -> dict[str, Any]:
    return {
        "figures": [figure.to_json() for figure in figures],
        "reached": all(figure.reached is not False for figure in figures),
        "otava": _otava(otava_python),
        "seconds": round(seconds),
        "machine": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "system": platform.system(),
            "cores": os.cpu_count(),
        },
    }


def _otava(python: str) -> str:
    return "Otava 0.8.0 ran beside" if python else "Otava not installed"


if __name__ == "__main__":
    raise SystemExit(main())
