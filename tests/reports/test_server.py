from __future__ import annotations

import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.history.store import History
from reports.api import MOST_ROWS, PARAMETERS
from reports.links import BADGE, FEED, SUMMARY
from reports.live import FILTERS
from reports.server import ReportServer, is_own_name
from tests.conftest import ROOT
from tests.reports.parsed_page import ParsedPage
from tests.reports.sample_history import HistoryBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportServer]:
    """Yield a server of a small history, listening on a free port."""
    path = tmp_path_factory.mktemp("served") / "history.db"
    with History.open(path) as history:
        build = HistoryBuilder(history)
        session = build.session(0)
        for precision in ("fp32", "fp16"):
            history.add_trial(build.trial(session, "resnet50", precision))
        history.finish_session(session.id)
    with History.open(path, read_only=True) as history, ReportServer(history, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: ReportServer, target: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return a server's response with its body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request(method, target, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/model-resnet50.html", "text/html"),
        ("/?precision=fp16", "text/html"),
        ("/badge.svg", "image/svg+xml"),
        ("/feed.xml", "application/atom+xml"),
        ("/summary.md", "text/markdown"),
        ("/api/", "application/json"),
        ("/api/latest.json?limit=1", "application/json"),
        ("/api/latest.csv?where=metric%3Dlatency_host", "text/csv"),
    ],
)
def test_what_there_is_is_answered(server: ReportServer, target: str, kind: str) -> None:
    """With its type in UTF-8 and its length, and headers that keep other sites from it."""
    response, body = ask(server, target)
    assert response.status == 200
    assert response.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert response.headers["Content-Length"] == str(len(body))
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Python" not in response.headers["Server"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/nothing.html", 404),
        ("/../../../etc/passwd", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("//etc/passwd", 404),
        ("/history.db", 404),
        ("/?precision=fp99", 400),
        ("/?precision=fp16&precision=fp32", 400),
        ("/?precision=<script>alert(1)</script>", 400),
        ("/model-resnet50.html?a=1", 400),
        ("/?%ff=1", 400),
        ("/%ff", 400),
    ],
)
def test_what_there_is_not_is_a_page_that_says_so(server: ReportServer, target: str, status: int) -> None:
    """The status is the right one, and the page is sound and shows foreign text as text."""
    response, body = ask(server, target)
    page = ParsedPage(body.decode())
    assert response.status == status
    assert page.problems == []
    assert f"{status} " in page.text
    assert "root:" not in page.text
    assert "<script>alert" not in body.decode()


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/api/trial.json", 404, "'trial'"),
        ("/api/latest.exe", 404, "'exe'"),
        ("/api/latest.csv?limit=many", 400, "'many'"),
        ("/api/latest.json?where=nothing%3D1", 400, "'nothing'"),
        ("/api/latest.json?%ff=1", 400, "cannot be read"),
        ("/api/latest.json?" + "&".join(["columns=metric"] * 60), 400, "cannot be read"),
    ],
)
def test_a_program_is_told_what_is_wrong_as_json(server: ReportServer, target: str, status: int, said: str) -> None:
    """Whoever asks for rows gets the status and a sentence, and no page."""
    response, body = ask(server, target)
    told = json.loads(body)
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (response.status, told["status"]) == (status, status)
    assert said in told["error"]


def test_a_program_that_may_not_ask_is_told_so_as_json(server: ReportServer) -> None:
    """Another method and a foreign name are no reason for a page either."""
    answers = [ask(server, "/api/latest.json", "POST"), ask(server, "/api/latest.json", Host="evil.example")]
    assert [json.loads(body)["status"] for _, body in answers] == [405, 421]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_nothing_but_reading_is_allowed(server: ReportServer, method: str) -> None:
    """Any other method is answered 405, with those that are."""
    response, _ = ask(server, "/", method)
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


def test_head_has_the_headers_alone(server: ReportServer) -> None:
    """The length is that of the page, the body is empty."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(b"HEAD /badge.svg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head, end, body = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: " in head
    assert (end, body) == (b"\r\n\r\n", b"")


@pytest.mark.parametrize("said", [b"", b"no request at all\r\n\r\n"], ids=["silence", "noise"])
def test_a_client_that_asks_nothing_leaves_no_line_in_the_terminal(
    server: ReportServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], said: bytes
) -> None:
    """Its connection is closed when its time is up, and nothing is written."""
    monkeypatch.setattr("reports.server._Handler.timeout", 0.05)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(said)
        while connection.recv(4096):
            pass
    assert capfd.readouterr().err == ""


def test_a_page_that_a_browser_has_is_not_sent_again(server: ReportServer) -> None:
    """With its tag, the answer is that nothing has changed."""
    tag = ask(server, "/index.html")[0].headers["ETag"]
    response, body = ask(server, "/index.html", If_None_Match=tag)
    assert (response.status, body) == (304, b"")
    assert ask(server, "/index.html", If_None_Match='"another"')[0].status == 200


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost:8080", True),
        ("LOCALHOST", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("192.0.2.7", True),
        ("box.example:80", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8080", False),
        ("localhost.evil.example", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_names_of_other_sites_are_not_its_own(host: str, own: bool) -> None:
    """An address, localhost and the name that it was started with are; whatever else a name server says is not."""
    assert is_own_name(host, "box.example") is own


def test_a_request_under_another_name_is_refused(server: ReportServer) -> None:
    """So that no site can read the history through a name that it points here."""
    response, body = ask(server, "/api/latest.json", Host="evil.example")
    assert response.status == 421
    assert b"resnet50" not in body


def test_several_may_ask_at_once(server: ReportServer) -> None:
    """Pages and rows come whole to each of many, over connections that were opened before any was answered."""
    targets = ["/", "/model-resnet50.html", "/api/latest.json", "/feed.xml"] * 6
    with ThreadPoolExecutor(len(targets)) as pool:
        answers = list(pool.map(lambda target: ask(server, target), targets))
    assert {response.status for response, _ in answers} == {200}
    assert len({body for _, body in answers}) == 4
    assert json.loads(answers[2][1])


def test_one_who_says_nothing_keeps_nobody_waiting(server: ReportServer) -> None:
    """A connection without a request has a thread of its own."""
    with socket.create_connection(("127.0.0.1", server.server_port)):
        assert ask(server, "/badge.svg")[0].status == 200


def test_a_port_that_is_taken_is_a_usage_error(server: ReportServer) -> None:
    """The error names the port and says how to get another."""
    with pytest.raises(UsageError, match=rf"port {server.server_port} of '127.0.0.1': .*--port, 0 for a free one"):
        ReportServer(server.history, "127.0.0.1", server.server_port)


def test_an_address_of_another_machine_is_a_usage_error(server: ReportServer) -> None:
    """It is not possible to listen there."""
    with pytest.raises(UsageError, match=r"'192\.0\.2\.1'"):
        ReportServer(server.history, "192.0.2.1", 0)


def test_what_can_be_asked_is_documented() -> None:
    """The page about serving names every filter, every parameter of views and every small file."""
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    for name in (*FILTERS, *PARAMETERS, BADGE, FEED, SUMMARY, "--host", "--port", "--db"):
        assert f"`{name}" in text or f"[{name} " in text, name
    assert f"{MOST_ROWS:,}".replace(",", " ") in text
