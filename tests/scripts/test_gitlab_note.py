from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "<!-- trt-harness gate t4 -->"


class GitLab(ThreadingHTTPServer):
    """Holds the notes of one merge request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.notes: list[dict[str, Any]] = []
        self.tokens: set[str | None] = set()


class _Answers(BaseHTTPRequestHandler):
    server: GitLab

    def do_GET(self) -> None:
        pages = [self.server.notes[i : i + 100] for i in range(0, len(self.server.notes), 100)] or [[]]
        number = int(self.path.rsplit("page=", 1)[1])
        self._answer(pages[number - 1] if number <= len(pages) else [])

    def do_POST(self) -> None:
        self.server.notes.append({"id": len(self.server.notes), "body": self._body()})
        self._answer(self.server.notes[-1])

    def do_PUT(self) -> None:
        note = self.server.notes[int(self.path.rsplit("/", 1)[1])]
        note["body"] = self._body()
        self._answer(note)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _body(self) -> str:
        return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

    def _answer(self, what: object) -> None:
        assert self.path.startswith("/api/v4/projects/7/merge_requests/3/notes")
        self.server.tokens.add(self.headers["PRIVATE-TOKEN"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(what).encode())


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    """Return a GitLab of this machine."""
    with GitLab() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def leave(gitlab: GitLab, file: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a pipeline does."""
    given = {
        "CI_API_V4_URL": f"http://127.0.0.1:{gitlab.server_address[1]}/api/v4",
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "3",
        "GATE_TOKEN": "secret",
    }
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "gitlab_note.py", "t4", file],
        env={"PATH": os.environ["PATH"], "no_proxy": "127.0.0.1", **(given | environment)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_note_is_made_and_then_rewritten(gitlab: GitLab, tmp_path: Path) -> None:
    """The first run adds a note and the second one changes it, however many others there are."""
    gitlab.notes = [{"id": i, "body": "what people say"} for i in range(150)]
    file = tmp_path / "gate.md"
    for text in ("first", "second"):
        file.write_text(text)
        answer = leave(gitlab, file)
        assert answer.returncode == 0, answer.stderr
        assert gitlab.notes[150:] == [{"id": 150, "body": f"{MARK}\n{text}"}]
    assert gitlab.tokens == {"secret"}


def test_notes_of_other_gates_are_left_alone(gitlab: GitLab, tmp_path: Path) -> None:
    """Two gates of one merge request have a note each."""
    gitlab.notes = [{"id": 0, "body": "<!-- trt-harness gate cpu -->\ntheirs"}]
    (tmp_path / "gate.md").write_text("ours")
    leave(gitlab, tmp_path / "gate.md")
    assert [note["body"] for note in gitlab.notes] == ["<!-- trt-harness gate cpu -->\ntheirs", f"{MARK}\nours"]


def test_what_is_not_set_is_named(tmp_path: Path) -> None:
    """Outside of a merge request's pipeline it ends with a sentence."""
    (tmp_path / "gate.md").write_text("text")
    answer = subprocess.run(
        [sys.executable, ROOT / "scripts" / "gitlab_note.py", "t4", tmp_path / "gate.md"],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 1
    assert "'CI_API_V4_URL' is not set" in answer.stderr
