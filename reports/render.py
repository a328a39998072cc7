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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.pages import Page

# What runs on the pages that a template makes, in this order.
_SCRIPTS = {
    "index.html.j2": ("filter.js",),
    "model.html.j2": ("charts.js",),
    "versions.html.j2": ("versions.js",),
}


def render(page: Page, template: str, navigation: Sequence[tuple[str, str]] = ()) -> str:
    """Return a page as HTML text.

    Args:
        page: what the template shows; it has at least ``title`` and ``written``.
        template: a file of ``templates/``.
        navigation: address and title of the pages that every page leads to.
    """
    scripts = [_static(name) for name in _SCRIPTS.get(template, ())]
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    return (
        _environment()
        .get_template(template)
        .render(
            page=page,
            navigation=navigation,
            style=Markup(_static("page.css")),  # noqa: S704 - a file of this package
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
def _static(name: str) -> str:
    return (resources.files("reports") / "static" / name).read_text(encoding="utf-8")


@cache
def _version() -> str:
    try:
        return version("trt-harness")
    except PackageNotFoundError:
        return "(not installed)"
