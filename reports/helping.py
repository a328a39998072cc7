"""The process that ``reports.helpers`` starts: a line of JSON in, a line of JSON out, until its input ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO

from harness.history.store import History
from reports.write import FileWriter, seldom_collected, site_of


def main(questions: IO[str] = sys.stdin, answers: IO[str] = sys.stdout) -> None:
    """Answer the first line, which says what report it is about, and write the files that each further line names.

    The first answer says what report this process sees: a session may have stored something since the process that
    asks has read the history, and one report must not be made of two states of it.
    """
    setup = json.loads(questions.readline())
    with seldom_collected(), History.open(setup["history"], read_only=True) as history:
        site = site_of(history, title=setup["title"], last=setup["last"], written=setup["written"])
        writer = FileWriter(site, Path(setup["destination"]))
        print(json.dumps({"digest": writer.digest}), file=answers, flush=True)
        for line in questions:
            print(json.dumps({name: writer.write(name) for name in json.loads(line)}), file=answers, flush=True)


if __name__ == "__main__":
    main()
