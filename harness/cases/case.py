"""Cases: model × precision × profile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cases.operator import OPERATORS
from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.cases.model import Model
    from harness.cases.precision import Precision
    from harness.cases.profile import Profile


@dataclass(frozen=True)
class Case:
    """One engine to build and to hold to account."""

    model: Model
    precision: Precision
    profile: Profile

    @property
    def id(self) -> str:
        """The case's name in tests, reports and on the command line, e.g. ``squeezenet-fp16-batch1x4x16``."""
        return f"{self.model.name}-{self.precision.name}-{self.profile.name}"

    @property
    def hash(self) -> str:
        """SHA-256 over id and version: results of equal hash may be compared."""
        return hashlib.sha256(f"{self.id}@{self.model.version}".encode()).hexdigest()


def expand(
    catalogue: Sequence[Model],
    *,
    models: Iterable[str] = (),
    precisions: Iterable[str] = (),
    profiles: Iterable[str] = (),
    full: bool = False,
) -> list[Case]:
    """List the cases of ``catalogue``, model by model, in the catalogue's order.

    Args:
        catalogue: the models.
        models: take only these, slow ones included; all of them if empty.
        precisions: take only these; all if empty.
        profiles: take only these; all if empty.
        full: take slow models too.

    Raises:
        ConfigurationError: two models share a name, one has that of the operator suite, a filter names what no
            model has, or no case is left.
    """
    names = [model.name for model in catalogue]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigurationError(f"the catalogue has two models named {min(twice)!r}")
    if OPERATORS in names:
        raise ConfigurationError(
            f"a model cannot be named {OPERATORS!r}: the history calls the operator suite so; give it another name"
        )
    wanted_models, wanted_precisions, wanted_profiles = list(models), list(precisions), list(profiles)
    for what, wanted, known in (
        ("model of the catalogue", wanted_models, names),
        ("precision of the catalogue", wanted_precisions, [p.name for m in catalogue for p in m.precisions]),
        ("profile of the catalogue", wanted_profiles, [p.name for m in catalogue for p in m.profiles]),
    ):
        for value in wanted:
            if value not in known:
                raise ConfigurationError(unknown_value(what, value, set(known)))
    cases = [
        Case(model, precision, profile)
        for model in catalogue
        if (model.name in wanted_models if wanted_models else full or not model.slow)
        for profile in model.profiles
        if not wanted_profiles or profile.name in wanted_profiles
        for precision in model.precisions
        if not wanted_precisions or precision.name in wanted_precisions
    ]
    if not cases:
        raise ConfigurationError(
            "no case is left to run: no model of the catalogue has all that was asked for"
            + ("" if full or wanted_models else ", or all that have it are slow (take these with --full)")
        )
    return cases
