"""A headless Chromium over a pipe: enough of its DevTools protocol to open a page and ask it something.

The protocol is JSON, each message ended by a NUL, on the file descriptors 3 and 4 of a browser that was started with
``--remote-debugging-pipe``: no port is opened and no further package is needed. See
https://chromedevtools.github.io/devtools-protocol/.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One browser with one page; a context manager that ends it."""

    def __init__(self, program: str = "chromium", *, width: int = 1300, height: int = 900) -> None:
        """Start it.

        Raises:
            FileNotFoundError: there is no such program.
        """
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        commands, self._send = os.pipe()
        self._receive, answers = os.pipe()
        # The browser speaks on 3 and 4, whatever these are here.
        script = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
        options = (*_OPTIONS, f"--user-data-dir={self._profile.name}", f"--window-size={width},{height}")
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", script, program, *options, "about:blank"],
            pass_fds=(commands, answers),
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._read = os.fdopen(self._receive, "rb")
        self._number = 0
        self._page = ""
        self.events: list[dict[str, Any]] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        self._page = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:  # noqa: PYI034 - Self is new in Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._page = ""
            self.call("Browser.close")
        except OSError:
            self._process.kill()
        finally:
            self._process.wait()
            os.close(self._send)
            self._read.close()
            self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and return its result; what happens meanwhile is kept in ``events``.

        Raises:
            RuntimeError: the browser refuses.
            OSError: the browser is gone.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._page:
            message["sessionId"] = self._page
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error'].get('message')}")
            else:
                return dict(answer["result"])

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a file and wait until it is loaded, also if it is the one that is open with another fragment."""
        for address in ("about:blank", page.resolve().as_uri() + fragment):
            self.events.clear()
            self.call("Page.navigate", url=address)
            while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
                self.events.append(self._next())

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript in the page, as plain data.

        Raises:
            RuntimeError: it throws.
        """
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def _next(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._read.read(1)) != b"\0":
            if not byte:
                raise OSError("the browser is gone")
            message += byte
        return dict(json.loads(message))


def first_paint_seconds(page: Path, *, rounds: int = 5) -> list[float]:
    """Return the time from the start of the navigation to the first contentful paint of a page, for several visits."""
    seconds = []
    with Browser() as browser:
        for _ in range(rounds):
            browser.open(page)
            painted = browser.evaluate(
                "new Promise(resolve => new PerformanceObserver(list => resolve(list.getEntries().map(e => [e.name, "
                "e.startTime]))).observe({type: 'paint', buffered: true}))"
            )
            seconds.append(dict(painted).get("first-contentful-paint", painted[0][1]) / 1000)
    return seconds
