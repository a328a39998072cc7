"""Settings: ``[tool.trt-harness]`` in pyproject.toml, overridden by the environment, overridden by the command line."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from harness.addresses import without_password
from harness.errors import ConfigurationError, UsageError, unknown_value
from harness.setting_origins import named_origin, option_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.cases import Model

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PREFIX = "TRT_HARNESS_"
_LONGEST_SPACING = 60.0
_KINDS = {tuple: "a list", str: "a text", int: "a whole number", float: "a number"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a session can be told.

    Attributes:
        catalogue: ``module:NAME`` of the sequence of models.
        gpu: the target: ``auto``, ``cpu`` or a GPU's name.
        models: run only these; all but the slow ones if empty.
        precisions: run only these; all if empty.
        profiles: run only these; all if empty.
        pace: ``quick`` runs the smallest point of each profile and times it briefly; ``full`` takes slow models too and
            times for longer.
        db: path or SQLAlchemy URL of the history.
        cache: folder for graphs, references and engines.
        report: folder for the HTML report; empty writes none.
        subjects: ``NAME=PYTHON`` each; the harness's own interpreter if empty.
        case_timeout: seconds after which a case's worker is killed.
        baseline: name of the baseline to compare with; by default the last good runs.
        baseline_runs: how many of the last good runs make a baseline.
        baseline_branch: the branch that this checkout is to be merged into: the last good runs are those of what it
            left that branch with. By default the one that CI names, else runs of every branch count.
        confirmations: how many trials confirm or refute what one trial suggests.
        confirmation_spacing: seconds to wait before each of them, if it is about time: a machine's passing state is to
            pass.
        resume: id of a session to go on with.
        build_options: ``NAME=VALUE`` each, for every build of this session, over what models say of themselves.
        reference: what engines are held against: the FP32 graph on the CPU provider of onnxruntime, ``cpu``, or on its
            CUDA provider, ``cuda`` or ``cuda:PYTHON``, once that was held against the CPU's.
        engines: whether an engine of an earlier session stands for a build: ``auto`` where builds are slow, ``reuse``
            always, ``rebuild`` never; then the new one takes the place of the old one.
        builds: how many engines are built and timed for each case, to tell the builder's lottery from noise.
    """

    catalogue: str = "suites.catalogue:CATALOGUE"
    gpu: str = "auto"
    models: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    pace: str = "normal"
    db: str = ".trt-harness/history.db"
    cache: str = ".trt-harness/cache"
    report: str = "build/report"
    subjects: tuple[str, ...] = ()
    case_timeout: float = 600.0
    baseline: str = ""
    baseline_runs: int = 20
    baseline_branch: str = ""
    confirmations: int = 4
    confirmation_spacing: float = 5.0
    resume: str = ""
    build_options: tuple[str, ...] = ()
    reference: str = "cpu"
    engines: str = "auto"
    builds: int = 1

    @property
    def shown_db(self) -> str:
        """The history as it is told to people: without a password."""
        return without_password(self.db)

    def __post_init__(self) -> None:
        if self.pace not in PACES:
            raise ConfigurationError(unknown_value("pace", self.pace, PACES))
        if self.engines not in ENGINES:
            raise ConfigurationError(unknown_value("way to come by engines", self.engines, ENGINES))
        if self.reference not in ("cpu", "cuda") and not self.reference.startswith("cuda:"):
            raise ConfigurationError(unknown_value("reference", self.reference, ("cpu", "cuda", "cuda:PYTHON")))
        if not self.case_timeout > 0:
            raise ConfigurationError(f"case_timeout is a number of seconds above 0, not {self.case_timeout!r}")
        if not 0 <= self.confirmation_spacing <= _LONGEST_SPACING:
            raise ConfigurationError(
                f"confirmation_spacing is a number of seconds from 0 to {_LONGEST_SPACING:g}, "
                f"not {self.confirmation_spacing!r}"
            )
        for name in ("baseline_runs", "confirmations", "builds"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} is 1 or more, not {getattr(self, name)}")
        build_options_of(self.build_options)

    @property
    def origins(self) -> Mapping[str, str]:
        """Where values came from, by the setting's name: an option, a variable or a file; nothing for defaults.

        Only ``load_settings`` knows. It is no part of what a session was told, so neither copies nor records have it.
        """
        return getattr(self, "_origins", {})


# When an engine that an earlier session built is used again.
ENGINES = ("auto", "reuse", "rebuild")

# Seconds of timing at each point.
PACES: dict[str, float] = {"quick": 0.1, "normal": 0.3, "full": 2.0}


def pace_of(*, quick: bool, full: bool) -> str | None:
    """Return the pace that ``--quick`` or ``--full`` asks for; None where neither was given.

    Raises:
        ConfigurationError: both were.
    """
    if quick and full:
        raise ConfigurationError("--quick and --full contradict each other; give one")
    return "quick" if quick else "full" if full else None


def load_settings(
    root: Path, overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings in force.

    Args:
        root: the folder whose pyproject.toml is read, if it has one.
        overrides: from the command line, by the setting's name; None and empty values are taken as not given.
        environment: by default ``os.environ``; ``TRT_HARNESS_CASE_TIMEOUT=60`` sets ``case_timeout``.

    Raises:
        ConfigurationError: a setting does not exist or has a value that it cannot have; the text begins with the
            option, variable or file that gives it.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    file = root / "pyproject.toml"
    if file.is_file():
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("trt-harness", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{str(file)!r} is not TOML: {error}") from None
        for name, value in table.items():
            known = _known(name.replace("-", "_"), str(file))
            values[known], origins[known] = value, str(file)
    for variable, text in (os.environ if environment is None else environment).items():
        if variable.startswith(_PREFIX):
            known = _known(variable.removeprefix(_PREFIX).lower(), variable)
            values[known], origins[known] = text, variable
    for name, value in (overrides or {}).items():
        if value not in (None, "", (), []):
            values[name], origins[name] = value, option_of(name, value)
    for name, value in values.items():
        with named_origin(origins[name]):
            values[name] = _typed(name, value)
            Settings(**{name: values[name]})  # no check concerns two settings, so each is told by itself
    settings = Settings(**values)
    object.__setattr__(settings, "_origins", origins)
    return settings


def _known(name: str, where: str) -> str:
    names = [f.name for f in fields(Settings)]
    if name not in names:
        raise ConfigurationError(f"{where}: {unknown_value('setting', name, names)}")
    return name


def _typed(name: str, value: Any) -> Any:
    default = getattr(Settings, name)
    if isinstance(default, tuple) and isinstance(value, (str, list, tuple)):
        items = value.split(",") if isinstance(value, str) else value
        return tuple(str(item).strip() for item in items if str(item).strip())
    if isinstance(default, str) and isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    # From the environment and the command line numbers come as text; True is a number to Python alone.
    if (
        isinstance(default, (int, float))
        and isinstance(value, (str, int, type(default)))
        and not isinstance(value, bool)
    ):
        with contextlib.suppress(ValueError):
            return type(default)(value)
    raise ConfigurationError(f"setting {name!r} takes {_KINDS[type(default)]}, not {value!r}")


def load_catalogue(reference: str, root: Path) -> tuple[Model, ...]:
    """Import the sequence of models that ``module:NAME`` refers to, with ``root`` importable.

    Raises:
        ConfigurationError: there is no such module or name, it holds something other than models, or a record in it is
            wrong: a Python module runs to its end or not at all, so the text names the record's file and line.
    """
    from harness.cases import Model

    module_name, colon, attribute = reference.partition(":")
    if not colon:
        raise ConfigurationError(
            f"a catalogue is given as module:NAME, e.g. suites.catalogue:CATALOGUE, not {reference!r}"
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigurationError(
            f"the catalogue {reference!r} cannot be imported from {str(root)!r}: {error}. Name another one as "
            f"`catalogue` under [tool.trt-harness] in pyproject.toml."
        ) from None
    except Exception as error:  # noqa: BLE001 - a record can be wrong in any way that Python knows
        what = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
        raise ConfigurationError(f"the catalogue {reference!r} cannot be made{_record_of(error)}: {what}") from None
    models = getattr(module, attribute, None)
    if not isinstance(models, (tuple, list)):
        raise ConfigurationError(f"the module {module_name!r} has no sequence of models called {attribute!r}")
    wrong = [item for item in models if not isinstance(item, Model)]
    if wrong:
        raise ConfigurationError(f"the catalogue {reference!r} holds {wrong[0]!r}, which is no harness.cases.Model")
    return tuple(models)


def _record_of(error: Exception) -> str:
    """Say at which statement of which module ``error`` was raised, whatever functions that statement called."""
    statements = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == "<module>"]
    return f", at line {statements[-1].lineno} of {statements[-1].filename!r}" if statements else ""


def build_options_of(texts: Iterable[str]) -> dict[str, str | int | bool]:
    """Read ``NAME=VALUE`` build options; ``true`` and ``false`` are switches, digits a whole number, the rest text.

    Raises:
        ConfigurationError: one is not of that form.
    """
    options: dict[str, str | int | bool] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigurationError(f"--build-option takes NAME=VALUE, e.g. optimization_level=1, not {text!r}")
        if value.lower() in ("true", "false"):
            options[name] = value.lower() == "true"
        else:
            options[name] = int(value) if value.isdecimal() else value
    return options
