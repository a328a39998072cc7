"""The command that measures a case again as a session measured it."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from harness.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.history.records import SessionRecord

# What makes another measurement of it, or judges it by other runs, and the option that says so; of lists each entry.
_OPTIONS = {
    "gpu": "--gpu",
    "subjects": "--subject",
    "build_options": "--build-option",
    "reference": "--reference",
    "builds": "--builds",
    "baseline": "--baseline",
    "db": "--db",
}
_DEFAULTS: Mapping[str, Any] = {field.name: field.default for field in fields(Settings)}


def command_again(record: SessionRecord, *, model: str, precision: str, profile: str) -> str:
    """Return what to type to measure a case again under the settings of a session, as far as they are not the usual.

    A file that was checked is in no catalogue: for it, that is the session's own command.
    """
    settings = record.settings
    if settings.get("check"):
        return record.command
    words = ["pytest", "suites/", "--models", model, "--precisions", precision, "--profiles", profile]
    pace = settings.get("pace")
    if pace in ("quick", "full"):
        words.append(f"--{pace}")
    for name, option in _OPTIONS.items():
        value = settings.get(name, _DEFAULTS[name])
        if isinstance(value, (list, tuple)):
            words += [word for each in value for word in (option, str(each))]
        elif value != _DEFAULTS[name]:
            words += [option, str(value)]
    catalogue = settings.get("catalogue", _DEFAULTS["catalogue"])
    # It has no option of its own.
    variable = "" if catalogue == _DEFAULTS["catalogue"] else f"TRT_HARNESS_CATALOGUE={shlex.quote(str(catalogue))} "
    return f"{variable}{shlex.join(words)}"
