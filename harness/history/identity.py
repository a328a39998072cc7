"""What makes two measurements comparable."""

from __future__ import annotations

import hashlib
import json


def series_fingerprint(case_id: str, case_version: int, environment_hash: str, metric: str, point: str) -> str:
    """Return the SHA-256 (hex) that tells series apart.

    The subject is no part of it, nor can it be: the point of a series is to be compared across versions of the runtime.

    Args:
        case_id: e.g. ``squeezenet-fp16-batch1x4x16``.
        case_version: raised by hand when results of before and after must not be compared.
        environment_hash: of the environment's identity.
        metric: the metric's name.
        point: the point's label, or ``""``.
    """
    parts = json.dumps([case_id, case_version, environment_hash, metric, point])
    return hashlib.sha256(parts.encode()).hexdigest()
