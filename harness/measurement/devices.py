"""GPUs that are present, whether or not anything here can use them."""

from __future__ import annotations

import shutil
import subprocess


def present_gpus() -> tuple[str, ...]:
    """Return the names of the NVIDIA GPUs that the driver knows, in its order; none where there is no driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    try:
        answer = subprocess.run(
            [command, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if answer.returncode != 0:
        return ()
    return tuple(line.strip() for line in answer.stdout.splitlines() if line.strip())
