from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.runtimes.tensorrt import timing_cache

if TYPE_CHECKING:
    from pathlib import Path


class FakeConfig:
    """A builder's configuration that reads timings which start with ``good``, and says no whatever it is given.

    So TensorRT 8.6.0 answered on a GPU host without cuBLAS, and used the timings all the same.
    """

    def __init__(self) -> None:
        self.cache: FakeCache | None = None

    def create_timing_cache(self, content: bytes) -> FakeCache | None:
        """Return a cache of ``content``, or None if that is no timing cache."""
        return FakeCache(content) if not content or content.startswith(b"good") else None

    def set_timing_cache(self, cache: FakeCache, _: bool) -> bool:
        """Take ``cache``."""
        self.cache = cache
        return False

    def get_timing_cache(self) -> FakeCache | None:
        """Return the cache."""
        return self.cache


class FakeCache:
    """Timings."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def serialize(self) -> bytes:
        """Return them, and one more."""
        return self.content + b"+"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("NVIDIA T4", "7.5", "8.6.0", {"cuda": "12.9"}), id="another GPU"),
        pytest.param(("NVIDIA H200", "9.0", "8.5.3.1", {"cuda": "12.9"}), id="another TensorRT"),
        pytest.param(("NVIDIA H200", "9.0", "8.6.0", {"cuda": "13.0"}), id="another CUDA"),
    ],
)
def test_each_gpu_and_software_has_a_file_of_its_own(tmp_path: Path, other: tuple) -> None:
    """Timings of elsewhere are not even looked at."""
    ours = ("NVIDIA H200", "9.0", "8.6.0", {"cuda": "12.9", "polygraphy": "0.53"})
    assert timing_cache.cache_file(tmp_path, *ours).name == "nvidia-h200-sm9.0-trt8.6.0-cuda12.9.timing"
    assert timing_cache.cache_file(tmp_path, *ours) != timing_cache.cache_file(tmp_path, *other)


def test_a_build_starts_from_the_timings_of_the_one_before(tmp_path: Path) -> None:
    """The first build is cold, the second warm, whatever TensorRT answers; what cannot be read is as none."""
    file = tmp_path / "caches" / "x.timing"
    config = FakeConfig()
    assert not timing_cache.attach(config, file)
    config.cache = FakeCache(b"good")
    timing_cache.save(config, file)
    config = FakeConfig()
    assert timing_cache.attach(config, file)
    assert config.cache is not None
    assert config.cache.content == b"good+"
    file.write_bytes(b"cut off")
    config = FakeConfig()
    assert not timing_cache.attach(config, file)
    assert config.cache is not None
    assert config.cache.content == b""


def test_a_failed_write_leaves_the_old_timings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half-written takes their place, nor stays beside them."""
    file = tmp_path / "x.timing"
    file.write_bytes(b"good old")
    config = FakeConfig()
    config.cache = FakeCache(b"good")

    def full(_: FakeCache) -> bytes:
        raise OSError("no space left")

    monkeypatch.setattr(FakeCache, "serialize", full)
    with pytest.raises(OSError, match="no space"):
        timing_cache.save(config, file)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x.timing", b"good old")]
