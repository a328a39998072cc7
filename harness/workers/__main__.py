"""``python -m harness.workers``: one worker, speaking JSON lines on its standard input and output."""

from __future__ import annotations

from harness.workers.server import main

if __name__ == "__main__":
    main()
