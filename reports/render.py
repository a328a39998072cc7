"""Writing a report: templates, styles and scripts into files that need nothing beside them."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timezone
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from harness.errors import UsageError
from reports import text
from reports.current import current_cases
from reports.drawing import shape_icon
from reports.files import remove_leftovers, replace_file
from reports.index_page import index_page
from reports.model_page import file_names, model_page
from reports.names import names_of
from reports.reading import read

if TYPE_CHECKING:
    from pathlib import Path

    from harness.history.store import History
    from reports.pages import IndexPage, ModelPage

_SCRIPTS = {"index.html.j2": "filter.js", "model.html.j2": "charts.js"}


def write_report(history: History, destination: Path, *, title: str = "TensorRT harness", last: int = 200) -> Path:
    """Write ``index.html`` and one page per model into ``destination``, and return the path of ``index.html``.

    Each file stands for itself: styles, scripts, drawings and data are inside it, it opens from disk, and its content
    security policy forbids every connection. Each is replaced in one step, ``index.html`` last, so that a reader never
    meets half a file. Pages of models that are gone, which an earlier report wrote here, are removed; no other file is.

    Args:
        history: what to show.
        destination: a folder; made if it is not there.
        title: of the report.
        last: how many sessions of each machine are shown at most, the newest.

    Raises:
        UsageError: ``destination`` cannot be written.
        HistoryError: the history cannot be read.
    """
    reading = read(history, last=last)
    written = text.moment(datetime.now(timezone.utc))
    names = names_of(reading)
    cases = current_cases(reading)
    models = list(dict.fromkeys(case.model for case in cases))
    files = file_names(models)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        for model in models:
            own = [case for case in cases if case.model == model]
            page = model_page(model, own, reading, names, title=title, written=written, file_name=files[model])
            replace_file(destination / page.file_name, render(page, "model.html.j2"))
        first = index_page(cases, files, reading, names, title=title, written=written)
        index = destination / "index.html"
        replace_file(index, render(first, "index.html.j2"))
        remove_leftovers(destination, [index.name, *files.values()])
    except OSError as error:
        raise UsageError(
            f"the report cannot be written to {str(destination)!r}: {error.strerror or error}. Give a folder that can "
            f"be written: --report FOLDER"
        ) from error
    return index


def render(page: IndexPage | ModelPage, template: str) -> str:
    """Return a page as HTML text, by ``index.html.j2`` or ``model.html.j2``."""
    script = _static(_SCRIPTS[template])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            page=page,
            style=Markup(_static("page.css")),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            script_hash=f"sha256-{digest}",
            version=_version(),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["icon"] = shape_icon
    environment.policies["json.dumps_function"] = _dump
    environment.policies["json.dumps_kwargs"] = {}
    return environment


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@cache
def _static(name: str) -> str:
    return (resources.files("reports") / "static" / name).read_text(encoding="utf-8")


@cache
def _version() -> str:
    try:
        return version("trt-harness")
    except PackageNotFoundError:
        return "(not installed)"
