"""How much of a session the GPU rests: its utilisation, read in a process beside the session's own.

    python benchmarks/gpu/idle.py --output FILE [--db FILE] -- python -m pytest suites/ --gpu h200 --models squeezenet

Starts what follows ``--`` and reads NVML's utilisation every 0.2 s until it ends. NVML gives the share of its own last
sampling period (a sixth of a second to a second, as the GPU has it) in which a kernel ran, so a reading of 0 says that
none ran in all of that time. Where ``--db`` names the session's history, the seconds of its trials by phase stand
beside it. Ends with the command's exit code, or with 2 where no GPU can be watched.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

# The GPU host has the checkout, but no installation of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.gpu.commands import run_until
from benchmarks.gpu.files import without_folders, write_json
from benchmarks.gpu.stored import seconds_by_phase, trials_since
from harness.errors import ConfigurationError, TargetError, UsageError
from harness.measurement.telemetry import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.measurement.telemetry import GpuReading


@dataclass(frozen=True, kw_only=True)
class IdleShare:
    """How a GPU was used over a number of readings.

    Attributes:
        readings: how many there were.
        seconds: from the first to the last.
        idle: share of the readings with a utilisation of 0.
        utilisation: mean share of the time in which a kernel ran.
        longest_rest_seconds: the longest time from one reading of 0 to the last one in an unbroken row of them.
    """

    readings: int
    seconds: float
    idle: float
    utilisation: float
    longest_rest_seconds: float


def idle_share(readings: Sequence[tuple[float, float]]) -> IdleShare:
    """Sum up readings of the utilisation.

    Args:
        readings: seconds and share (0 to 1), in their order; one at least.

    Raises:
        ConfigurationError: there is none.
    """
    if not readings:
        raise ConfigurationError("the command ended before the GPU was read once; read more often, by --every")
    longest, rest_began = 0.0, None
    for at, share in readings:
        rest_began = None if share else (at if rest_began is None else rest_began)
        longest = max(longest, at - rest_began) if rest_began is not None else longest
    shares = [share for _, share in readings]
    return IdleShare(
        readings=len(readings),
        seconds=readings[-1][0] - readings[0][0],
        idle=shares.count(0) / len(shares),
        utilisation=sum(shares) / len(shares),
        longest_rest_seconds=longest,
    )


def main() -> int:
    """Watch the GPU while a command runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between two readings")
    parser.add_argument("--db", help="history of the session, for its seconds by phase")
    parser.add_argument("--seconds", type=float, default=540.0, help="after so long the command is interrupted")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    arguments = parser.parse_args()
    try:
        check_watchable(read())
        began = datetime.now(timezone.utc)
        readings: list[tuple[float, float]] = []
        ended = run_until(
            arguments.command, arguments.seconds, every=arguments.every, meanwhile=lambda at: note(readings, at, read())
        )
        found = idle_share(readings)
        trials = trials_since(arguments.db, began) if arguments.db else []
    except UsageError as error:
        print(error)
        return 2
    results = {
        "command": without_folders(arguments.command),
        "exit_code": ended.exit_code,
        "interrupted": ended.interrupted,
        "session_seconds": ended.seconds,
        "every": arguments.every,
        **asdict(found),
        "trials": len(trials),
        "seconds_by_phase": seconds_by_phase(trials),
        "columns": ["seconds", "utilisation"],
        "series": readings,
    }
    write_json(arguments.output, results)
    print(
        f"idle in {found.idle:.1%} of {found.readings} readings over {found.seconds:.0f} s; a kernel ran for "
        f"{found.utilisation:.1%} of the time; longest rest {found.longest_rest_seconds:.1f} s"
    )
    print(f"seconds by phase: {results['seconds_by_phase']}")
    return ended.exit_code


def note(readings: list[tuple[float, float]], at: float, reading: GpuReading) -> None:
    """Append the utilisation ``at`` a time (seconds), where the GPU told it."""
    if reading.utilisation is not None:
        readings.append((round(at, 3), reading.utilisation))


def check_watchable(reading: GpuReading) -> None:
    """Raise TargetError unless the GPU tells its utilisation."""
    if reading.absent or reading.utilisation is None:
        why = reading.absent or "this GPU does not tell its utilisation"
        raise TargetError(f"no GPU can be watched here: {why}. Run it where nvidia-smi shows a GPU.")


if __name__ == "__main__":
    sys.exit(main())
