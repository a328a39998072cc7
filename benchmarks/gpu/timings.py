"""TensorRT's timing caches in one file, to be carried from one machine that is given back to the next."""

from __future__ import annotations

import tarfile
from pathlib import Path

# What a machine that is lent gives back in one file at most.
LARGEST = 16 << 20


def pack_timings(cache: Path, folder: Path) -> str:
    """Write the timing caches below ``cache`` to ``folder/timing.tar``, compressed, and say what came of it.

    Args:
        cache: the harness's cache, which keeps them in its folder ``timing``.
        folder: is made if need be.
    """
    files = sorted((cache / "timing").glob("*.timing"))
    if not files:
        return f"no timing caches in {str(cache / 'timing')!r} yet"
    folder.mkdir(parents=True, exist_ok=True)
    packed = folder / "timing.tar"
    scratch = packed.with_name(".timing.tar")
    with tarfile.open(scratch, "w:xz") as archive:
        for file in files:
            archive.add(file, arcname=file.name)
    scratch.replace(packed)
    size = packed.stat().st_size
    warning = f", MORE than the {LARGEST >> 20} MiB that come back" if size > LARGEST else ""
    return f"{len(files)} timing caches in {str(packed)!r}: {size / (1 << 20):.1f} MiB{warning}"


def unpack_timings(packed: Path, cache: Path) -> str:
    """Put the timing caches of ``pack_timings`` below ``cache``, but for those that are there, and say which."""
    folder = cache / "timing"
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    with tarfile.open(packed, "r:*") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            destination = folder / Path(member.name).name  # whatever folder the archive names
            if content is not None and not destination.exists():
                destination.write_bytes(content.read())
                taken.append(destination.name)
    return f"timing caches taken from {str(packed)!r}: {', '.join(taken) or 'none, for all are there'}"
