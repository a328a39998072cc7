"""How xdist hands out the items of cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer


class CaseScheduling:
    """Keeps the items of a case on one worker, whose engine they share."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> Any:
        """Schedule case by case under ``-n``, unless another ``--dist`` was asked for or the project has no suites."""
        if config.getvalue("dist") != "load" or not _has_suites(config):
            return None
        return _ByCase(config, log)


class _ByCase(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out all items with the same parameters together.

    xdist's own ``loadgroup`` would do, but writes groups into an attribute that pytest 9 no longer has.
    """

    def _split_scope(self, nodeid: str) -> str:
        start = nodeid.find("[")
        return nodeid[start:] if start > 0 else nodeid


def _has_suites(config: pytest.Config) -> bool:
    file = config.rootpath / "pyproject.toml"
    return file.is_file() and "[tool.trt-harness]" in file.read_text(encoding="utf-8")
