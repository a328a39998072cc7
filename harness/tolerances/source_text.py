"""Python source by the positions that ``ast`` gives: lines from 1, columns in bytes of UTF-8."""

from __future__ import annotations

import io
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast


class SourceText:
    """The text of a module, of which parts are read and replaced.

    Args:
        source: the text that ``ast`` has parsed.
    """

    def __init__(self, source: str) -> None:
        self._bytes = source.encode()
        self._lines = source.split("\n")
        self._starts = [0]
        for line in self._bytes.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def of(self, node: ast.expr) -> str:
        """Return the text of ``node``."""
        start, end = self._span(node)
        return self._bytes[start:end].decode()

    def replaced(self, node: ast.expr, text: str) -> str:
        """Return the whole source with ``text`` in the place of ``node``."""
        start, end = self._span(node)
        return (self._bytes[:start] + text.encode() + self._bytes[end:]).decode()

    def inserted(self, before: ast.keyword, text: str) -> str:
        """Return the whole source with ``text`` before a keyword argument."""
        start = self._offset(before.lineno, before.col_offset)
        return (self._bytes[:start] + text.encode() + self._bytes[start:]).decode()

    def before_on_line(self, node: ast.expr | ast.keyword) -> str:
        """Return what stands before ``node`` on its first line."""
        return self._bytes[self._offset(node.lineno, 0) : self._offset(node.lineno, node.col_offset)].decode()

    def indent(self, node: ast.expr | ast.keyword) -> str:
        """Return the blanks with which the first line of ``node`` begins."""
        before = self.before_on_line(node)
        return before[: len(before) - len(before.lstrip())]

    def has_comment(self, node: ast.expr) -> bool:
        """Tell whether a comment stands within ``node``."""
        start, end = self._span(node)
        tokens = tokenize.generate_tokens(io.StringIO(self._bytes.decode()).readline)
        return any(token.type == tokenize.COMMENT and start <= self._place(token.start) < end for token in tokens)

    def _place(self, position: tuple[int, int]) -> int:
        line, column = position  # tokenize counts characters
        return self._offset(line, len(self._lines[line - 1][:column].encode()))

    def _span(self, node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None, "the parser gives every expression an end"
        assert node.end_col_offset is not None, "likewise"
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column
