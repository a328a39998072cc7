"""Templates, styles and scripts into one page of HTML that needs nothing beside it."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from reports.drawing import shape_icon
from reports.links import INDEX, SESSIONS, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.pages import Page

# What runs on the pages that a template makes, in this order.
_SCRIPTS = {
    "index.html.j2": ("overview.js",),
    "model.html.j2": ("charts.js",),
    "layers.html.j2": ("charts.js", "graph.js"),
    "versions.html.j2": ("versions.js",),
    "case.html.j2": ("vendor/uPlot.iife.min.js", "case_view.js", "case_charts.js", "case_panel.js"),
}
# Styles beside those of every page, likewise.
_STYLES = {"case.html.j2": ("vendor/uPlot.min.css",)}
# Of the pages that every page leads to, those that a template makes.
_PLACES = {"index.html.j2": INDEX, "versions.html.j2": VERSIONS, "sessions.html.j2": SESSIONS}
# What other people wrote goes with their notice into every page.
_NOTICES = {"vendor/uPlot.iife.min.js": "vendor/uPlot.LICENSE"}
# What runs on every page, behind those.
_SHARED_SCRIPTS = ("tables.js",)


def render(page: Page, template: str, navigation: Sequence[tuple[str, str]] = ()) -> str:
    """Return a page as HTML text.

    Args:
        page: what the template shows; it has at least ``title`` and ``written``.
        template: a file of ``templates/``.
        navigation: address and title of the pages that every page leads to.
    """
    scripts = [_script(name) for name in (*_SCRIPTS.get(template, ()), *_SHARED_SCRIPTS)]
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    return (
        _environment()
        .get_template(template)
        .render(
            page=page,
            navigation=navigation,
            here=_PLACES.get(template),
            style=Markup("".join(_static(name) for name in ("page.css", *_STYLES.get(template, ())))),  # noqa: S704 - a file of this package
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - likewise
            script_hashes=[f"'sha256-{digest}'" for digest in digests] or ["'none'"],
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
def _script(name: str) -> str:
    """Return a script as it stands in a page.

    Of one that other people wrote the first line, which says whence it comes, makes room for their notice: an address
    of the network in a page is none that it asks, but who audits pages should find none.
    """
    source = _static(name)
    if name not in _NOTICES:
        return source
    library = name.rpartition("/")[2].partition(".")[0]
    return f"/*! {library}\n\n{_static(_NOTICES[name])}\n*/\n{source.partition(chr(10))[2]}"


@cache
def _static(name: str) -> str:
    return (resources.files("reports") / "static" / name).read_text(encoding="utf-8")


@cache
def _version() -> str:
    try:
        return version("trt-harness")
    except PackageNotFoundError:
        return "(not installed)"
