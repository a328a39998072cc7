"""A headless Chromium that keeps account of what a page complains of and asks for."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from types import TracebackType

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--disable-dev-shm-usage",
    # Whatever a page asks of the network fails, and is seen.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


class Chromium:
    """A browser with one page; a context manager that ends it."""

    def __init__(self) -> None:
        """Start it; ``BROWSER`` and ``DRIVER`` must be there."""
        options = ChromeOptions()
        options.binary_location = str(BROWSER)
        for option in _OPTIONS:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = Chrome(options=options, service=Service(str(DRIVER)))
        self.driver.set_window_size(1300, 900)

    def __enter__(self) -> Chromium:  # noqa: PYI034 - Self is new in Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.driver.quit()

    def open(self, address: str) -> None:
        """Load a page anew, even where only what comes after its ``#`` is another."""
        self.driver.get("about:blank")
        self.complaints()
        self.requests()
        self.driver.get(address)

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script's ``return`` gives; where it gives a promise, what that is kept with."""
        return self.driver.execute_script(script, *arguments)

    def press(self, *names: str) -> None:
        """Press keys one after the other, by their names: ``Tab``, ``Enter``, ``Backspace``, ``ArrowRight``."""
        keys = {"Tab": Keys.TAB, "Enter": Keys.ENTER, "Backspace": Keys.BACKSPACE, "ArrowRight": Keys.ARROW_RIGHT}
        ActionChains(self.driver).send_keys(*(keys[name] for name in names)).perform()

    def command(self, name: str, **parameters: Any) -> Any:
        """Return the answer to a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def emulate(self, *, scheme: str = "light", media: str = "") -> None:
        """Show pages as for ``light`` or ``dark``, and as for ``print`` where ``media`` says so."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media=media, features=features)

    def complaints(self) -> list[str]:
        """Return what the console has said since the last time: errors, warnings, violations of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "INFO"]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last time."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
