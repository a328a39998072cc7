"""Take the pictures of the README from the demonstration: ``scripts/demo``, then ``scripts/screenshots.py``.

Of the first page one in light and one in dark, of every other kind of page the largest, as ``docs/report*.png``. Needs
Chromium (Debian: ``apt-get install chromium``).
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 1240, 860
# A repository keeps every version of a picture for ever.
MOST_BYTES = 250_000
_DARK, _LIGHT = 0, 1
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--run-all-compositor-stages-before-draw", "--virtual-time-budget=3000", f"--window-size={WIDTH},{HEIGHT}",
)  # fmt: skip


def pictures(report: Path) -> dict[str, tuple[Path, int]]:
    """Return what to take of a report: by the picture's name, the page and its colours."""
    chosen = {"report.png": (report / "index.html", _LIGHT), "report-dark.png": (report / "index.html", _DARK)}
    for file in sorted(report.glob("*-*.html"), key=lambda file: file.stat().st_size):
        chosen[f"report-{re.split('-', file.name)[0]}.png"] = (file, _LIGHT)
    for file in report.glob("*.html"):
        if "-" not in file.name and file.name != "index.html":
            chosen[f"report-{file.stem}.png"] = (file, _LIGHT)
    return chosen


def take(browser: str, page: Path, scheme: int, picture: Path) -> None:
    """Take one picture of the top of a page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        own = (f"--user-data-dir={profile}", f"--blink-settings=preferredColorScheme={scheme}")
        command = [browser, *_OPTIONS, *own, f"--screenshot={picture}", page.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take all pictures and say how large each is; 1 if one is too large, 2 if none can be taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "demo", metavar="DIR")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", metavar="DIR")
    options = parser.parse_args(arguments)
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None or not (options.report / "index.html").is_file():
        print("error: this needs Chromium (apt-get install chromium) and a report (scripts/demo)", file=sys.stderr)
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    large = []
    for name, (page, scheme) in pictures(options.report).items():
        picture = options.output.resolve() / name
        take(browser, page, scheme, picture)
        size = picture.stat().st_size
        print(f"{picture}: {size:,} bytes")
        large += [name] if size > MOST_BYTES else []
    if large:
        print(f"error: larger than {MOST_BYTES:,} bytes: {', '.join(large)}", file=sys.stderr)
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())
