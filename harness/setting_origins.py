"""Where the value of a setting came from, so that an error about it says what to change."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.cases import Model
    from harness.settings import Settings

# The options that are not called as their setting is.
_OPTIONS = {"subjects": "--subject", "build_options": "--build-option"}


def option_of(name: str, value: Any) -> str:
    """Return the option that gives the setting called ``name`` this value on a command line."""
    return f"--{value}" if name == "pace" else _OPTIONS.get(name, f"--{name.replace('_', '-')}")


@contextmanager
def named_origin(origin: str) -> Iterator[None]:
    """Put ``origin`` before what a UsageError says that is raised inside, unless it names it already or it is empty."""
    try:
        yield
    except UsageError as error:
        if not origin or origin in str(error):
            raise
        raise type(error)(f"{origin}: {error}") from None


def told_where(settings: Settings, name: str) -> Any:
    """Return a context in which errors are said to be about one setting, by where its value came from."""
    return named_origin(settings.origins.get(name, ""))


def check_filters(settings: Settings, catalogue: Sequence[Model]) -> None:
    """Make sure that ``catalogue`` has the models, precisions and profiles that ``settings`` name.

    Raises:
        ConfigurationError: it has no such one; the text says where it was asked for.
    """
    from harness.cases import expand

    for name in ("models", "precisions", "profiles"):
        with told_where(settings, name):
            expand(catalogue, **{name: getattr(settings, name)}, full=True)
