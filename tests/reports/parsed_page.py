"""A page as a reader of HTML sees it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_VOID = {"meta", "br", "input", "link", "img", "hr"}


class ParsedPage(HTMLParser):
    """Collects a page's elements and the text that it shows; ``problems`` are tags that do not close as they opened."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.problems: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        self.problems += [f"<{tag}> is never closed" for tag in self._open]

    @classmethod
    def of(cls, path: Path) -> ParsedPage:
        """Parse a file."""
        return cls(path.read_text(encoding="utf-8"))

    @property
    def text(self) -> str:
        """All that is shown, and titles, with single spaces."""
        return " ".join(" ".join(self.texts).split())

    @property
    def data(self) -> Any:
        """The data of the page's script."""
        return json.loads(next(script for script in self.scripts if script.startswith("{")))

    def attributes(self, name: str) -> list[str]:
        """Return every value of an attribute."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def with_class(self, name: str) -> list[dict[str, str]]:
        """Return the attributes of every element of a class."""
        return [attributes for _, attributes in self.elements if name in attributes.get("class", "").split()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Check that the innermost element is closed."""
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        """Note text by where it stands."""
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif not self._open or self._open[-1] != "style":
            self.texts.append(data)
