from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from benchmarks.gpu import timings
from benchmarks.gpu.timings import pack_timings, unpack_timings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def caches(folder: Path, **contents: bytes) -> Path:
    """Make a harness's cache with these timing caches."""
    (folder / "timing").mkdir(parents=True)
    for name, content in contents.items():
        (folder / "timing" / f"{name}.timing").write_bytes(content)
    return folder


def test_timings_come_back_as_they_went(tmp_path: Path) -> None:
    """What is packed on one machine is unpacked on another, byte by byte."""
    assert pack_timings(caches(tmp_path / "one", trt86=b"86", trt85=b"85"), tmp_path / "out").startswith("2 timing")
    said = unpack_timings(tmp_path / "out" / "timing.tar", tmp_path / "two")
    assert "trt85.timing, trt86.timing" in said
    assert (tmp_path / "two" / "timing" / "trt86.timing").read_bytes() == b"86"


def test_what_is_there_is_newer_and_stays(tmp_path: Path) -> None:
    """A machine that is still held keeps its own timings."""
    pack_timings(caches(tmp_path / "one", trt86=b"old"), tmp_path)
    there = caches(tmp_path / "two", trt86=b"new")
    assert unpack_timings(tmp_path / "timing.tar", there).endswith("none, for all are there")
    assert (there / "timing" / "trt86.timing").read_bytes() == b"new"


def test_nothing_to_pack_is_said(tmp_path: Path) -> None:
    """A runtime without timing caches leaves no archive."""
    assert pack_timings(tmp_path, tmp_path).startswith("no timing caches in")
    assert not (tmp_path / "timing.tar").exists()


def test_an_archive_that_is_too_large_to_come_back_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written all the same, for whoever can fetch it otherwise."""
    monkeypatch.setattr(timings, "LARGEST", 10)
    assert "MORE than" in pack_timings(caches(tmp_path, trt86=b"86"), tmp_path)


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    """Folders named in it are dropped."""
    victim = tmp_path / "victim.timing"
    victim.write_bytes(b"evil")
    with tarfile.open(tmp_path / "timing.tar", "w") as archive:
        archive.add(victim, arcname="../../victim2.timing")
    unpack_timings(tmp_path / "timing.tar", tmp_path / "cache")
    assert [file.name for file in (tmp_path / "cache" / "timing").iterdir()] == ["victim2.timing"]
    assert not (tmp_path.parent / "victim2.timing").exists()
