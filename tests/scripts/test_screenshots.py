from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "<!DOCTYPE html><title>{0}</title><meta name=color-scheme content='light dark'><h1>{0}</h1>{1}"


def taken(report: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as a person does."""
    command = [
        sys.executable,
        str(ROOT / "scripts" / "screenshots.py"),
        "--report",
        str(report),
        "--output",
        str(output),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium: apt-get install chromium")
def test_each_kind_of_page_has_a_picture(tmp_path: Path) -> None:
    """The first page has two, in light and in dark; of several of a kind the largest is taken."""
    for name, more in (("index", ""), ("sessions", ""), ("case-a", ""), ("case-b", "more")):
        (tmp_path / f"{name}.html").write_text(PAGE.format(name, more))
    ended = taken(tmp_path, tmp_path)
    assert ended.returncode == 0, ended.stderr
    pictures = {file.name: file.read_bytes() for file in tmp_path.glob("*.png")}
    assert set(pictures) == {"report.png", "report-dark.png", "report-case.png", "report-sessions.png"}
    assert pictures["report.png"] != pictures["report-dark.png"]
    # Width and height are the first two numbers of a PNG's first chunk.
    assert {struct.unpack(">II", picture[16:24]) for picture in pictures.values()} == {(1240, 860)}


def test_without_a_report_it_says_what_makes_one(tmp_path: Path) -> None:
    """The exit code is 2."""
    ended = taken(tmp_path, tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "scripts/demo" in ended.stderr
