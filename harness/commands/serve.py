"""``trt-harness serve``: listens, says where, and goes when it is told to."""

from __future__ import annotations

import ipaddress
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from harness.history.store import History
from reports.server import ReportServer

if TYPE_CHECKING:
    from collections.abc import Iterator


def run_server(url: str, host: str, port: int) -> None:
    """Serve the report of a history until Ctrl-C or SIGTERM.

    Args:
        url: of the history.
        host: address or name to listen on.
        port: 0 for a free one.

    Raises:
        HistoryError: the history cannot be read.
        UsageError: it is not possible to listen there.
    """
    with History.open(url, read_only=True) as history, ReportServer(history, host, port) as server:
        if not is_loopback(host):
            typer.echo(
                f"warning: whoever can reach {host!r} can read this history; there is no login. Without --host only "
                "this machine can",
                err=True,
            )
        typer.echo(server.url)
        with _terminated_like_ctrl_c():
            try:
                server.serve_forever(poll_interval=0.2)
            except KeyboardInterrupt:
                typer.echo("stopped", err=True)


def is_loopback(host: str) -> bool:
    """Return whether nobody but this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _terminated_like_ctrl_c() -> Iterator[None]:
    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only that one may set handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
