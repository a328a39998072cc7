from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import FP16, Precision, Profile
from harness.engines import axes_of, plugin_hashes
from harness.errors import ConfigurationError
from tests.engines.building import KEY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "change",
    [
        {"graph": "00" * 32},
        {"precision": Precision("fp16-flags").to_json()},
        {"precision": Precision("fp16", keep_fp32=("head",), name="mixed").to_json()},
        {"axes": {"batch": (1, 4, 8)}},
        {"runtime": "onnxruntime"},
        {"version": "8.5.3.1"},
        {"libraries": {"cuda": "12.0", "cudnn": "8.9.0"}},
        {"gpu": "NVIDIA H100 80GB HBM3"},
        {"capability": "9.1"},
        {"options": {"optimization_level": 3}},
        {"plugins": {"roi.so": "00" * 32}},
        {"plugins": {}},
        {"calibration": "00" * 32},
        {"build": 1},
    ],
    ids=lambda change: "-".join(f"another {name}" for name in change),
)
def test_whatever_decides_which_engine_comes_out_is_in_the_key(change: dict[str, Any]) -> None:
    """An engine is never found for a build that could give another one."""
    assert replace(KEY, **change).hash != KEY.hash


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({"libraries": {"cudnn": "8.8.0", "cuda": "12.0"}}, id="names in another order"),
        pytest.param({"precision": replace(FP16, name="half").to_json()}, id="a precision by another name"),
        pytest.param({"axes": {"batch": [1, 4, 16]}}, id="ranges as JSON has them"),
    ],
)
def test_what_decides_nothing_is_not_in_the_key(same: dict[str, Any]) -> None:
    """Two builds that must give the same engine have the same key."""
    assert replace(KEY, **same).hash == KEY.hash


def test_a_key_is_the_same_tomorrow() -> None:
    """A change here makes every stored engine be built anew, so it is to be meant: raise KEY_VERSION with it."""
    assert KEY.hash == "9a14a083a3d7a1ba078563c71b3059369e8f70ba4afeb21e6c849e53affd72ae"


def test_the_points_of_a_profile_are_no_part_of_it() -> None:
    """An engine runs at any point inside its ranges."""
    profile = Profile({"batch": (1, 4, 16)}, [{"batch": 2}])
    assert axes_of(profile) == axes_of(Profile({"batch": (1, 4, 16)})) == {"batch": (1, 4, 16)}


def test_plugins_are_known_by_their_content(tmp_path: Path) -> None:
    """A library that was compiled anew is another one, under the same name."""
    library = tmp_path / "roi.so"
    library.write_bytes(b"machine code")
    assert plugin_hashes([str(library)]) == {"roi.so": hashlib.sha256(b"machine code").hexdigest()}


def test_a_plugin_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error says which file, and what to do."""
    with pytest.raises(ConfigurationError, match=r"gone\.so.*No such file.*full path"):
        plugin_hashes([tmp_path / "gone.so"])


def test_two_plugins_of_one_name_are_refused(tmp_path: Path) -> None:
    """Neither hides the other."""
    (tmp_path / "other").mkdir()
    libraries = [tmp_path / "roi.so", tmp_path / "other" / "roi.so"]
    for library in libraries:
        library.write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"two plugin libraries are called 'roi\.so'"):
        plugin_hashes(libraries)
