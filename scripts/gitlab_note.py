"""Leave one note on a GitLab merge request, which later runs rewrite: ``gitlab_note.py NAME FILE.md``.

It needs what GitLab's pipelines of merge requests set, and in ``GATE_TOKEN`` a project access token of the scope api:
the job's own token may not write notes. API: https://docs.gitlab.com/api/notes/#merge-requests.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

_SECONDS = 30
_PER_PAGE = 100


def call(method: str, url: str, token: str, body: str | None = None) -> Any:
    """Return GitLab's answer to one request."""
    request = urllib.request.Request(  # noqa: S310 - the address is the pipeline's own
        url,
        method=method,
        data=None if body is None else json.dumps({"body": body}).encode(),
        headers={"PRIVATE-TOKEN": token, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - the same
        return json.load(answer)


def find(url: str, token: str, mark: str) -> int | None:
    """Return the id of the note that begins with ``mark``; None if there is none yet."""
    page = 1
    while True:
        notes = call("GET", f"{url}?per_page={_PER_PAGE}&page={page}", token)
        for note in notes:
            if note["body"].startswith(mark):
                return int(note["id"])
        if len(notes) < _PER_PAGE:
            return None
        page += 1


def main() -> None:
    """Write the note."""
    name, file = sys.argv[1:]
    try:
        base, project, number, token = (
            os.environ[variable]
            for variable in ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "GATE_TOKEN")
        )
    except KeyError as missing:
        sys.exit(f"gitlab_note: {missing} is not set: this is no merge request's pipeline, or has no GATE_TOKEN")
    url = f"{base}/projects/{project}/merge_requests/{number}/notes"
    mark = f"<!-- trt-harness gate {name} -->"
    body = f"{mark}\n{Path(file).read_text(encoding='utf-8')}"
    note = find(url, token, mark)
    if note is None:
        call("POST", url, token, body)
    else:
        call("PUT", f"{url}/{note}", token, body)


if __name__ == "__main__":
    main()
