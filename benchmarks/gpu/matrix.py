"""Models × precisions × TensorRT versions in one go, model by model, within a time that is given.

    python benchmarks/gpu/matrix.py --output FILE --gpu h200 --db FILE --cache DIR --subject trt86=PYTHON …

Runs ``pytest suites/`` for one model after the other, so that what is done is stored when time runs out: a session that
reaches its own deadline is interrupted as by Ctrl-C. After each the file is rewritten with a summary of every case that
the history has. Called again with the same history it leaves out the models that are done and resumes the one that was
interrupted; ``--restore-timing`` brings back the timing caches that ``--keep-timing`` packed on a machine that is gone.
Ends with 0 where all models were run, 1 where time did not suffice for all of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The GPU host has the checkout, but no installation of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.gpu.commands import run_until
from benchmarks.gpu.files import without_folders, write_json
from benchmarks.gpu.stored import sessions_of, trials_since
from benchmarks.gpu.summaries import coverage, line_of, newest_of_each_case, summary_of
from benchmarks.gpu.timings import pack_timings, unpack_timings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.rows import SessionRow

MODELS = "digits,squeezenet,encoder,lstm,detector,resnet50"
_ALL_TIME = datetime(1970, 1, 1, tzinfo=timezone.utc)
# A step that has less than this would end before its first engine is built.
_SHORTEST_STEP = 45.0
# What is left for an interrupted session to end in, and for writing.
_RESERVE = 40.0


def main() -> int:
    """Run the models that are not done yet, as far as time reaches."""
    arguments = parsed()
    cache = Path(arguments.cache)
    end = time.monotonic() + arguments.seconds
    if arguments.restore_timing and arguments.restore_timing.exists():
        print(unpack_timings(arguments.restore_timing, cache), flush=True)
    steps: list[dict[str, Any]] = []
    for model in arguments.models.split(","):
        steps.append(run_model(model, arguments, end))
        print(f"{model}: {steps[-1]}", flush=True)
        summaries = [summary_of(trial) for trial in newest_of_each_case(trials_since(arguments.db, _ALL_TIME))]
        for summary in summaries:
            if summary["case"].startswith(f"{model}-"):
                print(f"  {line_of(summary)}", flush=True)
        command = without_folders([sys.executable, *sys.argv])
        write_json(arguments.output, {"command": command, "steps": steps, **coverage(summaries), "cases": summaries})
        if arguments.keep_timing:
            print(f"  {pack_timings(cache, arguments.keep_timing)}", flush=True)
    return 0 if all(step["ended"] in ("finished", "done before") for step in steps) else 1


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--output", type=Path, required=True)
    add("--gpu", default="auto")
    add("--subject", action="append", default=[], dest="subjects", metavar="NAME=PYTHON")
    add("--db", required=True)
    add("--cache", required=True)
    add("--models", default=MODELS)
    add("--precisions", default="fp32,fp16,int8")
    add("--build-option", action="append", default=[], dest="build_options", metavar="NAME=VALUE")
    add(
        "--pytest-option", action="append", default=[], dest="pytest_options", help="one more option of pytest, e.g. -q"
    )
    add("--seconds", type=float, default=560.0, help="time for everything")
    add("--step-seconds", type=float, default=400.0, help="time for one model at most")
    add("--log", type=Path, help="where pytest's own output goes")
    add("--keep-timing", type=Path, metavar="DIR", help="folder that timing.tar goes to after each model")
    add("--restore-timing", type=Path, metavar="FILE", help="timing.tar of an earlier call, if it is there")
    return parser.parse_args()


def run_model(model: str, arguments: argparse.Namespace, end: float) -> dict[str, Any]:
    """Run one model's session, or what is left of it, and say how it ended.

    Returns:
        ``model``; ``ended``: ``done before``, ``not begun``, ``finished``, ``interrupted`` or ``broken off``; and where
        it was run, ``exit_code``, ``seconds`` and, of an interrupted one, ``resumed``.
    """
    before = last_session(sessions_of(arguments.db), model, arguments)
    if before and before.status == "finished":
        return {"model": model, "ended": "done before"}
    left = end - time.monotonic() - _RESERVE
    if left < _SHORTEST_STEP:
        return {"model": model, "ended": "not begun"}
    ended = run_until(
        command_of(model, arguments, before.record.id if before else ""),
        min(left, arguments.step_seconds),
        log=arguments.log,
        grace=_RESERVE - 10,
    )
    after = last_session(sessions_of(arguments.db), model, arguments)
    status = after.status if after else "broken off"
    return {
        "model": model,
        "ended": "broken off" if status == "running" else status,
        "exit_code": ended.exit_code,
        "seconds": ended.seconds,
        "resumed": before.record.id if before else None,
    }


def command_of(model: str, arguments: argparse.Namespace, resume: str) -> list[str]:
    """Return the command line of one model's session."""
    chosen = [
        ("--gpu", arguments.gpu), ("--models", model), ("--precisions", arguments.precisions), ("--db", arguments.db),
        ("--cache", arguments.cache), *(("--subject", subject) for subject in arguments.subjects),
        *(("--build-option", option) for option in arguments.build_options),
    ]  # fmt: skip
    options = [word for pair in chosen for word in pair]
    return [
        sys.executable, "-m", "pytest", "suites/", *options, *(["--resume", resume] if resume else []),
        *arguments.pytest_options,
    ]  # fmt: skip


def last_session(sessions: Sequence[SessionRow], model: str, arguments: argparse.Namespace) -> SessionRow | None:
    """Return the newest of ``sessions`` (oldest first) that did what a session of ``model`` would do now."""
    wanted = {
        "models": [model],
        "precisions": arguments.precisions.split(","),
        "subjects": list(arguments.subjects),
        "build_options": list(arguments.build_options),
        "gpu": arguments.gpu,
    }
    for session in reversed(sessions):
        settings = session.record.settings
        if all(_plain(settings.get(name)) == value for name, value in wanted.items()):
            return session
    return None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    sys.exit(main())
