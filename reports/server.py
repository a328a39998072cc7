"""``trt-harness serve``: a live report over HTTP, read only, for this machine unless others are asked for.

What is answered comes from a table of names made beforehand; no file of the machine is ever opened by a request.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import sys
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from harness.errors import HarnessError, UsageError
from reports.api import NoSuchView, described_api, view_rows
from reports.error_page import error_page
from reports.links import INDEX
from reports.live import LiveReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.history.store import History

_TYPES = {
    ".html": "text/html", ".csv": "text/csv", ".json": "application/json", ".md": "text/markdown",
    ".svg": "image/svg+xml", ".xml": "application/atom+xml",
}  # fmt: skip
_HEADERS = {
    "Cache-Control": "no-cache",  # kept by browsers, but asked for each time, with the tag of what they have
    # Pages carry a policy of their own, which allows their scripts; what they cannot say in themselves is here.
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_API = "/api/"
# One who opens a connection and says nothing gives back its thread after so many seconds.
_SILENCE_SECONDS = 30
_MOST_PARAMETERS = 50


@dataclass(frozen=True)
class Answer:
    """What a request is answered with: ``tag`` changes with the body, and is empty where nobody asks again."""

    status: HTTPStatus
    content_type: str
    body: bytes
    tag: str = ""


class ReportServer(ThreadingHTTPServer):
    """A server of one history; a thread for each connection, each with a connection of its own to the database."""

    daemon_threads = True

    def __init__(self, history: History, host: str, port: int) -> None:
        """Listen.

        Args:
            history: opened for reading only.
            host: an address of this machine or a name of it.
            port: 0 for a free one; ``server_port`` says which it is then.

        Raises:
            UsageError: it is not possible to listen there.
        """
        self.history = history
        self.report = LiveReport(history)
        self.host = host
        try:
            self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"cannot listen on port {port} of {host!r}: {error.strerror or error}. Give another with --port, 0 for "
                "a free one, or another address of this machine with --host"
            ) from error

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.server_port}/"

    def server_bind(self) -> None:
        """Bind the socket; the name of this machine, which the standard library looks up here, is of no use."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.host, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say on standard error what went wrong, except where a browser went away before it had its answer."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def is_own_name(host: str, served: str) -> bool:
    """Return whether ``host``, as a request names it, can be meant for this server.

    A page of another site may point a name of its own at this machine and then read what is served here ("DNS
    rebinding"). It cannot do so with an address, nor with a name that is not its own.

    Args:
        host: value of the header ``Host``, with its port.
        served: the address or name that the server was told to listen on.
    """
    name = host.lower()
    try:
        name = urlsplit(f"//{host}").hostname or ""
        ipaddress.ip_address(name)
    except ValueError:
        return name in {"localhost", served.lower(), socket.gethostname().lower()}
    return True


def answer(report: LiveReport, history: History, target: str) -> Answer:
    """Return the answer to ``GET target``.

    Args:
        report: what is served.
        history: for rows of views.
        target: path and query, as they stand in the request.
    """
    failed = partial(_failed, target)
    try:
        address = urlsplit(target)
        path = unquote(address.path, errors="strict")
        parameters = parse_qs(
            address.query, keep_blank_values=True, strict_parsing=bool(address.query), errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )  # fmt: skip
    except ValueError as error:
        return failed(HTTPStatus.BAD_REQUEST, f"The address cannot be read: {error}.")
    try:
        found = _rows(history, path, parameters) if path.startswith(_API) else _page(report, path, parameters)
    except NoSuchView as error:
        return failed(HTTPStatus.NOT_FOUND, str(error))
    except UsageError as error:
        return failed(HTTPStatus.BAD_REQUEST, str(error))
    except HarnessError as error:
        return failed(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
    return found or failed(
        HTTPStatus.NOT_FOUND, "The report has no such page; it may be of a result that is no longer shown."
    )


def _rows(history: History, path: str, parameters: Mapping[str, list[str]]) -> Answer:
    name = path.removeprefix(_API)
    content = view_rows(history.queries, name, parameters) if name else described_api()
    return Answer(HTTPStatus.OK, _type_of(name or "views.json"), content.encode("utf-8", "backslashreplace"))


def _page(report: LiveReport, path: str, parameters: Mapping[str, list[str]]) -> Answer | None:
    name = path.removeprefix("/") or INDEX
    if parameters and name != INDEX:
        raise UsageError(f"{name!r} takes no parameters; the overview takes some, and so do the views below {_API}")
    twice = [parameter for parameter, values in parameters.items() if len(values) > 1]
    if twice:
        raise UsageError(f"{twice[0]!r} is given more than once; the overview takes one value of each")
    filters = {parameter: values[0] for parameter, values in parameters.items()}
    document = report.overview(filters) if filters else report.document(name)
    return None if document is None else Answer(HTTPStatus.OK, _type_of(name), document.body, document.tag)


def _failed(target: str, status: HTTPStatus, explanation: str) -> Answer:
    """Say why there is no answer: to a program, which asks for rows, as JSON, else as a page."""
    if target.startswith(_API):
        said = json.dumps({"status": status.value, "error": explanation}, ensure_ascii=False)
        return Answer(status, _type_of(".json"), f"{said}\n".encode("utf-8", "backslashreplace"))
    return Answer(status, _type_of(".html"), error_page(status, explanation).encode())


def _type_of(name: str) -> str:
    kind = next((kind for ending, kind in _TYPES.items() if name.endswith(ending)), "application/octet-stream")
    return f"{kind}; charset=utf-8"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SILENCE_SECONDS
    server: ReportServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def __getattr__(self, name: str) -> Callable[[], None]:
        # http.server looks up ``do_`` and the method, and would say of all others that they are not implemented.
        if name.startswith("do_"):
            return self._refuse
        raise AttributeError(name)

    def version_string(self) -> str:
        """Return what it calls itself; which Python it runs on is nobody's business."""
        return "trt-harness"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a terminal in which each request leaves a line is of no use to whoever started this."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
        """Say nothing of what a client did: browsers open connections ahead, and are silent until time is up."""

    def _refuse(self) -> None:
        # What such a request brings along is not read, so the connection cannot go on.
        self.close_connection = True
        self._send(
            _failed(self.path, HTTPStatus.METHOD_NOT_ALLOWED, "A report can only be read."), {"Allow": "GET, HEAD"}
        )

    def _answer(self) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not is_own_name(hosts[0], self.server.host):
            said = f"This server is not called {', '.join(hosts)!r}. Use its address, or give --host that name."
            self._send(_failed(self.path, HTTPStatus.MISDIRECTED_REQUEST, said))
            return
        found = answer(self.server.report, self.server.history, self.path)
        if found.tag and f'"{found.tag}"' in self.headers.get("If-None-Match", ""):
            found = Answer(HTTPStatus.NOT_MODIFIED, found.content_type, b"", found.tag)
        self._send(found)

    def _send(self, found: Answer, more: Mapping[str, str] | None = None) -> None:
        self.send_response(found.status)
        tag = {"ETag": f'"{found.tag}"'} if found.tag else {}
        for name, value in {**_HEADERS, **tag, **(more or {})}.items():
            self.send_header(name, value)
        if found.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", found.content_type)
            self.send_header("Content-Length", str(len(found.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.body)
